//===- Elementwise.cpp - constants, and arith and math outside of regions -----------------------------------------===//
// Answers: what does an op on numbers compute when it stands in a function, on scalars or on tensors element by
// element?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/ScalarBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft::reference {

static llvm::Error evaluateConstant(arith::ConstantOp op, Frame &frame) {
  Attribute value = op.getValue();
  if (auto real = dyn_cast<FloatAttr>(value)) {
    frame.set(op, Tensor{{}, {real.getValueAsDouble()}});
    return llvm::Error::success();
  }
  auto toDouble = [](const APInt &bits) {
    return static_cast<double>(bits.getBitWidth() == 1 ? int64_t(bits.getZExtValue()) : bits.getSExtValue());
  };
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    frame.set(op, Tensor{{}, {toDouble(integer.getValue())}});
    return llvm::Error::success();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure(op, "must be a number or a dense constant");
  auto tensor = allocate(op, dense.getType().getShape());
  if (!tensor)
    return tensor.takeError();
  if (isa<FloatType>(dense.getElementType())) {
    for (auto [to, from] : llvm::zip_equal(tensor->values, dense.getValues<APFloat>()))
      to = FloatAttr::getValueAsDouble(from);
  } else if (dense.getElementType().isIntOrIndex()) {
    for (auto [to, from] : llvm::zip_equal(tensor->values, dense.getValues<APInt>()))
      to = toDouble(from);
  } else {
    return failure(op, "must hold integers or reals");
  }
  frame.set(op, std::move(*tensor));
  return llvm::Error::success();
}

llvm::Error evaluateScalar(Operation *op, Frame &frame) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return evaluateConstant(constant, frame);
  auto body = ScalarBody::translate(op, frame);
  if (!body)
    return body.takeError();

  SmallVector<const Tensor *> operands;
  ArrayRef<int64_t> shape;
  for (Value operand : op->getOperands()) {
    operands.push_back(&frame[operand]);
    if (!isa<RankedTensorType>(operand.getType()))
      continue; // a scalar stands for every element: the condition of a select
    if (!shape.empty() && shape != ArrayRef(operands.back()->shape))
      return failure(op, "combines shapes " + text(shape) + " and " + text(operands.back()->shape));
    shape = operands.back()->shape;
  }
  auto result = allocate(op, shape);
  if (!result)
    return result.takeError();

  Slots slots = body->slots();
  Type type = op->getResult(0).getType();
  for (size_t i = 0; i < result->values.size(); ++i) {
    for (auto [n, operand] : llvm::enumerate(operands))
      body->argument(slots, n) = toNumber(operand->values[operand->shape.empty() ? 0 : i], op->getOperand(n).getType());
    if (!body->execute(slots))
      return ScalarBody::error(slots);
    result->values[i] = toDouble(body->result(slots), type);
  }
  frame.set(op->getResult(0), std::move(*result));
  return llvm::Error::success();
}

} // namespace weft::reference
