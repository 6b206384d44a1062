//===- Roofline.cpp - operations, bytes and intensity of each kernel --------------------------------------------===//
// The model of Williams, Waterman and Patterson, 2009: a kernel cannot run faster than its operations at the machine's
// peak, nor than its bytes at the machine's bandwidth; its intensity says which of the two binds.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/Roofline.h"
#include "compiler/inspect/Places.h"
#include "dialects/Conversion/WeftToCpu/Tiles.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "dialects/Weft/IR/Workspace.h"
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
  int64_t bits = cast<ShapedType>(value.getType()).getElementTypeBitWidth();
  int64_t elements = 1;
  for (int64_t size : sizesOf(value, unknown))
    elements *= size;
  return bits < 4 ? elements : llvm::divideCeil(elements * bits, 8); // a truth value takes a byte
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

bool roundsRows(PackedLinearOp op, const TargetLimits &target) { return weft::roundsRows(op, target.dots, false); }

/// How many products an instruction for narrow numbers makes of those of f32. In fixed point, one for each digit.
double productsAtOnce(Operation *op, const TargetLimits &target) {
  auto linear = dyn_cast<PackedLinearOp>(op);
  if (!linear || target.target != Target::Cpu || !roundsRows(linear, target))
    return 1;
  switch (roundedRow(linear)) {
  case RoundedRow::BF16:
    return 2;
  case RoundedRow::Int8:
    return 4;
  case RoundedRow::F16:
    return 1;
  case RoundedRow::FixedPoint:
    return 4.0 / digitsOfNumber(linear.getWeightType());
  }
  llvm_unreachable("no such rows");
}

std::string tileOf(Operation *op, const TargetLimits &target) {
  if (target.target != Target::Cpu)
    return "";
  cpu::CpuLimits limits;
  limits.lanes = target.lanes;
  if (auto linear = dyn_cast<PackedLinearOp>(op))
    return cpu::tileOf(linear, limits, roundsRows(linear, target));
  if (auto attention = dyn_cast<AttentionOp>(op))
    return cpu::tileOf(attention, limits);
  return "";
}

/// Of an operand that is a weight, an input or a cache; views are what they are of.
bool isFar(Value value) {
  Operation *producer = value.getDefiningOp();
  while (producer &&
         isa<tensor::ExtractSliceOp, tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(producer)) {
    value = producer->getOperand(0);
    producer = value.getDefiningOp();
  }
  return !producer || isa<ParameterOp, CacheOp>(producer);
}

} // namespace

std::vector<KernelCost> costsOf(func::FuncOp entry, int64_t keys, const TargetLimits &target) {
  std::vector<KernelCost> costs;
  entry.walk([&](Operation *op) {
    KernelCost cost;
    if (auto kernel = dyn_cast<KernelOpInterface>(op)) {
      SmallVector<SmallVector<int64_t>> sizes;
      for (Value operand : op->getOperands())
        sizes.push_back(isa<ShapedType>(operand.getType()) ? sizesOf(operand, keys) : SmallVector<int64_t>());
      cost.flops = kernel.flops(sizes);
      for (Value operand : op->getOperands()) {
        if (!isa<ShapedType>(operand.getType()))
          continue;
        // A look-up reads the rows that it is asked for, not the table.
        auto lookup = dyn_cast<LookupOp>(op);
        int64_t bytes = bytesOf(lookup && operand == lookup.getTable() ? lookup.getResult() : operand, keys);
        cost.bytes += bytes;
        cost.far += isFar(operand) ? bytes : 0;
      }
    } else if (auto generic = dyn_cast<linalg::LinalgOp>(op)) {
      cost.flops = flopsOf(generic, keys);
      for (OpOperand *input : generic.getDpsInputOperands())
        if (isa<ShapedType>(input->get().getType())) {
          cost.bytes += bytesOf(input->get(), keys);
          cost.far += isFar(input->get()) ? bytesOf(input->get(), keys) : 0;
        }
    } else {
      return;
    }
    for (Value result : op->getResults())
      cost.bytes += bytesOf(result, keys);
    cost.kernel = op->getName().getStringRef().str();
    cost.place = placeOf(op->getLoc());
    cost.tile = tileOf(op, target);
    cost.atOnce = productsAtOnce(op, target);
    if (op->getNumResults())
      for (int64_t size : sizesOf(op->getResult(0), keys))
        cost.shape += (cost.shape.empty() ? "" : "x") + std::to_string(size);
    int64_t rounds = roundsOf(op, keys);
    cost.flops *= rounds;
    cost.bytes *= rounds;
    cost.far *= rounds;
    costs.push_back(cost);
  });
  return costs;
}

//===-- limits ----------------------------------------------------------------------------------------------------===//

Roofline::Roofline(const MachineLimits &machine, ArrayRef<KernelCost> costs) : machine(machine) {
  int64_t far = 0;
  for (const KernelCost &cost : costs)
    far += cost.far;
  farRate = far > machine.cacheSize ? machine.memory : machine.cache;
}

double Roofline::bytesSeconds(const KernelCost &cost) const {
  return cost.far / farRate + (cost.bytes - cost.far) / machine.cache;
}

double Roofline::seconds(const KernelCost &cost) const { return std::max(bytesSeconds(cost), flopsSeconds(cost)); }

