//===- ExpandAngles.cpp - sines in integers and f32 ---------------------------------------------------------------===//
// Answers: how does a shader compute a sine of any angle without f64, which few GPUs have?
//
// Vulkan promises 2^-11 for a sine, and only near zero. So angles are counted in turns, as 64-bit fractions: whole
// turns fall out of a product of integers by themselves, and what is left is exact to 2^-40 of a turn and better. An
// eighth of a turn to either side goes into polynomials, in f32.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/ExpandFunctions.h"
#include "dialects/Conversion/GpuToSpirv/Fixed.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include <cmath>

using namespace mlir;

namespace weft {
namespace {

/// Quarters of a turn, of which the last two bits count, and what is left, in radians, an eighth of a turn at most.
struct Angle {
  Value quarters, rest;
};

/// Of a fraction of a turn in 64 bits.
Angle angleOf(Fixed &a, Value turns) {
  Value quarters = a.shr(a.sum(turns, a.integer(uint64_t(1) << 61)), 62);
  Value rest = a.difference(turns, a.shl(quarters, 62));
  return {quarters, a.times(a.signedRounded(rest), a.real(std::ldexp(2 * M_PI, -64)))};
}

/// By the Taylor polynomials, whose next terms are below 2^-29.
Value sineOf(Fixed &a, Angle angle, bool isCosine) {
  Value square = a.times(angle.rest, angle.rest);
  Value cube = a.times(square, angle.rest);
  Value ofSine =
      a.plus(angle.rest, a.times(cube, a.polynomial(square, {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880})));
  Value ofCosine = a.plus(
      a.real(1), a.times(square, a.polynomial(square, {-1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800})));
  Value quadrant = isCosine ? a.sum(angle.quarters, a.integer(1)) : angle.quarters; // a quarter of a turn on
  return a.opposite(a.isSet(quadrant, 2), a.select(a.isSet(quadrant, 1), ofCosine, ofSine));
}

//===-- angles in f32 ---------------------------------------------------------------------------------------------===//

/// |x| = m 2^e as a fraction of a turn: m times the bits of 2^e / (2 pi) after the point (Payne and Hanek, 1983), 96 of
/// them, so that an angle near a quarter of a turn has digits left. `bits` are those of |x|, which is 1/2 at least.
Value turnsOf(Fixed &a, Value bits) {
  // The bits of 2 / pi, after as many zeros as a small e asks for.
  constexpr uint64_t words[] = {0, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561};
  Value mantissa = a.either(a.both(bits, a.integer(mantissaBits)), a.integer(hiddenBit));
  Value start = a.difference(a.shr(bits, 23), a.integer(88)); // e + 62: in `words`, and by 4 less than 2 / pi
  Value inWord = a.both(start, a.integer(63)), isFirst = a.isBelow(start, 64), isSecond = a.isBelow(start, 128);
  auto word = [&](int number) {
    return a.select(isFirst, a.integer(words[number]),
                    a.select(isSecond, a.integer(words[number + 1]), a.integer(words[number + 2])));
  };
  // A shift by 64 would be none.
  auto window = [&](Value high, Value low) {
    return a.either(a.shl(high, inWord), a.shr(a.shr(low, 1), a.difference(a.integer(63), inWord)));
  };
  Value high = window(word(0), word(1)), low = a.shr(window(word(1), word(2)), 32);
  return a.sum(a.product(mantissa, high), a.shr(a.product(mantissa, low), 32));
}

template <typename Op> struct ExpandSine : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Fixed a(b);
    constexpr bool isCosine = std::is_same_v<Op, math::CosOp>;
    constexpr uint64_t half = 0x3f000000;
    Value word = a.bits(op.getOperand()), bits = a.both(word, a.integer(signBit - 1)), isSmall = a.isBelow(bits, half);
    Value size = math::AbsFOp::create(b, op.getOperand());
    Angle angle = angleOf(a, turnsOf(a, a.select(isSmall, a.integer(half), bits)));
    angle = {a.select(isSmall, a.integer(0), angle.quarters), a.select(isSmall, size, angle.rest)};
    Value result = sineOf(a, angle, isCosine);
    if (!isCosine)
      result = a.opposite(a.isSet(word, signBit), result);
    Value nothing = a.minus(size, size); // NaN of infinities and of NaN
    rewriter.replaceOp(op, a.select(a.isBelow(bits, infinityBits), result, nothing));
    return success();
  }
};

