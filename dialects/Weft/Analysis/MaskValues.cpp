//===- MaskValues.cpp - the integers inside a mask region --------------------------------------------------------===//
#include "dialects/Weft/Analysis/MaskValues.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace weft {

bool MaskValues::varies(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == &body)
    return argument.getArgNumber() >= firstVarying;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &body)
    return false;
  if (auto known = knownVarying.find(op); known != knownVarying.end())
    return known->second;
  bool copied = op->getNumRegions() == 0 && (isSpeculatable(op) || isa<memref::LoadOp, tensor::ExtractOp>(op));
  bool result = !copied || llvm::any_of(op->getOperands(), [&](Value operand) { return varies(operand); });
  return knownVarying[op] = result;
}

std::optional<LinearForm> MaskValues::linear(Value value) {
  if (auto known = knownLinear.find(value); known != knownLinear.end())
    return known->second;
  std::optional<LinearForm> form = computeLinear(value);
  // What no 32 bits hold is no form of theirs, and a few more products would leave 64.
  constexpr int64_t most = int64_t(1) << 31;
  if (form && (std::abs(form->query) > most || std::abs(form->key) > most))
    form.reset();
  knownLinear.try_emplace(value, form);
  return form;
}

std::optional<LinearForm> MaskValues::computeLinear(Value value) {
  if (value == body.getArgument(2))
    return LinearForm{1, 0, BoundExpr::constant(0)};
  if (value == body.getArgument(3))
    return LinearForm{0, 1, BoundExpr::constant(0)};
  if (value.getType().isInteger(1))
    return std::nullopt;
  if (APInt constant; matchPattern(value, m_ConstantInt(&constant))) {
    // Beyond 32 bits a lane would hold something else.
    if (constant.getSignificantBits() > 32)
      return std::nullopt;
    return LinearForm{0, 0, BoundExpr::constant(constant.getSExtValue())};
  }
  if (!value.getType().isIntOrIndex())
    return std::nullopt;
  if (!varies(value))
    return LinearForm{0, 0, BoundExpr::uniform(value)};
  if (value.getType().isInteger() && value.getType().getIntOrFloatBitWidth() < 32)
    return std::nullopt;                 // it wraps at positions that are not large
  Operation *op = value.getDefiningOp(); // none: the head, where it varies
  if (isa_and_present<arith::IndexCastOp, arith::ExtSIOp>(op) && !op->getOperand(0).getType().isInteger(1))
    return linear(op->getOperand(0));
  if (!isa_and_present<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    return std::nullopt;
  std::optional<LinearForm> left = linear(op->getOperand(0)), right = linear(op->getOperand(1));
  if (!left || !right)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return left->plus(*right);
  if (isa<arith::SubIOp>(op))
    return left->plus(right->times(-1));
  for (auto [form, factor] : {std::pair(left, op->getOperand(1)), {right, op->getOperand(0)}})
    if (APInt constant; matchPattern(factor, m_ConstantInt(&constant)))
      return form->times(constant.getSExtValue());
  return std::nullopt;
}

UniformCopies::UniformCopies(OpBuilder &b, Region &mask, Value batch, Value head) : b(b), mask(mask) {
  if (mask.empty())
    return;
  copies.map(mask.getArgument(0), batch);
  copies.map(mask.getArgument(1), head);
}

Value UniformCopies::operator()(Value value) {
  if (Value copy = copies.lookupOrNull(value))
    return copy;
  Operation *op = value.getDefiningOp();
  if (!op || op->getParentRegion() != &mask)
    return value;
  for (Value operand : op->getOperands())
    (*this)(operand);
  b.clone(*op, copies);
  return copies.lookup(value);
}

} // namespace weft
