//===- Norms.cpp - RMS and layer norm ----------------------------------------------------------------------------===//
// Answers: how is a row normalised? Statistics in f32 over several vectors, in a fixed order; the variance from
// deviations, never as E[x^2] - mean^2, which loses all digits once the mean is large. Rows lie in the L1 cache after
// the first pass, so that further passes cost little.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/Rows.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::cpu {

static Value add(OpBuilder &b, Location loc, Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }

static Value zeros(OpBuilder &b, Location loc, VectorType type) {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
}

/// sum / columns.
static Value meanOf(OpBuilder &b, Location loc, Value sum, Value columns) {
  Value count = b.createOrFold<arith::IndexCastOp>(loc, b.getI64Type(), columns);
  count = b.createOrFold<arith::SIToFPOp>(loc, sum.getType(), count);
  return arith::DivFOp::create(b, loc, sum, count);
}

/// 1 / sqrt(square + eps), by the machine's exact square root and division.
static Value inverseRoot(OpBuilder &b, Location loc, Value square, double eps) {
  Type f32 = square.getType();
  Value epsilon = arith::ConstantOp::create(b, loc, b.getFloatAttr(f32, eps));
  Value one = arith::ConstantOp::create(b, loc, b.getFloatAttr(f32, 1.0));
  return arith::DivFOp::create(b, loc, one, math::SqrtOp::create(b, loc, add(b, loc, square, epsilon)));
}

void emitRmsNorm(OpBuilder &b, RmsNormOp op, const CpuLimits &limits) {
  Location loc = op.getLoc();
  VectorType type = lanesType(b, limits);
  unsigned leading = cast<MemRefType>(op.getOuts().getType()).getRank() - 1;
  Value columns = b.createOrFold<memref::DimOp>(loc, op.getOuts(), leading);
  Rows rows(b, loc, op.getOuts(), leading);
  RowView input(b, loc, op.getInput(), leading), output(b, loc, op.getOuts(), leading);
  Value cost = b.createOrFold<arith::MulIOp>(loc, columns, constantIndex(b, loc, 4));

  parallelChunks(b, loc, rows.count(), cost, [&](OpBuilder &b, Location loc, Value index) {
    Row row = rows.at(b, loc, index);
    auto load = [&](OpBuilder &b, Lanes at) {
      return loadLanes(b, loc, type, input.memref(), input.indices(row, at.column), at.mask);
    };
    // Lanes outside load zero, which adds nothing to the sum of squares.
    Value squares = accumulateColumns(
        b, loc, columns, zeros(b, loc, type),
        [&](OpBuilder &b, Location loc, Lanes at, Value sum) -> Value {
          Value x = load(b, at);
          return vector::FMAOp::create(b, loc, x, x, sum);
        },
        add);
    Value mean = meanOf(b, loc, sumOfLanes(b, loc, squares), columns);
    Value factor = splat(b, loc, inverseRoot(b, loc, mean, op.getEps().convertToDouble()), type);
    forEachVector(b, loc, columns, limits.lanes, [&](OpBuilder &b, Location loc, Lanes at) {
      Value y = arith::MulFOp::create(b, loc, load(b, at), factor);
      if (op.getScale())
        y = arith::MulFOp::create(b, loc, y, loadLanes(b, loc, type, op.getScale(), at.column, at.mask));
      storeLanes(b, loc, y, output.memref(), output.indices(row, at.column), at.mask);
    });
  });
}

void emitLayerNorm(OpBuilder &b, LayerNormOp op, const CpuLimits &limits) {
  Location loc = op.getLoc();
  VectorType type = lanesType(b, limits);
  unsigned leading = cast<MemRefType>(op.getOuts().getType()).getRank() - 1;
  Value columns = b.createOrFold<memref::DimOp>(loc, op.getOuts(), leading);
  Rows rows(b, loc, op.getOuts(), leading);
  RowView input(b, loc, op.getInput(), leading), output(b, loc, op.getOuts(), leading);
  Value cost = b.createOrFold<arith::MulIOp>(loc, columns, constantIndex(b, loc, 8));

  parallelChunks(b, loc, rows.count(), cost, [&](OpBuilder &b, Location loc, Value index) {
    Row row = rows.at(b, loc, index);
    auto load = [&](OpBuilder &b, Lanes at) {
      return loadLanes(b, loc, type, input.memref(), input.indices(row, at.column), at.mask);
    };
    Value sums = accumulateColumns(
        b, loc, columns, zeros(b, loc, type),
        [&](OpBuilder &b, Location loc, Lanes at, Value sum) { return add(b, loc, load(b, at), sum); }, add);
    Value mean = splat(b, loc, meanOf(b, loc, sumOfLanes(b, loc, sums), columns), type);
    // What the mean lost in rounding is the mean of the deviations from it.
    auto deviation = [&](OpBuilder &b, Lanes at, Value lost) -> Value {
      Value difference = arith::SubFOp::create(b, loc, load(b, at), mean);
      if (lost)
        difference = arith::SubFOp::create(b, loc, difference, lost);
      if (at.mask) // lanes outside would deviate by the mean
        difference = arith::SelectOp::create(b, loc, at.mask, difference, zeros(b, loc, type));
      return difference;
    };
    Value rests = accumulateColumns(
        b, loc, columns, zeros(b, loc, type),
        [&](OpBuilder &b, Location loc, Lanes at, Value sum) { return add(b, loc, deviation(b, at, nullptr), sum); },
        add);
    Value lost = splat(b, loc, meanOf(b, loc, sumOfLanes(b, loc, rests), columns), type);
    Value squares = accumulateColumns(
        b, loc, columns, zeros(b, loc, type),
        [&](OpBuilder &b, Location loc, Lanes at, Value sum) -> Value {
          Value d = deviation(b, at, lost);
          return vector::FMAOp::create(b, loc, d, d, sum);
        },
        add);
    Value variance = meanOf(b, loc, sumOfLanes(b, loc, squares), columns);
    Value factor = splat(b, loc, inverseRoot(b, loc, variance, op.getEps().convertToDouble()), type);
    forEachVector(b, loc, columns, limits.lanes, [&](OpBuilder &b, Location loc, Lanes at) {
      Value y = arith::MulFOp::create(b, loc, deviation(b, at, lost), factor);
      auto parameter = [&](Value memref) { return loadLanes(b, loc, type, memref, at.column, at.mask); };
      if (op.getScale())
        y = arith::MulFOp::create(b, loc, y, parameter(op.getScale()));
      if (op.getShift())
        y = arith::AddFOp::create(b, loc, y, parameter(op.getShift()));
      storeLanes(b, loc, y, output.memref(), output.indices(row, at.column), at.mask);
    });
  });
}

} // namespace weft::cpu
