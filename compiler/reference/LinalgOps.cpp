//===- LinalgOps.cpp - every structured op, through its interface -------------------------------------------------===//
// Answers: what does linalg.generic compute, and with it fill, transpose, broadcast, matmul and all that have the same
// interface: indexing maps, iterators and a body? Loops run in order, the last dimension fastest.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Parallel.h"
#include "compiler/reference/ScalarBody.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace weft::reference {
namespace {

/// Loops with fewer iterations are not worth a thread.
constexpr int64_t worthThreads = 1 << 15;

int64_t evaluate(AffineExpr expr, ArrayRef<int64_t> index) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return index[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  auto binary = cast<AffineBinaryOpExpr>(expr); // structured ops have no symbols
  int64_t a = evaluate(binary.getLHS(), index), b = evaluate(binary.getRHS(), index);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return a + b;
  case AffineExprKind::Mul:
    return a * b;
  case AffineExprKind::Mod:
    return b > 0 ? llvm::mod(a, b) : -1;
  case AffineExprKind::FloorDiv:
    return b > 0 ? llvm::divideFloorSigned(a, b) : -1;
  default:
    return b > 0 ? llvm::divideCeilSigned(a, b) : -1;
  }
}

/// How one operand is addressed.
struct Access {
  AffineMap map;
  Type type;
  const std::vector<int64_t> *shape;
  SmallVector<int64_t> distances; ///< of the operand's dimensions
  SmallVector<int64_t> steps;     ///< per loop, when the map is a projection; else empty

  /// The element, or -1 when the map leaves the operand.
  int64_t offset(ArrayRef<int64_t> index) const {
    int64_t offset = 0;
    if (!steps.empty()) {
      for (size_t i = 0; i < index.size(); ++i)
        offset += steps[i] * index[i];
      return offset;
    }
    for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
      int64_t i = evaluate(expr, index);
      if (i < 0 || i >= (*shape)[dim])
        return -1;
      offset += i * distances[dim];
    }
    return offset;
  }
};

class Nest {
public:
  static llvm::Expected<Nest> make(linalg::LinalgOp op, const Frame &frame) {
    Nest nest;
    nest.op = op;
    nest.ranges.assign(op.getNumLoops(), -1);
    for (auto [operand, map] : llvm::zip_equal(op->getOperands(), op.getIndexingMapsArray())) {
      const Tensor &tensor = frame[operand];
      nest.operands.push_back(&tensor);
      Access &access = nest.accesses.emplace_back();
      access = {map, operand.getType(), &tensor.shape, strides(tensor.shape), {}};
      // A scalar operand (of linalg.fill, say) has the map of an operand without dimensions.
      if (map.getNumResults() != tensor.shape.size())
        return failure(op, "has an operand of shape " + text(tensor.shape) + " with a map of " +
                               Twine(map.getNumResults()) + " results");
      for (auto [expr, size] : llvm::zip_equal(map.getResults(), tensor.shape)) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        if (!dim)
          continue;
        int64_t &range = nest.ranges[dim.getPosition()];
        if (range >= 0 && range != size)
          return failure(op, "has operands of size " + Twine(range) + " and " + Twine(size) + " in loop " +
                                 Twine(dim.getPosition()));
        range = size;
      }
    }
    if (llvm::is_contained(nest.ranges, -1))
      return failure(op, "has a loop that no operand gives a size");
    for (Access &access : nest.accesses)
      if (access.map.isProjectedPermutation() && !nest.ranges.empty()) {
        access.steps.assign(nest.ranges.size(), 0);
        for (auto [dim, expr] : llvm::enumerate(access.map.getResults()))
          access.steps[cast<AffineDimExpr>(expr).getPosition()] = access.distances[dim];
      }
    return nest;
  }

  /// Runs the part of the nest with the outermost index in [begin, end).
  llvm::Error run(const ScalarBody &body, MutableArrayRef<Tensor> results, int64_t begin, int64_t end) const {
    Slots slots = body.slots();
    SmallVector<int64_t> part(ranges), index(ranges.size()), offsets(accesses.size());
    if (!part.empty())
      part[0] = end - begin;
    size_t inputs = accesses.size() - results.size();
    llvm::Error error = llvm::Error::success();
    forEachIndex(part, [&](ArrayRef<int64_t> relative) {
      if (error)
        return;
      llvm::copy(relative, index.begin());
      if (!index.empty())
        index[0] += begin;
      for (size_t i = 0; i < accesses.size(); ++i) {
        offsets[i] = accesses[i].offset(index);
        if (offsets[i] < 0) {
          error = failure(op, "reads outside operand " + Twine(i) + " at " + text(index));
          return;
        }
        const Tensor &tensor = i < inputs ? *operands[i] : results[i - inputs];
        body.argument(slots, i) = toNumber(tensor.values[offsets[i]], accesses[i].type);
      }
      slots.indices = index;
      if (!body.execute(slots)) {
        error = ScalarBody::error(slots);
        return;
      }
      for (size_t i = 0; i < results.size(); ++i)
        results[i].values[offsets[inputs + i]] = toDouble(body.result(slots, i), accesses[inputs + i].type);
    });
    return error;
  }

  SmallVector<int64_t> ranges;

private:
  linalg::LinalgOp op;
  SmallVector<const Tensor *> operands;
  SmallVector<Access> accesses;
};

/// Iterations that differ in a parallel loop write different elements, so threads may share that loop.
bool canSplit(linalg::LinalgOp op, ArrayRef<int64_t> ranges) {
  int64_t iterations = 1;
  for (int64_t range : ranges)
    iterations *= range;
  return iterations >= worthThreads && op.getIteratorTypesArray()[0] == utils::IteratorType::parallel;
}

} // namespace

llvm::Error evaluateLinalg(Operation *op, Frame &frame) {
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured || !structured.hasPureTensorSemantics())
    return unsupported(op);
  Block &block = *structured.getBlock();
  if (block.getNumArguments() != op->getNumOperands())
    return failure(op, "has a body that does not take one number per operand");
  auto nest = Nest::make(structured, frame);
  if (!nest)
    return nest.takeError();
  auto body = ScalarBody::translate(block, frame);
  if (!body)
    return body.takeError();

  SmallVector<Tensor> results;
  for (Value init : structured.getDpsInits())
    results.push_back(frame[init]);
  ArrayRef<int64_t> ranges = nest->ranges;
  llvm::Error error = canSplit(structured, ranges)
                          ? parallelFor(ranges[0], [&](size_t i) { return nest->run(*body, results, i, i + 1); })
                          : nest->run(*body, results, 0, ranges.empty() ? 1 : ranges[0]);
  if (error)
    return error;
  for (auto [value, result] : llvm::zip_equal(op->getResults(), results))
    frame.set(value, std::move(result));
  return llvm::Error::success();
}

} // namespace weft::reference
