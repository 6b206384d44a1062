//===- LinearActivations.cpp - the rows of a matmul's input, rounded ----------------------------------------------===//
// Answers: how do activations become words of bf16 or int8 before they are multiplied? Once for all columns; a matmul
// reads each of them once for every 64 columns, so this is a small part of its work.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/LinearProducts.h"
#include "dialects/Weft/IR/Workspace.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::cpu {
namespace {

class Rounding {
public:
  Rounding(OpBuilder &b, PackedLinearOp op, const RowView &input, const RowView &workspace, const CpuLimits &limits)
      : op(op), loc(op.getLoc()), input(input), workspace(workspace), lanes(limits.lanes), floats(lanesType(b, limits)),
        integers(lanesType(b, limits, b.getI32Type())), columns(constantIndex(b, loc, op.getDepth())) {}

  void toBF16(OpBuilder &b, const Row &row) {
    forEachVector(b, loc, columns, lanes, [&](OpBuilder &b, Location, Lanes at) {
      Value halves = arith::TruncFOp::create(b, loc, floats.clone(b.getBF16Type()), load(b, row, at));
      store(b, row, at, halves);
    });
  }

  /// To the multiples of max / 127, with the row's scale and the sum of its integers behind them.
  void toInt8(OpBuilder &b, const Row &row) {
    Value largest = accumulateColumns(
        b, loc, columns, arith::ConstantOp::create(b, loc, b.getZeroAttr(floats)),
        [&](OpBuilder &b, Location, Lanes at, Value largest) -> Value {
          return arith::MaximumFOp::create(b, loc, math::AbsFOp::create(b, loc, load(b, row, at)), largest);
        },
        [&](OpBuilder &b, Location, Value x, Value y) -> Value { return arith::MaximumFOp::create(b, loc, x, y); });
    largest = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXIMUMF, largest);
    auto number = [&](double value) -> Value {
      return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(static_cast<float>(value)));
    };
    auto select = [&](arith::CmpFPredicate predicate, Value than, Value yes, Value no) -> Value {
      Value is = arith::CmpFOp::create(b, loc, predicate, largest, than);
      return arith::SelectOp::create(b, loc, is, yes, no);
    };
    // Of a row that is not finite nothing is known; one of almost nothing is zero, for its inverse would overflow.
    Value scale = arith::DivFOp::create(b, loc, largest, number(127));
    scale = select(arith::CmpFPredicate::OLT, number(INFINITY), scale, number(NAN));
    Value inverse = arith::DivFOp::create(b, loc, number(127), largest);
    inverse = select(arith::CmpFPredicate::OLT, number(0x1p-120), number(0), inverse);

    auto splatted = [&](Value scalar) { return splat(b, loc, scalar, floats); };
    Value factor = splatted(inverse), least = splatted(number(-127)), most = splatted(number(127));
    Value sum = accumulateColumns(
        b, loc, columns, arith::ConstantOp::create(b, loc, b.getZeroAttr(integers)),
        [&](OpBuilder &b, Location, Lanes at, Value sum) -> Value {
          Value multiple = arith::MulFOp::create(b, loc, load(b, row, at), factor);
          multiple = math::RoundEvenOp::create(b, loc, multiple);
          // Also makes a number of NaN, which has no integer.
          multiple = arith::MinNumFOp::create(b, loc, arith::MaxNumFOp::create(b, loc, multiple, least), most);
          Value integer = arith::FPToSIOp::create(b, loc, integers, multiple);
          store(b, row, at, arith::TruncIOp::create(b, loc, integers.clone(b.getI8Type()), integer));
          return arith::AddIOp::create(b, loc, sum, integer);
        },
        [&](OpBuilder &b, Location, Value x, Value y) -> Value { return arith::AddIOp::create(b, loc, x, y); });
    sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, sum);
    int64_t words = cast<MemRefType>(op.getWorkspace().getType()).getShape().back();
    storeWord(b, row, workspaceScale(words), arith::BitcastOp::create(b, loc, b.getI32Type(), scale));
    storeWord(b, row, workspaceSum(words), sum);
  }

private:
  Value load(OpBuilder &b, const Row &row, Lanes at) {
    if (cast<MemRefType>(input.memref().getType()).isLastDimUnitStride())
      return loadLanes(b, loc, floats, input.memref(), input.indices(row, at.column), at.mask);
    Value steps = vector::StepOp::create(b, loc, VectorType::get({lanes}, b.getIndexType()));
    steps = arith::IndexCastOp::create(b, loc, integers, steps);
    Value column = arith::AddIOp::create(b, loc, splat(b, loc, at.column, integers), steps);
    Value loaded = loadOnLanes(b, loc, input.memref(), input.indices(row, column), lanes);
    if (!at.mask)
      return loaded;
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(floats));
    return arith::SelectOp::create(b, loc, at.mask, loaded, zero);
  }
  /// Elements of a vector of columns as words; those past the last column are zero, and there is room for them.
  void store(OpBuilder &b, const Row &row, Lanes at, Value elements) {
    int64_t inWord = 32 / cast<VectorType>(elements.getType()).getElementTypeBitWidth();
    Value words = vector::BitCastOp::create(b, loc, VectorType::get({lanes / inWord}, b.getI32Type()), elements);
    Value word = b.createOrFold<arith::DivUIOp>(loc, at.column, constantIndex(b, loc, inWord));
    vector::StoreOp::create(b, loc, words, workspace.memref(), workspace.indices(row, word));
  }
  void storeWord(OpBuilder &b, const Row &row, int64_t word, Value value) {
    memref::StoreOp::create(b, loc, value, workspace.memref(), workspace.indices(row, constantIndex(b, loc, word)));
  }

  PackedLinearOp op;
  Location loc;
  const RowView &input, &workspace;
  int64_t lanes;
  VectorType floats, integers;
  Value columns;
};

} // namespace

void emitRounding(OpBuilder &b, PackedLinearOp op, const Rows &rows, const RowView &input, const RowView &workspace,
                  const CpuLimits &limits) {
  Rounding rounding(b, op, input, workspace, limits);
  Value cost = constantIndex(b, op.getLoc(), op.getDepth());
  parallelChunks(b, op.getLoc(), rows.count(), cost, [&](OpBuilder &b, Location loc, Value index) {
    Row row = rows.at(b, loc, index);
    op.getActivations() ? rounding.toInt8(b, row) : rounding.toBF16(b, row);
  });
}

} // namespace weft::cpu
