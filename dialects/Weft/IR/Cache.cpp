//===- Cache.cpp - cache: verify, sizes -------------------------------------------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;
using namespace weft;

LogicalResult CacheOp::verify() {
  ShapedType state = getState().getType(), input = getInput().getType(), result = getResult().getType();
  if (state.getRank() < 2 || input.getRank() != state.getRank() || result.getRank() != state.getRank())
    return emitOpError("state, input and result must have one rank of at least 2 (C1)");
  for (int64_t dim = 0; dim < state.getRank(); ++dim)
    if (dim != 1 && (!kernel::compatible(state.getDimSize(dim), input.getDimSize(dim)) ||
                     !kernel::compatible(state.getDimSize(dim), result.getDimSize(dim))))
      return emitOpError("state ") << state << ", input " << input << " and result " << result
                                   << " must agree but in their positions (C1)";
  if (state.isDynamicDim(1))
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
