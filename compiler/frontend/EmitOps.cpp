//===- EmitOps.cpp - nodes that are one op ------------------------------------------------------------------------===//
// Answers: which op of the dialects is a linear, a look-up, a norm, a softmax, and in which layout?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace weft;
using namespace weft::frontend;

static AxisList withLast(ArrayRef<const Axis *> axes, const Axis *last) {
  AxisList order;
  llvm::copy_if(axes, std::back_inserter(order), [&](const Axis *axis) { return axis != last; });
  order.push_back(last);
  return order;
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Input &) {
  llvm_unreachable("inputs are bound before nodes are emitted");
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Constant &constant) {
  Type element = elementType(node.element);
  auto type = RankedTensorType::get({}, element);
  TypedAttr number = isa<FloatType>(element)
                         ? TypedAttr(b.getFloatAttr(element, constant.value))
                         : TypedAttr(b.getIntegerAttr(element, static_cast<int64_t>(constant.value)));
  return {arith::ConstantOp::create(b, location(node.loc, node.construct), DenseElementsAttr::get(type, number)), {}};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Position &position) {
  Location loc = location(node.loc, node.construct);
  Value init = empty({position.axis}, b.getI32Type(), loc);
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), ValueRange(), init, b.getMultiDimIdentityMap(1), utils::IteratorType::parallel,
      [&](OpBuilder &body, Location at, ValueRange) {
        Computed computed;
        linalg::YieldOp::create(body, at, compute(&node, {position.axis}, computed, body, at));
      });
  return {generic->getResult(0), {position.axis}};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Weight &weight) {
  // One op for each name: what is read twice is one value.
  Value &value = weights[weight.name];
  if (!value)
    value = WeightOp::create(b, location(node.loc, node.construct), RankedTensorType::get(weight.shape, b.getF32Type()),
                             weight.name);
  return {value, node.axes};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Softmax &softmax) {
  Location loc = location(node.loc, node.construct);
  AxisList order = withLast(node.axes, softmax.axis);
  Value input = ordered(get(node.operands[0]), order, loc);
  return {SoftmaxOp::create(b, loc, input.getType(), input, Value())->getResult(0), order};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Argmax &argmax) {
  Location loc = location(node.loc, node.construct);
  Value input = ordered(get(node.operands[0]), withLast(node.axes, argmax.axis), loc);
  return {ArgmaxOp::create(b, loc, typeOf(node.axes, b.getI32Type()), input, Value())->getResult(0), node.axes};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Linear &linear) {
  Location loc = location(node.loc, node.construct);
  AxisList rest;
  const Emitted &x = get(node.operands[0]);
  llvm::copy_if(x.axes, std::back_inserter(rest), [&](const Axis *axis) { return !contains(linear.from, axis); });
  Groups in = singles(rest), out = singles(rest);
  in.push_back(linear.from);
  out.push_back(linear.to);
  auto result = LinearOp::create(b, loc, typeOf(out, b.getF32Type()), arrange(x, in, loc), weightOf(node.operands[1]),
                                 weightOf(node.operands[2]), Value(), linear.inOut);
  return restore(result->getResult(0), out, loc);
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Lookup &lookup) {
  Location loc = location(node.loc, node.construct);
  const Emitted &indices = get(node.operands[0]);
  Groups out = singles(indices.axes);
  out.push_back(lookup.to);
  auto result = LookupOp::create(b, loc, typeOf(out, b.getF32Type()), weightOf(node.operands[1]), indices.value,
                                 Value(), lookup.label);
  return restore(result->getResult(0), out, loc);
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Norm &norm) {
  Location loc = location(node.loc, node.construct);
  AxisList order = withLast(get(node.operands[0]).axes, norm.axis);
  Value input = ordered(get(node.operands[0]), order, loc);
  Value scale = weightOf(node.operands[1]);
  FloatAttr eps = b.getF64FloatAttr(norm.eps);
  Operation *result = nullptr;
  if (norm.rms)
    result = RmsNormOp::create(b, loc, input.getType(), input, scale, Value(), eps);
  else
    result = LayerNormOp::create(b, loc, input.getType(), input, scale, weightOf(node.operands[2]), Value(), eps);
  return {result->getResult(0), order};
}
