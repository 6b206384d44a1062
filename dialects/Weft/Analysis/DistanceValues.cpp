//===- DistanceValues.cpp - what depends on the distance of query and key alone ----------------------------------===//
#include "dialects/Weft/Analysis/DistanceValues.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace weft {

static bool isLoad(Operation *op) { return isa<memref::LoadOp, tensor::ExtractOp>(op); }

DistanceValues::Form DistanceValues::of(Value value) {
  if (auto found = known.find(value); found != known.end())
    return found->second;
  Form form = compute(value);
  known.try_emplace(value, form);
  return form;
}

// Sums wrap around alike whatever their order, so that q - k of two wrapped sums is that of the sums.
DistanceValues::Form DistanceValues::compute(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == &body) {
    if (argument.getArgNumber() < firstPosition)
      return {Form::Pair};
    switch (argument.getArgNumber() - firstPosition) {
    case 2:
      return {Form::Linear, 1, 0};
    case 3:
      return {Form::Linear, 0, 1};
    default:
      return {Form::Uniform};
    }
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &body)
    return {Form::Uniform};
  if (op->getNumRegions() != 0 || !(isSpeculatable(op) || isLoad(op)))
    return {Form::Pair};

  auto forms = llvm::map_to_vector(op->getOperands(), [&](Value operand) { return of(operand); });
  auto all = [&](auto is) { return llvm::all_of(forms, is); };
  if (all([](const Form &form) { return form.kind == Form::Uniform; }))
    return {Form::Uniform};
  if (all([](const Form &form) { return form.kind <= Form::Linear; })) {
    if (isa<arith::IndexCastOp>(op))
      return forms[0];
    if (isa<arith::AddIOp>(op))
      return {Form::Linear, forms[0].query + forms[1].query, forms[0].key + forms[1].key};
    if (isa<arith::SubIOp>(op))
      return {Form::Linear, forms[0].query - forms[1].query, forms[0].key - forms[1].key};
    constexpr int64_t most = int64_t(1) << 31; // a few more products would leave 64 bits
    if (APInt factor; isa<arith::MulIOp>(op) && matchPattern(op->getOperand(1), m_ConstantInt(&factor)) &&
                      factor.getSignificantBits() <= 32 && std::abs(forms[0].query) < most &&
                      std::abs(forms[0].key) < most)
      return {Form::Linear, forms[0].query * factor.getSExtValue(), forms[0].key * factor.getSExtValue()};
  }
  bool ofDistance = llvm::all_of(op->getOperands(), [&](Value operand) { return isOfDistance(operand); });
  return {ofDistance ? Form::Distance : Form::Pair};
}

bool DistanceValues::isOfDistance(Value value) {
  Form form = of(value);
  if (form.kind == Form::Linear)
    return form.query == -form.key;
  return form.kind != Form::Pair;
}

/// Whether a load or a function is called for in what differs between distances.
bool DistanceValues::isCostly(Value value) {
  Operation *op = value.getDefiningOp();
  if (of(value).kind == Form::Uniform || !op)
    return false;
  if (isLoad(op) || (isa<math::MathDialect>(op->getDialect()) && !isa<math::AbsFOp, math::AbsIOp, math::FmaOp>(op)))
    return true;
  return llvm::any_of(op->getOperands(), [&](Value operand) { return isCostly(operand); });
}

SmallVector<Value> DistanceValues::worthTable() {
  SmallVector<Value> result;
  for (Operation &op : body.without_terminator())
    for (Value value : op.getResults()) {
      auto usedForMore = [&](Operation *user) {
        return user->hasTrait<OpTrait::IsTerminator>() ||
               llvm::any_of(user->getResults(), [&](Value made) { return !isOfDistance(made); });
      };
      if (value.getType().isF32() && isOfDistance(value) && llvm::any_of(value.getUsers(), usedForMore) &&
          isCostly(value))
        result.push_back(value);
    }
  return result;
}

} // namespace weft
