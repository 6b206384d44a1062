//===- LoopNests.cpp - what a structured op iterates over and combines --------------------------------------------===//
#include "dialects/Weft/Transforms/LoopNests.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace weft {

//===-- bodies ----------------------------------------------------------------------------------------------------===//

bool hasPureBody(linalg::LinalgOp op) {
  return llvm::all_of(op.getBlock()->without_terminator(), [](Operation &inner) {
    return inner.getNumResults() == 1 && inner.getNumRegions() == 0 && isPure(&inner);
  });
}

SmallVector<Operation *> opsFor(Block &block, ValueRange values) {
  SetVector<Operation *> needed;
  auto need = [&](Value value) {
    if (Operation *op = value.getDefiningOp(); op && op->getBlock() == &block)
      needed.insert(op);
  };
  llvm::for_each(values, need);
  for (size_t i = 0; i < needed.size(); ++i)
    llvm::for_each(needed[i]->getOperands(), need);
  SmallVector<Operation *> ops = needed.takeVector();
  llvm::sort(ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ops;
}

//===-- reductions ------------------------------------------------------------------------------------------------===//

SmallVector<unsigned> reductionLoops(linalg::LinalgOp op) {
  SmallVector<unsigned> loops;
  op.getReductionDims(loops);
  return loops;
}

/// The one operation that combines the value so far with another; that other is `combined`, and `start` the first.
static Operation *combiner(linalg::LinalgOp op, Value &combined, FloatAttr &start) {
  if (!op.hasPureTensorSemantics() || op->getNumResults() != 1 || op.getNumReductionLoops() == 0 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isProjectedPermutation() || !hasPureBody(op))
    return nullptr;
  BlockArgument soFar = op.getRegionOutputArgs().front();
  SmallVector<Operation *, 4> combiners;
  combined = matchReduction(soFar, 0, combiners);
  auto fill = op.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  if (!combined || combiners.size() != 1 || !soFar.hasOneUse() || !fill ||
      !matchPattern(fill.getInputs().front(), m_Constant(&start)))
    return nullptr;
  return combiners.front();
}

Value addedUp(linalg::LinalgOp op) {
  Value value;
  FloatAttr start;
  return isa_and_present<arith::AddFOp>(combiner(op, value, start)) && start.getValue().isZero() ? value : Value();
}

Value largestOf(linalg::LinalgOp op) {
  Value value;
  FloatAttr start;
  if (!isa_and_present<arith::MaximumFOp, arith::MaxNumFOp>(combiner(op, value, start)))
    return {};
  // The lowest finite number does as well as -inf: no value is lower but -inf itself.
  APFloat number = start.getValue();
  return number.isNegative() && (number.isInfinity() || number.isLargest()) ? value : Value();
}

//===-- sizes -----------------------------------------------------------------------------------------------------===//

OpFoldResult knownSize(Value tensor, int64_t dim) {
  while (true) {
    auto type = cast<RankedTensorType>(tensor.getType());
    if (!type.isDynamicDim(dim))
      return IntegerAttr::get(IndexType::get(type.getContext()), type.getDimSize(dim));
    Operation *op = tensor.getDefiningOp();
    if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(op))
      return empty.getDynamicSize(dim);
    if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
      return expand.getMixedOutputShape()[dim];
    if (auto softmax = dyn_cast_or_null<SoftmaxOp>(op))
      tensor = softmax.getInput();
    else if (auto destination = dyn_cast_or_null<DestinationStyleOpInterface>(op))
      tensor = destination.getTiedOpOperand(cast<OpResult>(tensor))->get();
    else
      return {};
  }
}

OpFoldResult loopSize(OpBuilder &b, linalg::LinalgOp op, unsigned loop) {
  Value source;
  int64_t sourceDim = 0;
  for (OpOperand &operand : llvm::reverse(op->getOpOperands()))
    for (auto [dim, position] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      if (position != getAffineDimExpr(loop, op->getContext()))
        continue;
      if (OpFoldResult size = knownSize(operand.get(), dim))
        return size;
      source = operand.get();
      sourceDim = dim;
    }
  return tensor::getMixedSize(b, op.getLoc(), source, sourceDim);
}

} // namespace weft
