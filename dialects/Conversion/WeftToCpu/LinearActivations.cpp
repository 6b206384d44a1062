//===- LinearActivations.cpp - the rows of a matmul's input, rounded ----------------------------------------------===//
// Answers: how do activations become words of bf16, int8 or digits before they are multiplied? Once for all columns; a
// matmul reads each of them once for every 64 columns, so this is a small part of its work.
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
    Value largest = largestOf(b, row);
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

  /// To integers of less than 2^30, of which those near the largest are exact, as digits from -128 to 127.
  void toFixedPoint(OpBuilder &b, const Row &row) {
    auto [factor, scale] = powersOfTwo(b, largestOf(b, row));
    factor = splat(b, loc, factor, floats);
    WeightType type = op.getWeightType();
    int64_t depth = op.getDepth(), each = groupDepth(type, depth), groups = groupsOf(type, depth);
    Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(integers));
    auto accumulate = [&](OpBuilder &b, Lanes at, Value sums) {
      Value digits = digitsOf(b, load(b, row, at), factor);
      vector::StoreOp::create(b, loc, digits, workspace.memref(), workspace.indices(row, at.column));
      return addExcess(b, digits, sums);
    };
    if (groups == 1) {
      Value sums = accumulateColumns(
          b, loc, columns, none, [&](OpBuilder &b, Location, Lanes at, Value sums) { return accumulate(b, at, sums); },
          [&](OpBuilder &b, Location, Value x, Value y) -> Value { return arith::AddIOp::create(b, loc, x, y); });
      storeStarts(b, row, constantIndex(b, loc, 0), sums);
    } else {
      auto group = [&](OpBuilder &b, Value number, int64_t count) {
        Value first = b.createOrFold<arith::MulIOp>(loc, number, constantIndex(b, loc, each)), sums = none;
        for (int64_t done = 0; done < count; done += lanes) {
          Value column = b.createOrFold<arith::AddIOp>(loc, first, constantIndex(b, loc, done)), mask;
          if (count - done < lanes)
            mask = vector::ConstantMaskOp::create(b, loc, floats.clone(b.getI1Type()), ArrayRef{count - done});
          sums = accumulate(b, {column, mask}, sums);
        }
        storeStarts(b, row, number, sums);
      };
      Value whole = constantIndex(b, loc, depth / each);
      scf::ForOp::create(b, loc, constantIndex(b, loc, 0), whole, constantIndex(b, loc, 1), ValueRange{},
                         [&](OpBuilder &b, Location loc, Value number, ValueRange) {
                           group(b, number, each);
                           scf::YieldOp::create(b, loc);
                         });
      if (depth % each)
        group(b, whole, depth % each);
    }
    int64_t words = cast<MemRefType>(op.getWorkspace().getType()).getShape().back();
    storeWord(b, row, workspaceScale(words), arith::BitcastOp::create(b, loc, b.getI32Type(), scale));
  }

