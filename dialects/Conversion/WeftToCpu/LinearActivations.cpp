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
    Value largest = arith::BitcastOp::create(b, loc, b.getF32Type(), largestOf(b, row));
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
    // A sum with 1.5 * 2^23 has no bits left for a fraction: it is the nearest integer, in its low bits. Of NaN it is
    // some.
    Value factor = splatted(inverse), shift = splatted(number(0x1.8p23));
    Value shiftBits = arith::BitcastOp::create(b, loc, integers, shift);
    Value sum = accumulateColumns(
        b, loc, columns, arith::ConstantOp::create(b, loc, b.getZeroAttr(integers)),
        [&](OpBuilder &b, Location, Lanes at, Value sum) -> Value {
          Value multiple = arith::MulFOp::create(b, loc, load(b, row, at), factor);
          Value bits = arith::BitcastOp::create(b, loc, integers, arith::AddFOp::create(b, loc, multiple, shift));
          Value integer = arith::SubIOp::create(b, loc, bits, shiftBits);
          store(b, row, at, arith::TruncIOp::create(b, loc, integers.clone(b.getI8Type()), integer));
          return arith::AddIOp::create(b, loc, sum, integer);
        },
        [&](OpBuilder &b, Location, Value x, Value y) -> Value { return arith::AddIOp::create(b, loc, x, y); });
    sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, sum);
    int64_t words = cast<MemRefType>(op.getWorkspace().getType()).getShape().back();
    storeWord(b, row, workspaceScale(words), arith::BitcastOp::create(b, loc, b.getI32Type(), scale));
    storeWord(b, row, workspaceSum(words), sum);
  }

  void toFixedPoint(OpBuilder &b, const Row &row) {
    if (op.getWeightType() == WeightType::Int4)
      return toFixedPointInGroups(b, row);
    auto [factor, scale] = powersOfTwo(b, largestOf(b, row), /*bits=*/30, /*most=*/1 << 30);
    factor = splat(b, loc, factor, floats);
    Value sums = accumulateColumns(
        b, loc, columns, none(b),
        [&](OpBuilder &b, Location, Lanes at, Value sums) {
          Value digits = digitsOf(b, integersOf(b, load(b, row, at), factor));
          storeDigits(b, row, at.column, digits);
          return addExcess(b, digits, sums);
        },
        [&](OpBuilder &b, Location, Value x, Value y) -> Value { return arith::AddIOp::create(b, loc, x, y); });
    storeStarts(b, row, sums);
    int64_t words = cast<MemRefType>(op.getWorkspace().getType()).getShape().back();
    storeWord(b, row, workspaceScale(words), arith::BitcastOp::create(b, loc, b.getI32Type(), scale));
  }

