//===- EmitPositions.cpp - rotary, sinusoid and cache -------------------------------------------------------------===//
// Answers: how are angles computed from positions, and where do a step's positions go on?
// Angles are computed in f64: position 4095 times a frequency has no digits left to lose in f32.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;
using namespace weft;
using namespace weft::frontend;

Value FunctionEmitter::angle(OpBuilder &body, Location loc, Value first, Value frequency) {
  Value position = linalg::IndexOp::create(body, loc, 0);
  if (first)
    position = arith::AddIOp::create(body, loc, position, first);
  position = arith::IndexCastOp::create(body, loc, body.getI64Type(), position);
  position = arith::SIToFPOp::create(body, loc, body.getF64Type(), position);
  return arith::MulFOp::create(body, loc, position, frequency);
}

/// base^(-2 i / width): Vaswani et al., 2017, section 3.5; Su et al., 2021, equation 15.
static double frequency(double base, int64_t pair, int64_t width) {
  return std::pow(base, -2.0 * static_cast<double>(pair) / static_cast<double>(width));
}

static Value frequencies(OpBuilder &b, Location loc, ArrayRef<double> numbers) {
  auto type = RankedTensorType::get({static_cast<int64_t>(numbers.size())}, b.getF64Type());
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, numbers));
}

Value FunctionEmitter::rotaryTable(const op::Rotary &rotary, Location loc) {
  Value &table = tables[{rotary.position->root(), rotary.width, rotary.base}];
  if (table)
    return table;
  OpBuilder::InsertionGuard guard(b);
  leaveLoops();
  SmallVector<double> numbers;
  for (int64_t pair = 0; pair < rotary.width / 2; ++pair)
    numbers.push_back(frequency(rotary.base, pair, rotary.width));
  Value input = frequencies(b, loc, numbers), first = firstPosition(rotary.position);
  SmallVector<OpFoldResult> shape = {extent(rotary.position), b.getIndexAttr(rotary.width / 2), b.getIndexAttr(2)};
  Value init = tensor::EmptyOp::create(b, loc, shape, b.getF32Type());
  SmallVector<AffineMap> maps = {AffineMap::get(3, 0, b.getAffineDimExpr(1)), b.getMultiDimIdentityMap(3)};
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), input, init, maps, iterators, [&](OpBuilder &body, Location at, ValueRange arguments) {
        Value turn = angle(body, at, first, arguments[0]);
        Value cosine = math::CosOp::create(body, at, turn), sine = math::SinOp::create(body, at, turn);
        Value part = linalg::IndexOp::create(body, at, 2);
        Value zero = arith::ConstantIndexOp::create(body, at, 0);
        Value isCosine = arith::CmpIOp::create(body, at, arith::CmpIPredicate::eq, part, zero);
        Value number = arith::SelectOp::create(body, at, isCosine, cosine, sine);
        linalg::YieldOp::create(body, at, arith::TruncFOp::create(body, at, body.getF32Type(), number).getResult());
      });
  return table = generic->getResult(0);
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Rotary &rotary) {
  Location loc = location(node.loc, node.construct);
  Groups groups = {rotary.batch, {rotary.position}, rotary.heads, {rotary.axis}};
  Value input = arrange(get(node.operands[0]), groups, loc);
  Value table = rotaryTable(rotary, loc);
  auto result = RotaryOp::create(b, loc, input.getType(), input, table, Value(), rotary.interleaved);
  return restore(result->getResult(0), groups, loc);
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Sinusoid &sinusoid) {
  Location loc = location(node.loc, node.construct);
  int64_t width = *sinusoid.axis->staticSize(), half = width / 2;
  SmallVector<double> numbers;
  for (int64_t i = 0; i < width; ++i)
    numbers.push_back(frequency(sinusoid.base, sinusoid.halves ? i % half : i / 2, width));
  Value input = frequencies(b, loc, numbers), first = firstPosition(sinusoid.position);
  AxisList axes = {sinusoid.position, sinusoid.axis};
  Value init = empty(axes, b.getF32Type(), loc);
  SmallVector<AffineMap> maps = {AffineMap::get(2, 0, b.getAffineDimExpr(1)), b.getMultiDimIdentityMap(2)};
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), input, init, maps, iterators, [&](OpBuilder &body, Location at, ValueRange arguments) {
        Value turn = angle(body, at, first, arguments[0]);
        Value cosine = math::CosOp::create(body, at, turn), sine = math::SinOp::create(body, at, turn);
        Value column = linalg::IndexOp::create(body, at, 1);
        Value isSine;
        if (sinusoid.halves) {
          Value middle = arith::ConstantIndexOp::create(body, at, half);
          isSine = arith::CmpIOp::create(body, at, arith::CmpIPredicate::slt, column, middle);
        } else {
          Value two = arith::ConstantIndexOp::create(body, at, 2), zero = arith::ConstantIndexOp::create(body, at, 0);
          Value parity = arith::RemSIOp::create(body, at, column, two);
          isSine = arith::CmpIOp::create(body, at, arith::CmpIPredicate::eq, parity, zero);
        }
        Value number = arith::SelectOp::create(body, at, isSine, sine, cosine);
        linalg::YieldOp::create(body, at, arith::TruncFOp::create(body, at, body.getF32Type(), number).getResult());
      });
  return {generic->getResult(0), axes};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Cache &cache) {
  Emitted fresh = get(node.operands[0]);
  if (!step) {
    // All positions are there already: the cache is the value under another name.
    *llvm::find_if(fresh.axes, [&](const Axis *axis) { return axis->root() == cache.positions->cacheOf; }) =
        cache.positions;
    return fresh;
  }
  Location loc = location(node.loc, node.construct);
  const Axis *position =
      *llvm::find_if(fresh.axes, [&](const Axis *axis) { return axis->root() == cache.positions->cacheOf; });
  auto groups = [&](const Axis *middle) {
    Groups list = {cache.batch, {middle}};
    for (const Axis *axis : cache.rest)
      list.push_back({axis});
    return list;
  };
  Value input = arrange(fresh, groups(position), loc);
  Value state = arrange(states[&node], groups(cache.context), loc);
  Groups result = groups(cache.positions);
  auto all = CacheOp::create(b, loc, typeOf(result, b.getF32Type()), state, input, past);
  return restore(all->getResult(0), result, loc);
}
