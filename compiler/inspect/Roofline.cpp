//===- Roofline.cpp - operations, bytes and intensity of each kernel --------------------------------------------===//
// The model of Williams, Waterman and Patterson, 2009: a kernel cannot run faster than its operations at the machine's
// peak, nor than its bytes at the machine's bandwidth; its intensity says which of the two binds.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/Roofline.h"
#include "compiler/inspect/Places.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace weft {
namespace {

SmallVector<int64_t> sizesOf(Value value, int64_t unknown) {
  SmallVector<int64_t> sizes;
  for (int64_t size : cast<ShapedType>(value.getType()).getShape())
    sizes.push_back(ShapedType::isDynamic(size) ? unknown : size);
  return sizes;
}

int64_t bytesOf(Value value, int64_t unknown) {
  int64_t bytes = llvm::divideCeil(cast<ShapedType>(value.getType()).getElementTypeBitWidth(), 8);
  for (int64_t size : sizesOf(value, unknown))
    bytes *= size;
  return bytes;
}

/// What an elementwise formula or a reduction costs: its body, for each point that it visits.
int64_t flopsOf(linalg::LinalgOp op, int64_t unknown) {
  int64_t points = 1;
  for (int64_t range : op.getStaticLoopRanges())
    points *= ShapedType::isDynamic(range) ? unknown : range;
  int64_t operations = 0;
  for (Operation &inner : *op.getBlock())
    operations += inner.getNumResults() == 1 && isa<FloatType>(inner.getResult(0).getType()) &&
                  !inner.hasTrait<OpTrait::ConstantLike>();
  return points * operations;
}

/// How often the loops around an op run it.
int64_t roundsOf(Operation *op, int64_t unknown) {
  int64_t rounds = 1;
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop; loop = loop->getParentOfType<scf::ForOp>())
    rounds *= getConstantIntValue(loop.getUpperBound()).value_or(unknown); // scans count from 0 in steps of 1
  return rounds;
}

} // namespace

std::vector<KernelCost> costsOf(func::FuncOp entry, int64_t keys) {
  std::vector<KernelCost> costs;
  entry.walk([&](Operation *op) {
    KernelCost cost;
    if (auto kernel = dyn_cast<KernelOpInterface>(op)) {
      SmallVector<SmallVector<int64_t>> sizes;
      for (Value operand : op->getOperands())
        sizes.push_back(isa<ShapedType>(operand.getType()) ? sizesOf(operand, keys) : SmallVector<int64_t>());
      cost.flops = kernel.flops(sizes);
      for (Value operand : op->getOperands())
        if (isa<ShapedType>(operand.getType()))
          cost.bytes += bytesOf(operand, keys);
      // A look-up reads the rows that it is asked for, not the table.
      if (auto lookup = dyn_cast<LookupOp>(op))
        cost.bytes += bytesOf(lookup.getResult(), keys) - bytesOf(lookup.getTable(), keys);
    } else if (auto generic = dyn_cast<linalg::LinalgOp>(op)) {
      cost.flops = flopsOf(generic, keys);
      for (OpOperand *input : generic.getDpsInputOperands())
        if (isa<ShapedType>(input->get().getType()))
          cost.bytes += bytesOf(input->get(), keys);
    } else {
      return;
    }
    for (Value result : op->getResults())
      cost.bytes += bytesOf(result, keys);
    cost.kernel = op->getName().getStringRef().str();
    cost.place = placeOf(op->getLoc());
    if (op->getNumResults())
      for (int64_t size : sizesOf(op->getResult(0), keys))
        cost.shape += (cost.shape.empty() ? "" : "x") + std::to_string(size);
    int64_t rounds = roundsOf(op, keys);
    cost.flops *= rounds;
    cost.bytes *= rounds;
    costs.push_back(cost);
  });
  return costs;
}

static void printLine(llvm::raw_ostream &os, StringRef kernel, StringRef place, StringRef shape, unsigned uses,
                      double flops, double bytes) {
  os << llvm::format("%-20s %-22s %-18s %5u %12.3f %12.3f %10.2f\n", kernel.str().c_str(), place.str().c_str(),
                     shape.str().c_str(), uses, flops / 1e6, bytes / 1e6, bytes ? flops / bytes : 0.0);
}

void printRoofline(StringRef title, ArrayRef<KernelCost> costs, llvm::raw_ostream &os) {
  os << title << "\n";
  os << llvm::format("%-20s %-22s %-18s %5s %12s %12s %10s\n", "kernel", "place", "result", "uses", "MFLOP", "MB",
                     "FLOP/byte");
  struct Line {
    const KernelCost *kind;
    unsigned uses = 0;
    int64_t flops = 0, bytes = 0;
    void add(const KernelCost &cost) {
      ++uses;
      flops += cost.flops;
      bytes += cost.bytes;
    }
  };
  std::vector<Line> lines; // in the order of first use
  llvm::StringMap<size_t> known;
  Line all{nullptr};
  for (const KernelCost &cost : costs) {
    auto [line, isNew] = known.try_emplace(cost.kernel + " " + cost.place + " " + cost.shape, lines.size());
    if (isNew)
      lines.push_back({&cost});
    lines[line->second].add(cost);
    all.add(cost);
  }
  for (const Line &line : lines)
    printLine(os, line.kind->kernel, line.kind->place, line.kind->shape, line.uses, line.flops, line.bytes);
  printLine(os, "all", "", "", all.uses, all.flops, all.bytes);
}

} // namespace weft
