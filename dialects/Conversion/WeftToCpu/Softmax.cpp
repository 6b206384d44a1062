//===- Softmax.cpp - exp(x - max) / sum by rows ------------------------------------------------------------------===//
// Answers: how is a row of probabilities made? Three passes: maximum, exponentials and their sum, scale. The
// exponentials wait in the result.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/Rows.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::cpu {

// One machine instruction. It passes over NaN, which the sum brings back to every element of the row.
static Value larger(OpBuilder &b, Location loc, Value x, Value y) {
  Value isLarger = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
  return arith::SelectOp::create(b, loc, isLarger, x, y);
}

void emitSoftmax(OpBuilder &b, SoftmaxOp op, const CpuLimits &limits) {
  Location loc = op.getLoc();
  VectorType type = lanesType(b, limits);
  unsigned leading = cast<MemRefType>(op.getOuts().getType()).getRank() - 1;
  Value columns = b.createOrFold<memref::DimOp>(loc, op.getOuts(), leading);
  Rows rows(b, loc, op.getOuts(), leading);
  RowView input(b, loc, op.getInput(), leading), output(b, loc, op.getOuts(), leading);
  Value cost = b.createOrFold<arith::MulIOp>(loc, columns, constantIndex(b, loc, 16));

  parallelChunks(b, loc, rows.count(), cost, [&](OpBuilder &b, Location loc, Value index) {
    Row row = rows.at(b, loc, index);
    Value zeros = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    Value lowest =
        arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, -std::numeric_limits<float>::infinity()));
    auto load = [&](OpBuilder &b, const RowView &view, Lanes at) {
      return loadLanes(b, loc, type, view.memref(), view.indices(row, at.column), at.mask);
    };
    Value maxima = accumulateColumns(
        b, loc, columns, lowest,
        [&](OpBuilder &b, Location loc, Lanes at, Value accumulator) {
          Value x = load(b, input, at);
          if (at.mask)
            x = arith::SelectOp::create(b, loc, at.mask, x, lowest);
          return larger(b, loc, x, accumulator);
        },
        larger);
    // No accumulator holds NaN, so `maxnumf` is plain maximum.
    Value maximum = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXNUMF, maxima);
    maximum = splat(b, loc, maximum, type);
    Value sums = accumulateColumns(
        b, loc, columns, zeros,
        [&](OpBuilder &b, Location loc, Lanes at, Value sum) -> Value {
          Value x = arith::SubFOp::create(b, loc, load(b, input, at), maximum);
          Value exponential = math::ExpOp::create(b, loc, x);
          storeLanes(b, loc, exponential, output.memref(), output.indices(row, at.column), at.mask);
          if (at.mask)
            exponential = arith::SelectOp::create(b, loc, at.mask, exponential, zeros);
          return arith::AddFOp::create(b, loc, sum, exponential);
        },
        [](OpBuilder &b, Location loc, Value x, Value y) -> Value { return arith::AddFOp::create(b, loc, x, y); });
    Value one = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1.0f));
    Value factor = splat(b, loc, arith::DivFOp::create(b, loc, one, sumOfLanes(b, loc, sums)), type);
    forEachVector(b, loc, columns, limits.lanes, [&](OpBuilder &b, Location loc, Lanes at) {
      Value y = arith::MulFOp::create(b, loc, load(b, output, at), factor);
      storeLanes(b, loc, y, output.memref(), output.indices(row, at.column), at.mask);
    });
  });
}

} // namespace weft::cpu
