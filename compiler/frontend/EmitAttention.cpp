//===- EmitAttention.cpp - attention and the regions of its clauses -----------------------------------------------===//
// Answers: how do roles of axes become [batch, position, head, width], and formulas over positions regions?
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

/// A region while it is filled, and what the leaves of formulas are there.
struct FunctionEmitter::RegionScope {
  RegionScope(Block *block, Location loc, const op::Attention &attention)
      : body(OpBuilder::atBlockEnd(block)), loc(loc), attention(attention) {}

  OpBuilder body;
  Location loc;
  const op::Attention &attention;
  SmallVector<Value> numbers; ///< sums over the width, or the number so far
  Value queryElement, keyElement;
  Value batch, head, query, key, width;
  Computed computed;

  Value leaf(char formal) const {
    switch (formal) {
    case 's':
    case 'p':
      return numbers.front();
    case 'x':
      return queryElement;
    case 'y':
      return keyElement;
    case 'b':
      return batch;
    case 'h':
      return head;
    case 'q':
      return query;
    default:
      return key;
    }
  }
};

Emitted FunctionEmitter::emitOp(const Node &node, const std::shared_ptr<const op::Attention> &roles) {
  const op::Attention &attention = *roles;
  Location loc = location(node.loc, node.construct);
  AxisList queryPosition;
  if (attention.queryPosition)
    queryPosition.push_back(attention.queryPosition);
  Groups query = {attention.batch, queryPosition, attention.queryHeads, {attention.width}};
  Groups key = {attention.batch, {attention.keyPosition}, attention.keyHeads, {attention.width}};
  Groups value = {attention.batch, {attention.keyPosition}, attention.keyHeads, {attention.valueWidth}};
  Groups result = {attention.batch, queryPosition, attention.queryHeads, {attention.valueWidth}};
  Value q = arrange(get(node.operands[0]), query, loc);
  Value k = arrange(get(node.operands[1]), key, loc);
  Value v = arrange(get(node.operands[2]), value, loc);
  Value first = attention.queryPosition ? firstPosition(attention.queryPosition) : Value();
  Value sink = attention.sink ? arrange(get(attention.sink), {attention.queryHeads}, loc) : Value();
  // What nothing reads is not computed.
  auto wanted = [&](const Node *extra) { return extra && fusion.isLive(extra); };
  Groups perKey = {attention.batch, queryPosition, attention.queryHeads, {}}, perQuery = perKey;
  perQuery.pop_back();
  SmallVector<Type> types = {typeOf(result, b.getF32Type())};
  if (wanted(attention.weights)) {
    perKey.back() = {attention.weights->axes.back()};
    types.push_back(typeOf(perKey, b.getF32Type()));
  }
  if (wanted(attention.lse))
    types.push_back(typeOf(perQuery, b.getF32Type()));
  auto op = AttentionOp::create(b, loc, types, q, k, v, first, sink, /*workspace=*/Value(), ValueRange(),
                                llvm::APFloat(attention.scale), wanted(attention.weights), wanted(attention.lse));
  emitRegions(op, attention);
  if (wanted(attention.weights))
    values[attention.weights] = restore(op->getResult(op.getWeightsNumber()), perKey, loc);
  if (wanted(attention.lse))
    values[attention.lse] = restore(op->getResult(op.getLseNumber()), perQuery, loc);
  return restore(op->getResult(0), result, loc);
}

void FunctionEmitter::emitRegions(AttentionOp op, const op::Attention &attention) {
  Type f32 = b.getF32Type();
  if (!attention.terms.empty())
    emitSimilarity(op.getSimilarity(), attention, op.getLoc());
  if (attention.mask)
    emitFormula(op.getMask(), attention.mask, {}, attention, op.getLoc());
  // A score that is a sum as it is needs no region.
  SmallVector<Type> sums(std::max<size_t>(1, attention.terms.size()), f32);
  if (attention.score && !(sums.size() == 1 && attention.score->as<op::WidthSum>()))
    emitFormula(op.getScore(), attention.score, sums, attention, op.getLoc());
  if (attention.weigh)
    emitFormula(op.getWeigh(), attention.weigh, f32, attention, op.getLoc());
}