//===-- tables ----------------------------------------------------------------------------------------------------===//

namespace {

/// Kernels that share a line.
struct Line {
  const KernelCost *kind;
  unsigned uses = 0;
  int64_t flops = 0, bytes = 0;
  double seconds = 0; ///< at the limit
  void add(const KernelCost &cost, const Roofline &roofline) {
    ++uses;
    flops += cost.flops;
    bytes += cost.bytes;
    seconds += roofline.seconds(cost);
  }
};

/// The lines in the order of first use, by what `key` says of a kernel; the last one is the sum of all.
std::vector<Line> linesOf(ArrayRef<KernelCost> costs, const Roofline &roofline,
                          llvm::function_ref<std::string(const KernelCost &)> key) {
  std::vector<Line> lines;
  llvm::StringMap<size_t> known;
  Line all{nullptr};
  for (const KernelCost &cost : costs) {
    auto [line, isNew] = known.try_emplace(key(cost), lines.size());
    if (isNew)
      lines.push_back({&cost});
    lines[line->second].add(cost, roofline);
    all.add(cost, roofline);
  }
  lines.push_back(all);
  return lines;
}

void printNumbers(const Line &line, llvm::raw_ostream &os) {
  os << llvm::format(" %5u %11.3f %11.3f %10.2f %10.4f", line.uses, line.flops / 1e6, line.bytes / 1e6,
                     line.bytes ? static_cast<double>(line.flops) / line.bytes : 0.0, 1e3 * line.seconds);
}

} // namespace

void printMachine(const MachineLimits &machine, StringRef device, llvm::raw_ostream &os) {
  if (!device.empty()) {
    os << "the best of our kernels on " << device
       << llvm::format(": %.1f GFLOP/s in a matmul; %.1f GB/s copied\n", machine.flops / 1e9, machine.memory / 1e9);
    return;
  }
  os << llvm::format("this machine, %d thread%s: %.1f GFLOP/s; %.1f GB/s from memory, %.1f GB/s from a cache\n",
                     machine.threads, machine.threads == 1 ? "" : "s", machine.flops / 1e9, machine.memory / 1e9,
                     machine.cache / 1e9);
}

void printRoofline(StringRef title, ArrayRef<KernelCost> costs, const Roofline &roofline, llvm::raw_ostream &os) {
  os << title << "\n";
  os << llvm::format("%-20s %-22s %-18s %-6s %5s %11s %11s %10s %10s  %s\n", "kernel", "place", "result", "tile",
                     "uses", "MFLOP", "MB", "FLOP/byte", "limit ms", "bound by");
  auto key = [](const KernelCost &cost) { return cost.kernel + " " + cost.place + " " + cost.shape; };
  for (const Line &line : linesOf(costs, roofline, key)) {
    static const KernelCost all{"all", "", "", ""};
    const KernelCost &kind = line.kind ? *line.kind : all;
    os << llvm::format("%-20s %-22s %-18s %-6s", kind.kernel.c_str(), kind.place.c_str(), kind.shape.c_str(),
                       kind.tile.c_str());
    printNumbers(line, os);
    os << (!line.kind ? "" : roofline.isBoundByBytes(kind) ? "  bytes" : "  operations") << "\n";
  }
}

void printProfile(ArrayRef<KernelCost> costs, ArrayRef<MeasuredKernel> measured, const Roofline &roofline,
                  llvm::raw_ostream &os) {
  auto textOf = [](StringRef kernel, StringRef place) { return (kernel.rsplit('.').second + " " + place).str(); };
  llvm::StringMap<double> spent;
  double all = 0;
  for (const MeasuredKernel &kernel : measured) {
    spent[textOf("." + kernel.kernel, kernel.place)] += kernel.seconds;
    all += kernel.seconds;
  }
  os << llvm::format("%-20s %-22s %-6s %5s %11s %11s %10s %10s %10s %8s %8s\n", "kernel", "place", "tile", "uses",
                     "MFLOP", "MB", "FLOP/byte", "limit ms", "ms", "% of all", "% limit");
  auto print = [&](StringRef kernel, StringRef place, StringRef tile, const Line &line, double seconds) {
    os << llvm::format("%-20s %-22s %-6s", kernel.str().c_str(), place.str().c_str(), tile.str().c_str());
    printNumbers(line, os);
    os << llvm::format(" %10.4f %8.1f %8.1f\n", 1e3 * seconds, all ? 100 * seconds / all : 0,
                       seconds ? 100 * line.seconds / seconds : 0);
  };
  auto key = [&](const KernelCost &cost) { return textOf(cost.kernel, cost.place); };
  for (const Line &line : linesOf(costs, roofline, key)) {
    if (!line.kind) {
      // What was copied and joined on the way to memory is in no line of costs.
      for (const auto &rest : spent)
        print(rest.getKey().split(' ').first, rest.getKey().split(' ').second, "", Line{nullptr}, rest.getValue());
      print("all", "", "", line, all);
      continue;
    }
    auto found = spent.find(key(*line.kind));
    double seconds = found == spent.end() ? 0 : found->getValue();
    print(line.kind->kernel, line.kind->place, line.kind->tile, line, seconds);
    if (found != spent.end())
      spent.erase(found);
  }
}

} // namespace weft
