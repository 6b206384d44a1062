//===- Positions.cpp - rotary, lookup, argmax: verify, sizes, cost ----------------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;
using namespace weft;

//===-- rotary --------------------------------------------------------------------------------------------------===//

WEFT_KERNEL_OP(RotaryOp)

LogicalResult RotaryOp::verify() {
  if (failed(kernel::verifyForm(*this)))
    return failure();
  ShapedType input = kernel::shaped(getInput()), table = kernel::shaped(getTable());
  if (input.getRank() != 4)
    return emitOpError("input must be [batch, position, head, width], but is ") << input << " (C1)";
  if (table.getRank() != 3 || !kernel::compatible(table.getDimSize(2), 2) ||
      !kernel::compatible(table.getDimSize(0), input.getDimSize(1)))
    return emitOpError("table must be [position, width / 2, 2], but is ") << table << " (C2)";
  int64_t width = input.getDimSize(3), pairs = table.getDimSize(1);
  if (!ShapedType::isDynamic(width) && !ShapedType::isDynamic(pairs) && 2 * pairs > width)
    return emitOpError("table rotates ") << 2 * pairs << " elements but the width is " << width << " (C2)";
  return kernel::verifyResultShape(*this, input.getShape(), "C3");
}

SmallVector<OpFoldResult> RotaryOp::resultSizes(OpBuilder &b, ValueRange operands) {
  return kernel::sizesOf(b, getLoc(), operands[0]);
}
int64_t RotaryOp::flops(ArrayRef<SmallVector<int64_t>> sizes) { return 3 * kernel::product(sizes[0]); }

//===-- lookup --------------------------------------------------------------------------------------------------===//

WEFT_KERNEL_OP(LookupOp)

LogicalResult LookupOp::verify() {
  if (failed(kernel::verifyForm(*this)))
    return failure();
  ShapedType table = kernel::shaped(getTable()), indices = kernel::shaped(getIndices());
  if (table.getRank() != 2)
    return emitOpError("table must be a matrix, but is ") << table << " (C1)";
  if (!indices.getElementType().isInteger(32))
    return emitOpError("indices must be i32, but are ") << indices.getElementType();
  SmallVector<int64_t> expected(indices.getShape());
  expected.push_back(table.getDimSize(1));
  return kernel::verifyResultShape(*this, expected, "C2");
}

SmallVector<OpFoldResult> LookupOp::resultSizes(OpBuilder &b, ValueRange operands) {
  SmallVector<OpFoldResult> sizes = kernel::sizesOf(b, getLoc(), operands[1]);
  sizes.push_back(kernel::sizesOf(b, getLoc(), operands[0])[1]);
  return sizes;
}
int64_t LookupOp::flops(ArrayRef<SmallVector<int64_t>>) { return 0; }

//===-- argmax --------------------------------------------------------------------------------------------------===//

WEFT_KERNEL_OP(ArgmaxOp)

LogicalResult ArgmaxOp::verify() {
  if (failed(kernel::verifyForm(*this)))
    return failure();
  ShapedType input = kernel::shaped(getInput());
  if (input.getRank() < 1 || input.getShape().back() == 0)
    return emitOpError("needs a last dimension that is not empty, but input is ") << input;
  if (!kernel::resultType(*this).getElementType().isInteger(32))
    return emitOpError("result must be i32, but is ") << kernel::resultType(*this).getElementType() << " (C1)";
  return kernel::verifyResultShape(*this, input.getShape().drop_back(), "C1");
}

SmallVector<OpFoldResult> ArgmaxOp::resultSizes(OpBuilder &b, ValueRange operands) {
  SmallVector<OpFoldResult> sizes = kernel::sizesOf(b, getLoc(), operands[0]);
  sizes.pop_back();
  return sizes;
}
int64_t ArgmaxOp::flops(ArrayRef<SmallVector<int64_t>> sizes) { return kernel::product(sizes[0]); }