private:
  Value largestOf(OpBuilder &b, const Row &row) {
    Value largest = accumulateColumns(
        b, loc, columns, arith::ConstantOp::create(b, loc, b.getZeroAttr(floats)),
        [&](OpBuilder &b, Location, Lanes at, Value largest) -> Value {
          return arith::MaximumFOp::create(b, loc, math::AbsFOp::create(b, loc, load(b, row, at)), largest);
        },
        [&](OpBuilder &b, Location, Value x, Value y) -> Value { return arith::MaximumFOp::create(b, loc, x, y); });
    return vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXIMUMF, largest);
  }

  /// A power of two that makes less than 2^30 of the largest number, and its inverse, which is NaN where a number is
  /// not finite. Numbers below 2^-127 are nothing.
  std::pair<Value, Value> powersOfTwo(OpBuilder &b, Value largest) {
    constexpr int32_t mantissa = 23, bias = 127, bits = 29, least = 31; // of the exponent, with its bias
    auto number = [&](int32_t value) -> Value { return arith::ConstantIntOp::create(b, loc, b.getI32Type(), value); };
    auto power = [&](Value exponent) -> Value {
      Value shifted = arith::ShLIOp::create(b, loc, exponent, number(mantissa));
      return arith::BitcastOp::create(b, loc, b.getF32Type(), shifted);
    };
    Value exponent = arith::BitcastOp::create(b, loc, b.getI32Type(), largest);
    exponent = arith::ShRUIOp::create(b, loc, exponent, number(mantissa));
    exponent = arith::MaxUIOp::create(b, loc, exponent, number(least));
    Value factor = power(arith::SubIOp::create(b, loc, number(2 * bias + bits), exponent));
    Value scale = power(arith::SubIOp::create(b, loc, exponent, number(bits)));
    Value infinity = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(INFINITY));
    Value isFinite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, largest, infinity);
    Value nan = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(NAN));
    return {factor, arith::SelectOp::create(b, loc, isFinite, scale, nan)};
  }

  /// Words of the lowest to the highest digits of inputs 0 ... 3, then of inputs 4 ... 7 and so on.
  Value digitsOf(OpBuilder &b, Value numbers, Value factor) {
    auto real = [&](float value) -> Value {
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(floats, value));
    };
    Value multiple = math::RoundEvenOp::create(b, loc, arith::MulFOp::create(b, loc, numbers, factor));
    // Also makes a number of NaN, which has no integer.
    multiple = arith::MaxNumFOp::create(b, loc, multiple, real(-0x1p30f));
    multiple = arith::MinNumFOp::create(b, loc, multiple, real(0x1p30f));
    Value integer = arith::FPToSIOp::create(b, loc, integers, multiple);
    // A digit of 128 or more is one less than a carry: with 128 added to the three lower ones carries are as they are
    // for bytes, and without it again, which is its highest bit, digits have signs.
    Value halves = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integers, int32_t(0x00808080)));
    integer = arith::XOrIOp::create(b, loc, arith::AddIOp::create(b, loc, integer, halves), halves);

    auto bytes = VectorType::get({digitsOfNumber * lanes}, b.getI8Type());
    Value digits = vector::BitCastOp::create(b, loc, bytes, integer);
    SmallVector<int64_t> order;
    bool apart = op.getWeightType() == WeightType::Int4; // even inputs of 8 and odd ones
    for (int64_t word = 0; word < lanes / 4; ++word)
      for (int64_t digit = 0; digit < digitsOfNumber; ++digit)
        for (int64_t i = 0; i < 4; ++i)
          order.push_back(digitsOfNumber * (apart ? word / 2 * 8 + 2 * i + word % 2 : word * 4 + i) + digit);
    digits = vector::ShuffleOp::create(b, loc, digits, digits, order);
    return vector::BitCastOp::create(b, loc, integers, digits);
  }

  /// Weights are q + 128, or q + 8 of 4 bits: so many times the digits, of which every fourth lane is of one rank, are
  /// too much.
  Value addExcess(OpBuilder &b, Value digits, Value sums) {
    int8_t offset = static_cast<int8_t>(op.getWeightType() == WeightType::Int8 ? 128 : 8);
    auto bytes = VectorType::get({digitsOfNumber * lanes}, b.getI8Type());
    Value offsets = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bytes, offset));
    return dotBytes(b, loc, sums, offsets, vector::BitCastOp::create(b, loc, bytes, digits));
  }

  /// What the sums of a group begin with: its excess, less than nothing.
  void storeStarts(OpBuilder &b, const Row &row, Value group, Value excess) {
    for (int64_t width = lanes; width > digitsOfNumber; width /= 2) {
      Value lower = vector::ExtractStridedSliceOp::create(b, loc, excess, {0}, {width / 2}, {1});
      Value upper = vector::ExtractStridedSliceOp::create(b, loc, excess, {width / 2}, {width / 2}, {1});
      excess = arith::AddIOp::create(b, loc, lower, upper);
    }
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(excess.getType()));
    Value word = b.createOrFold<arith::MulIOp>(loc, group, constantIndex(b, loc, digitsOfNumber));
    word = b.createOrFold<arith::AddIOp>(loc, word, constantIndex(b, loc, fixedPointStarts(op.getDepth(), 0)));
    vector::StoreOp::create(b, loc, arith::SubIOp::create(b, loc, zero, excess), workspace.memref(),
                            workspace.indices(row, word));
  }

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
    switch (roundedRow(op)) {
    case RoundedRow::BF16:
      return rounding.toBF16(b, row);
    case RoundedRow::Int8:
      return rounding.toInt8(b, row);
    case RoundedRow::FixedPoint:
      return rounding.toFixedPoint(b, row);
    case RoundedRow::F16:
      llvm_unreachable("refused by the pass");
    }
  });
}

} // namespace weft::cpu