private:
  /// Of inputs that share a scale of weights.
  void toFixedPointInGroups(OpBuilder &b, const Row &row) {
    int64_t depth = op.getDepth(), each = groupDepth(op.getWeightType(), depth);
    auto group = [&](OpBuilder &b, Value number, int64_t count) {
      Value first = b.createOrFold<arith::MulIOp>(loc, number, constantIndex(b, loc, each)), largest;
      SmallVector<std::pair<Value, Value>> vectors; // columns and numbers
      for (int64_t done = 0; done < count; done += lanes) {
        Value column = b.createOrFold<arith::AddIOp>(loc, first, constantIndex(b, loc, done)), mask;
        if (count - done < lanes)
          mask = vector::ConstantMaskOp::create(b, loc, floats.clone(b.getI1Type()), ArrayRef{count - done});
        vectors.emplace_back(column, load(b, row, {column, mask}));
        Value sizes = sizesOf(b, vectors.back().second);
        largest = largest ? larger(b, largest, sizes) : sizes;
      }
      largest = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXUI, largest);
      // The highest of three digits has a sign, as all have.
      auto [factor, scale] = powersOfTwo(b, largest, /*bits=*/23, /*most=*/0x7f7f7f);
      factor = splat(b, loc, factor, floats);
      Value sum = none(b);
      for (auto [column, numbers] : vectors) {
        Value integers = integersOf(b, numbers, factor);
        storeDigits(b, row, column, digitsOf(b, integers));
        sum = arith::AddIOp::create(b, loc, sum, integers);
      }
      // Weights are q + 8: 8 times the sum is too much. This wraps around, and so does what is added to it.
      sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, sum);
      Value excess = arith::MulIOp::create(b, loc, sum, arith::ConstantIntOp::create(b, loc, b.getI32Type(), -8));
      Value word = b.createOrFold<arith::MulIOp>(loc, number, constantIndex(b, loc, fixedPointPerGroup(type())));
      for (auto [place, value] :
           {std::pair(0, excess), std::pair(1, arith::BitcastOp::create(b, loc, b.getI32Type(), scale).getResult())})
        memref::StoreOp::create(
            b, loc, value, workspace.memref(),
            workspace.indices(row, b.createOrFold<arith::AddIOp>(
                                       loc, word, constantIndex(b, loc, fixedPointGroup(type(), depth, 0) + place))));
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

  /// The bits of the largest number. Those of absolute values are in the order of these, infinity and then NaN at the
  /// end, and a maximum of integers is one instruction.
  Value largestOf(OpBuilder &b, const Row &row) {
    Value largest = accumulateColumns(
        b, loc, columns, none(b),
        [&](OpBuilder &b, Location, Lanes at, Value largest) {
          return larger(b, sizesOf(b, load(b, row, at)), largest);
        },
        [&](OpBuilder &b, Location, Value x, Value y) { return larger(b, x, y); });
    return vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXUI, largest);
  }
  Value sizesOf(OpBuilder &b, Value numbers) {
    return arith::BitcastOp::create(b, loc, integers, math::AbsFOp::create(b, loc, numbers));
  }
  Value larger(OpBuilder &b, Value x, Value y) { return arith::MaxUIOp::create(b, loc, x, y); }

  /// A power of two that makes at most `most`, which has `bits` bits or is a power of two itself, of the largest
  /// number, whose bits these are, and its inverse, which is NaN where a number is not finite. The smallest numbers are
  /// nothing.
  std::pair<Value, Value> powersOfTwo(OpBuilder &b, Value largest, int32_t bits, int32_t most) {
    constexpr int32_t mantissa = 23, bias = 127;
    const int32_t least = bits + 1; // of the exponent, with its bias
    auto number = [&](int32_t value) -> Value { return arith::ConstantIntOp::create(b, loc, b.getI32Type(), value); };
    auto power = [&](Value exponent) -> Value {
      Value shifted = arith::ShLIOp::create(b, loc, exponent, number(mantissa));
      return arith::BitcastOp::create(b, loc, b.getF32Type(), shifted);
    };
    Value exponent = largest;
    // What is above `most` by its mantissa counts as the next power of two.
    int32_t above =
        static_cast<int32_t>((int64_t(1) << (mantissa + 1)) - 1 - (int64_t(most) << (mantissa + 1) >> bits));
    if (above > 0)
      exponent = arith::AddIOp::create(b, loc, exponent, number(above));
    exponent = arith::ShRUIOp::create(b, loc, exponent, number(mantissa));
    exponent = arith::MaxUIOp::create(b, loc, exponent, number(least));
    Value factor = power(arith::SubIOp::create(b, loc, number(2 * bias + bits - 1), exponent));
    Value scale = power(arith::SubIOp::create(b, loc, exponent, number(bits - 1)));
    Value isFinite = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, largest, number(0xff << mantissa));
    Value nan = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(NAN));
    return {factor, arith::SelectOp::create(b, loc, isFinite, scale, nan)};
  }

  Value integersOf(OpBuilder &b, Value numbers, Value factor) {
    auto real = [&](float value) -> Value {
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(floats, value));
    };
    Value multiple = math::RoundEvenOp::create(b, loc, arith::MulFOp::create(b, loc, numbers, factor));
    // Also makes a number of NaN, which has no integer.
    multiple = arith::MaxNumFOp::create(b, loc, multiple, real(-0x1p30f));
    multiple = arith::MinNumFOp::create(b, loc, multiple, real(0x1p30f));
    return arith::FPToSIOp::create(b, loc, integers, multiple);
  }

  /// Words of the lowest to the highest digits of inputs 0 ... 3, then of inputs 4 ... 7 and so on.
  Value digitsOf(OpBuilder &b, Value integer) {
    // A digit of 128 or more is one less than a carry: with 128 added to the lower ones carries are as they are for
    // bytes, and without it again, which is its highest bit, digits have signs.
    int64_t digitsOfOne = digitsOfNumber(type());
    int32_t halfOfEach = digitsOfOne == 4 ? 0x00808080 : 0x00008080;
    Value halves = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integers, halfOfEach));
    integer = arith::XOrIOp::create(b, loc, arith::AddIOp::create(b, loc, integer, halves), halves);

    Value digits = vector::BitCastOp::create(b, loc, VectorType::get({4 * lanes}, b.getI8Type()), integer);
    SmallVector<int64_t> order;
    bool apart = type() == WeightType::Int4; // even inputs of 8 and odd ones
    for (int64_t word = 0; word < lanes / 4; ++word)
      for (int64_t digit = 0; digit < digitsOfOne; ++digit)
        for (int64_t i = 0; i < 4; ++i)
          order.push_back(4 * (apart ? word / 2 * 8 + 2 * i + word % 2 : word * 4 + i) + digit);
    digits = vector::ShuffleOp::create(b, loc, digits, digits, order);
    return vector::BitCastOp::create(b, loc, VectorType::get({lanes / 4 * digitsOfOne}, b.getI32Type()), digits);
  }

  /// Of those of a vector of inputs.
  void storeDigits(OpBuilder &b, const Row &row, Value column, Value digits) {
    Value word = b.createOrFold<arith::DivUIOp>(loc, column, constantIndex(b, loc, 4));
    word = b.createOrFold<arith::MulIOp>(loc, word, constantIndex(b, loc, digitsOfNumber(type())));
    vector::StoreOp::create(b, loc, digits, workspace.memref(), workspace.indices(row, word));
  }

  /// Weights of int8 are q + 128: so many times the digits, of which every fourth lane is of one rank, are too much.
  Value addExcess(OpBuilder &b, Value digits, Value sums) {
    auto bytes = VectorType::get({4 * lanes}, b.getI8Type());
    Value offsets = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bytes, static_cast<int8_t>(128)));
    return dotBytes(b, loc, sums, offsets, vector::BitCastOp::create(b, loc, bytes, digits));
  }

  /// What the sums of a row begin with: its excess, less than nothing.
  void storeStarts(OpBuilder &b, const Row &row, Value excess) {
    for (int64_t width = lanes; width > digitsOfNumber(type()); width /= 2) {
      Value lower = vector::ExtractStridedSliceOp::create(b, loc, excess, {0}, {width / 2}, {1});
      Value upper = vector::ExtractStridedSliceOp::create(b, loc, excess, {width / 2}, {width / 2}, {1});
      excess = arith::AddIOp::create(b, loc, lower, upper);
    }
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(excess.getType()));
    vector::StoreOp::create(b, loc, arith::SubIOp::create(b, loc, zero, excess), workspace.memref(),
                            workspace.indices(row, constantIndex(b, loc, fixedPointGroup(type(), op.getDepth(), 0))));
  }

  Value none(OpBuilder &b) { return arith::ConstantOp::create(b, loc, b.getZeroAttr(integers)); }
  WeightType type() { return op.getWeightType(); }

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
