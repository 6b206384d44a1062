//===- Norms.cpp - rms_norm, layer_norm, softmax: verify, sizes, cost -------------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;
using namespace weft;

WEFT_KERNEL_OP(RmsNormOp)
WEFT_KERNEL_OP(LayerNormOp)
WEFT_KERNEL_OP(SoftmaxOp)

// The result is like the input, and so are vectors as long as its rows.
static LogicalResult verifyRows(KernelOpInterface op, ArrayRef<std::pair<StringRef, Value>> vectors) {
  if (failed(kernel::verifyForm(op)))
    return failure();
  ShapedType input = kernel::shaped(op->getOperand(0));
  if (input.getRank() < 1)
    return op->emitOpError("input must have a last dimension, but is ") << input;
  for (auto [name, value] : vectors) {
    if (!value)
      continue;
    ShapedType type = kernel::shaped(value);
    if (type.getRank() != 1 || !kernel::compatible(type.getDimSize(0), input.getShape().back()))
      return op->emitOpError(name) << " must have " << input.getShape().back() << " elements, but is " << type
                                   << " (C1)";
  }
  if (kernel::resultType(op).getElementType() != input.getElementType())
    return op->emitOpError("result must have the input's element type ") << input.getElementType();
  return kernel::verifyResultShape(op, input.getShape(), vectors.empty() ? "C1" : "C2");
}

static LogicalResult verifyEps(Operation *op, const llvm::APFloat &eps) {
  if (eps.isNegative() || !eps.isFinite())
    return op->emitOpError("eps must be finite and not negative, but is ") << eps.convertToDouble() << " (C3)";
  return success();
}

LogicalResult RmsNormOp::verify() {
  if (failed(verifyRows(*this, {{"scale", getScale()}})))
    return failure();
  return verifyEps(*this, getEps());
}

LogicalResult LayerNormOp::verify() {
  if (failed(verifyRows(*this, {{"scale", getScale()}, {"shift", getShift()}})))
    return failure();
  return verifyEps(*this, getEps());
}

LogicalResult SoftmaxOp::verify() { return verifyRows(*this, {}); }

SmallVector<OpFoldResult> RmsNormOp::resultSizes(OpBuilder &b, ValueRange operands) {
  return kernel::sizesOf(b, getLoc(), operands[0]);
}
SmallVector<OpFoldResult> LayerNormOp::resultSizes(OpBuilder &b, ValueRange operands) {
  return kernel::sizesOf(b, getLoc(), operands[0]);
}
SmallVector<OpFoldResult> SoftmaxOp::resultSizes(OpBuilder &b, ValueRange operands) {
  return kernel::sizesOf(b, getLoc(), operands[0]);
}

// Operations per element: square and sum, scale twice; deviation besides; maximum, difference, exp (about 12), sum,
// scale.
int64_t RmsNormOp::flops(ArrayRef<SmallVector<int64_t>> sizes) { return 4 * kernel::product(sizes[0]); }
int64_t LayerNormOp::flops(ArrayRef<SmallVector<int64_t>> sizes) { return 7 * kernel::product(sizes[0]); }
int64_t SoftmaxOp::flops(ArrayRef<SmallVector<int64_t>> sizes) { return 16 * kernel::product(sizes[0]); }