//===-- angles of positions ---------------------------------------------------------------------------------------===//

/// A constant table of f64.
memref::GlobalOp tableOf(memref::LoadOp load) {
  auto get = load.getMemRef().getDefiningOp<memref::GetGlobalOp>();
  if (!get || !get.getType().getElementType().isF64())
    return {};
  auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(get, get.getNameAttr());
  return global && isa_and_present<DenseElementsAttr>(global.getConstantInitValue()) ? global : memref::GlobalOp();
}

/// The same table with frequencies as fractions of a turn, of which positions need the part after the point alone.
memref::GlobalOp tableOfTurns(memref::GlobalOp table, PatternRewriter &rewriter) {
  std::string name = (table.getSymName() + "_turns").str();
  Operation *scope = table->getParentOp();
  if (auto known = dyn_cast_or_null<memref::GlobalOp>(SymbolTable::lookupSymbolIn(scope, name)))
    return known;
  SmallVector<int64_t> turns;
  for (APFloat frequency : cast<DenseElementsAttr>(table.getConstantInitValue()).getValues<APFloat>()) {
    constexpr long double pi = 3.14159265358979323846264338327950288L;
    long double turn = static_cast<long double>(frequency.convertToDouble()) / (2 * pi);
    turns.push_back(static_cast<int64_t>(static_cast<uint64_t>(std::ldexp(turn - std::floor(turn), 64))));
  }
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(table);
  auto shape = cast<MemRefType>(table.getType()).getShape();
  Type i64 = rewriter.getI64Type();
  return memref::GlobalOp::create(rewriter, table.getLoc(), name, table.getSymVisibilityAttr(),
                                  MemRefType::get(shape, i64),
                                  DenseElementsAttr::get(RankedTensorType::get(shape, i64), ArrayRef(turns)),
                                  /*constant=*/true, /*alignment=*/IntegerAttr());
}

/// Position times frequency, as the front end writes it.
struct ExpandPosition : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    Operation *function = op.getIn().getDefiningOp();
    if (!op.getType().isF32() || !isa_and_present<math::SinOp, math::CosOp>(function))
      return failure();
    auto angle = function->getOperand(0).getDefiningOp<arith::MulFOp>();
    auto position = angle ? angle.getLhs().getDefiningOp<arith::SIToFPOp>() : arith::SIToFPOp();
    auto frequency = angle ? angle.getRhs().getDefiningOp<memref::LoadOp>() : memref::LoadOp();
    memref::GlobalOp table = frequency ? tableOf(frequency) : memref::GlobalOp();
    if (!table || !position || !position.getIn().getType().isInteger(64))
      return failure();
    memref::GlobalOp turns = tableOfTurns(table, rewriter);
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Fixed a(b);
    Value get = memref::GetGlobalOp::create(b, cast<MemRefType>(turns.getType()), turns.getSymName());
    Value turn = memref::LoadOp::create(b, get, frequency.getIndices());
    Angle reduced = angleOf(a, a.product(position.getIn(), turn));
    rewriter.replaceOp(op, sineOf(a, reduced, isa<math::CosOp>(function)));
    return success();
  }
};

/// A choice between numbers is rounded as they are.
struct RoundBeforeChoosing : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    auto choice = op.getIn().getDefiningOp<arith::SelectOp>();
    if (!choice || !op.getIn().getType().isF64())
      return failure();
    auto rounded = [&](Value x) -> Value { return arith::TruncFOp::create(rewriter, op.getLoc(), op.getType(), x); };
    Value one = rounded(choice.getTrueValue()), other = rounded(choice.getFalseValue());
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, choice.getCondition(), one, other);
    return success();
  }
};

} // namespace

void populateAnglePatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandSine<math::SinOp>, ExpandSine<math::CosOp>, ExpandPosition, RoundBeforeChoosing>(
      patterns.getContext());
}

} // namespace weft