void FunctionEmitter::emitSimilarity(Region &region, const op::Attention &attention, Location loc) {
  Block *block = new Block;
  region.push_back(block);
  Type f32 = b.getF32Type(), index = b.getIndexType();
  for (Type type : {f32, f32, index, index, index})
    block->addArgument(type, loc);
  RegionScope scope(block, loc, attention);
  scope.queryElement = block->getArgument(0);
  scope.keyElement = block->getArgument(1);
  scope.batch = block->getArgument(2);
  scope.head = block->getArgument(3);
  scope.width = block->getArgument(4);
  SmallVector<Value> terms;
  for (const Node *term : attention.terms)
    terms.push_back(computeFormula(term, scope));
  YieldOp::create(scope.body, loc, terms);
}

void FunctionEmitter::emitFormula(Region &region, const Node *root, TypeRange numbers, const op::Attention &attention,
                                  Location loc) {
  Block *block = new Block;
  region.push_back(block);
  RegionScope scope(block, loc, attention);
  for (Type type : numbers)
    scope.numbers.push_back(block->addArgument(type, loc));
  for (Value *position : {&scope.batch, &scope.head, &scope.query, &scope.key})
    *position = block->addArgument(b.getIndexType(), loc);
  YieldOp::create(scope.body, loc, computeFormula(root, scope));
}

/// Where on `axis` the index `flat` of the axes together points.
static Value unflatten(OpBuilder &b, Location loc, Value flat, ArrayRef<Value> inner, Value own, bool outermost) {
  for (Value size : inner)
    flat = arith::DivUIOp::create(b, loc, flat, size);
  return outermost ? flat : arith::RemUIOp::create(b, loc, flat, own).getResult();
}

Value FunctionEmitter::computeFormula(const Node *node, RegionScope &scope) {
  if (auto it = scope.computed.find(node); it != scope.computed.end())
    return it->second;
  Value result;
  if (const auto *formal = node->as<op::Formal>()) {
    result = scope.leaf(formal->name);
  } else if (const auto *sum = node->as<op::WidthSum>()) {
    result = scope.numbers[sum->term];
  } else if (const auto *index = node->as<op::AxisIndex>()) {
    if (index->axis == scope.attention.width)
      return scope.width;
    bool inBatch = contains(scope.attention.batch, index->axis);
    ArrayRef<const Axis *> axes = inBatch ? scope.attention.batch : scope.attention.queryHeads;
    size_t at = llvm::find(axes, index->axis) - axes.begin();
    SmallVector<Value> inner;
    for (const Axis *axis : axes.drop_front(at + 1))
      inner.push_back(extentValue(axis));
    result =
        unflatten(scope.body, scope.loc, inBatch ? scope.batch : scope.head, inner, extentValue(index->axis), at == 0);
  } else if (const auto *read = node->as<op::Read>()) {
    result = readTensor(node, *read, scope);
  } else if (const auto *map = node->as<op::Map>()) {
    SmallVector<Value> operands;
    for (const Node *operand : node->operands)
      operands.push_back(computeFormula(operand, scope));
    result = emitScalar(scope.body, scope.loc, map->op, operands);
  } else {
    result = compute(node, {}, scope.computed, scope.body, scope.loc); // constants and sizes
  }
  return scope.computed[node] = result;
}

Value FunctionEmitter::readTensor(const Node *node, const op::Read &read, RegionScope &scope) {
  const Emitted &tensor = get(node->operands[0]);
  SmallVector<Value> indices;
  for (const Axis *axis : tensor.axes) {
    size_t at = llvm::find(node->operands[0]->axes, axis) - node->operands[0]->axes.begin();
    Value index = computeFormula(node->operands[at + 1], scope);
    if (!read.exact[at]) {
      // No formula reads outside a tensor: positions past an end read the element at that end.
      Value zero = arith::ConstantIndexOp::create(scope.body, scope.loc, 0);
      Value one = arith::ConstantIndexOp::create(scope.body, scope.loc, 1);
      Value last = arith::SubIOp::create(scope.body, scope.loc, extentValue(axis), one);
      index = arith::MinSIOp::create(scope.body, scope.loc, index, last);
      index = arith::MaxSIOp::create(scope.body, scope.loc, index, zero);
    }
    indices.push_back(index);
  }
  return tensor::ExtractOp::create(scope.body, scope.loc, tensor.value, indices);
}
