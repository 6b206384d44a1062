//===- Cache.cpp - cache: verify, sizes -------------------------------------------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;
using namespace weft;

LogicalResult CacheOp::verify() {
  ShapedType state = getState().getType(), input = getInput().getType(), result = getResult().getType();
  if (state.getRank() < 2 || input.getRank() != state.getRank() || result.getRank() != state.getRank())
    return emitOpError("state, input and result must have one rank of at least 2 (C1)");
  int64_t position = getPosition();
  if (position < 1 || position >= state.getRank())
    return emitOpError("position ") << position << " is no dimension of " << state << " that positions can be (C3)";
  for (int64_t dim = 0; dim < state.getRank(); ++dim) {
    int64_t size = state.getDimSize(getStateDim(dim));
    if (dim != 1 &&
        (!kernel::compatible(size, input.getDimSize(dim)) || !kernel::compatible(size, result.getDimSize(dim))))
      return emitOpError("state ") << state << ", input " << input << " and result " << result
                                   << " must agree but in their positions (C1)";
  }
  if (state.isDynamicDim(position))
    return emitOpError("needs a state of known length, but it is ") << state << " (C2)";
  return success();
}

LogicalResult CacheOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = kernel::sizesOf(b, getLoc(), getInput());
  Value length = getValueOrCreateConstantIndexOp(b, getLoc(), sizes[1]);
  sizes[1] = arith::AddIOp::create(b, getLoc(), getPast(), length).getResult();
  shapes.push_back(sizes);
  return success();
}
