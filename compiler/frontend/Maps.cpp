//===- Maps.cpp - loop nests over elements ------------------------------------------------------------------------===//
// Answers: which linalg.generic computes a formula, and which one a reduction?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace weft::frontend;

void FunctionEmitter::collectLeaves(const Node *node, SmallVectorImpl<const Node *> &leaves) {
  for (const Node *operand : node->operands) {
    if (fusion.isInlined(operand))
      collectLeaves(operand, leaves);
    else if (!llvm::is_contained(leaves, operand))
      leaves.push_back(operand);
  }
}

AxisList FunctionEmitter::iterationOrder(const Node &node, ArrayRef<const Node *> leaves) {
  // As the largest operand lies in memory.
  for (const Node *leaf : leaves)
    if (get(leaf).axes.size() == node.axes.size())
      return get(leaf).axes;
  return node.axes;
}

Value FunctionEmitter::compute(const Node *node, ArrayRef<const Axis *> order, Computed &computed, OpBuilder &body,
                               Location loc) {
  if (auto it = computed.find(node); it != computed.end())
    return it->second;
  Value value;
  if (const auto *constant = node->as<op::Constant>()) {
    Type type = elementType(node->element);
    if (isa<FloatType>(type))
      value = arith::ConstantOp::create(body, loc, body.getFloatAttr(type, constant->value));
    else
      value = arith::ConstantOp::create(body, loc, body.getIntegerAttr(type, static_cast<int64_t>(constant->value)));
  } else if (const auto *size = node->as<op::AxisSize>()) {
    value = extentValue(size->axis);
  } else if (const auto *position = node->as<op::Position>()) {
    value = linalg::IndexOp::create(body, loc, llvm::find(order, position->axis) - order.begin());
    if (Value first = firstPosition(position->axis))
      value = arith::AddIOp::create(body, loc, value, first);
    value = arith::IndexCastOp::create(body, loc, body.getI32Type(), value);
  } else {
    SmallVector<Value> operands;
    for (const Node *operand : node->operands)
      operands.push_back(compute(operand, order, computed, body, loc));
    value = emitScalar(body, loc, node->as<op::Map>()->op, operands);
  }
  return computed[node] = value;
}

namespace {
/// Inputs and maps of a generic op over `order`.
struct Nest {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;

  void read(OpBuilder &b, const Emitted &value, ArrayRef<const Axis *> order) {
    inputs.push_back(value.value);
    SmallVector<AffineExpr> dims;
    for (const Axis *axis : value.axes)
      dims.push_back(b.getAffineDimExpr(llvm::find(order, axis) - order.begin()));
    maps.push_back(AffineMap::get(order.size(), 0, dims, b.getContext()));
  }
};
} // namespace

Emitted FunctionEmitter::emitMap(const Node &root) {
  Location loc = location(root.loc, root.construct);
  SmallVector<const Node *> leaves;
  collectLeaves(&root, leaves);
  AxisList order = iterationOrder(root, leaves);
  Nest nest;
  for (const Node *leaf : leaves)
    nest.read(b, get(leaf), order);
  nest.maps.push_back(b.getMultiDimIdentityMap(order.size()));
  // Sizes that the body names are read before the op.
  Value init = empty(order, elementType(root.element), loc);
  SmallVector<utils::IteratorType> iterators(order.size(), utils::IteratorType::parallel);
  auto generic =
      linalg::GenericOp::create(b, loc, init.getType(), nest.inputs, init, nest.maps, iterators,
                                [&](OpBuilder &body, Location at, ValueRange arguments) {
                                  Computed computed;
                                  for (auto [leaf, argument] : llvm::zip(leaves, arguments))
                                    computed[leaf] = argument;
                                  linalg::YieldOp::create(body, at, compute(&root, order, computed, body, at));
                                });
  return {generic->getResult(0), order};
}

Emitted FunctionEmitter::emitReduce(const Node &node, const op::Reduce &reduce) {
  Location loc = location(node.loc, node.construct);
  const Node *operand = node.operands.front();
  SmallVector<const Node *> leaves;
  if (fusion.isInlined(operand))
    collectLeaves(operand, leaves);
  else
    leaves.push_back(operand);
  AxisList order = iterationOrder(*operand, leaves), rest;
  Nest nest;
  for (const Node *leaf : leaves)
    nest.read(b, get(leaf), order);
  SmallVector<utils::IteratorType> iterators;
  SmallVector<AffineExpr> kept;
  for (auto [index, axis] : llvm::enumerate(order)) {
    bool reduced = contains(reduce.axes, axis);
    iterators.push_back(reduced ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    if (reduced)
      continue;
    kept.push_back(b.getAffineDimExpr(index));
    rest.push_back(axis);
  }
  nest.maps.push_back(AffineMap::get(order.size(), 0, kept, b.getContext()));
  using Kind = op::Reduce::Kind;
  double neutral = reduce.kind == Kind::Sum ? 0 : reduce.kind == Kind::Max ? -INFINITY : INFINITY;
  Value start = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(static_cast<float>(neutral)));
  Value init = empty(rest, b.getF32Type(), loc);
  init = linalg::FillOp::create(b, loc, start, init)->getResult(0);
  auto generic = linalg::GenericOp::create(b, loc, init.getType(), nest.inputs, init, nest.maps, iterators,
                                           [&](OpBuilder &body, Location at, ValueRange arguments) {
                                             Computed computed;
                                             for (auto [leaf, argument] : llvm::zip(leaves, arguments))
                                               computed[leaf] = argument;
                                             Value value = compute(operand, order, computed, body, at);
                                             MapOp combine = reduce.kind == Kind::Sum   ? MapOp::Add
                                                             : reduce.kind == Kind::Max ? MapOp::Math_max
                                                                                        : MapOp::Math_min;
                                             linalg::YieldOp::create(
                                                 body, at, emitScalar(body, at, combine, {arguments.back(), value}));
                                           });
  return {generic->getResult(0), rest};
}
