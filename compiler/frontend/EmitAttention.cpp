//===- EmitAttention.cpp - attention and the regions of its mask and score ----------------------------------------===//
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

struct FunctionEmitter::RegionScope {
  OpBuilder body;
  Location loc;
  const op::Attention &attention;
  Value s, batch, head, query, key;
  Computed computed;
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
  auto op = AttentionOp::create(b, loc, typeOf(result, b.getF32Type()), q, k, v, first, attention.scale);
  if (attention.mask)
    emitRegion(op.getMask(), attention.mask, attention, /*isScore=*/false, loc);
  if (attention.score)
    emitRegion(op.getScore(), attention.score, attention, /*isScore=*/true, loc);
  return restore(op->getResult(0), result, loc);
}

void FunctionEmitter::emitRegion(Region &region, const Node *root, const op::Attention &attention, bool isScore,
                                 Location loc) {
  Block *block = new Block;
  region.push_back(block);
  Value s = isScore ? block->addArgument(b.getF32Type(), loc) : Value();
  SmallVector<Value, 4> positions;
  for (unsigned i = 0; i < 4; ++i)
    positions.push_back(block->addArgument(b.getIndexType(), loc));
  RegionScope scope{OpBuilder::atBlockEnd(block),
                    loc,
                    attention,
                    s,
                    positions[0],
                    positions[1],
                    positions[2],
                    positions[3],
                    Computed()};
  Value result = computeFormula(root, scope);
  YieldOp::create(scope.body, loc, result);
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
    result = formal->name == 's'   ? scope.s
             : formal->name == 'b' ? scope.batch
             : formal->name == 'h' ? scope.head
             : formal->name == 'q' ? scope.query
                                   : scope.key;
  } else if (const auto *index = node->as<op::AxisIndex>()) {
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
