//===- ExpandGpuMath.cpp - pass weft-expand-gpu-math --------------------------------------------------------------===//
// Answers: what computes the functions that shaders lack, or have with an error that no one may rely on?
//
// Vulkan promises 2^-11 for a sine, and only near zero, and knows none in f64, which angles of positions are in. Sines
// and powers of f32 are therefore computed in f64 and rounded once; f64 itself by range reduction and polynomials whose
// error is far below what an f32 can show.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <limits>

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_EXPANDGPUMATHPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

/// Arithmetic on f64, by value.
class Wide {
public:
  explicit Wide(ImplicitLocOpBuilder &b) : b(b) {}

  Value real(double value) { return arith::ConstantOp::create(b, b.getF64FloatAttr(value)); }
  Value integer(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) { return arith::CmpFOp::create(b, predicate, x, y); }
  Value isSet(Value bits, int64_t mask) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, bits, integer(mask)),
                                 integer(0));
  }
  Value negate(Value condition, Value x) { return select(condition, arith::NegFOp::create(b, x), x); }
  Value bits(Value x) { return arith::BitcastOp::create(b, b.getI64Type(), x); }
  Value number(Value bits) { return arith::BitcastOp::create(b, b.getF64Type(), bits); }
  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, ArrayRef<double> c) {
    Value sum = real(c.back());
    for (double coefficient : llvm::reverse(c.drop_back()))
      sum = add(mul(sum, x), real(coefficient));
    return sum;
  }

  ImplicitLocOpBuilder &b;
};

// 1.5 * 2^52: a sum with it has no bits left for a fraction, and the integer stands in the low bits.
constexpr double roundingShift = 6755399441055744.0;

//===-- sine and cosine -------------------------------------------------------------------------------------------===//

/// An angle as a number of quarter turns, of which the last two bits count, and the rest within an eighth of a turn.
struct Angle {
  Value quarters, rest;
};

/// pi / 2 in parts of 22 bits, so that the product of the first two with a number of quarter turns below 2^31 is exact
/// (Cody and Waite): for angles below 3e9, which all positions are.
Angle reduce(Wide &f, Value x) {
  Value shifted = f.add(f.mul(x, f.real(0.63661977236758134308)), f.real(roundingShift));
  Value turns = f.sub(shifted, f.real(roundingShift)), r = x;
  for (double part : {0x1.921fbp+0, 0x1.5110bp-22, 0x1.18469898cc517p-44})
    r = f.sub(r, f.mul(turns, f.real(part)));
  return {f.bits(shifted), r};
}

/// The same for an f32 of 2^31 and more, m 2^e: m times the bits of 2^(e + 62) 2/pi that make up 4 quarter turns and
/// less (Payne and Hanek). `x` is the number, `bits` are those of its absolute value as an f32.
Angle reduceLarge(Wide &f, Value x, Value bits) {
  constexpr uint64_t twoOverPi[] = {0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041};
  auto shl = [&](Value p, Value q) -> Value { return arith::ShLIOp::create(f.b, p, q); };
  auto shr = [&](Value p, Value q) -> Value { return arith::ShRUIOp::create(f.b, p, q); };
  auto add = [&](Value p, Value q) -> Value { return arith::AddIOp::create(f.b, p, q); };
  auto sub = [&](Value p, Value q) -> Value { return arith::SubIOp::create(f.b, p, q); };
  auto both = [&](Value p, Value q) -> Value { return arith::AndIOp::create(f.b, p, q); };
  auto either = [&](Value p, Value q) -> Value { return arith::OrIOp::create(f.b, p, q); };
  auto word = [&](int i) { return f.integer(static_cast<int64_t>(twoOverPi[i])); };

  Value mantissa = either(both(bits, f.integer(0x7fffff)), f.integer(0x800000));
  Value start = sub(shr(bits, f.integer(23)), f.integer(152)); // e - 2, from 6 to 102
  Value isSecond = f.isSet(start, 64), inWord = both(start, f.integer(63));
  Value high = f.select(isSecond, word(1), word(0)), low = f.select(isSecond, word(2), word(1));
  // Of `low` the first `inWord` bits; a shift by 64 would be none.
  Value window = either(shl(high, inWord), shr(shr(low, f.integer(1)), sub(f.integer(63), inWord)));
  Value turns = arith::MulIOp::create(f.b, mantissa, window);
  turns = f.select(f.compare(arith::CmpFPredicate::OLT, x, f.real(0.0)), sub(f.integer(0), turns), turns);
  Value quarters = shr(add(turns, f.integer(int64_t(1) << 61)), f.integer(62));
  Value rest = arith::SIToFPOp::create(f.b, f.b.getF64Type(), sub(turns, shl(quarters, f.integer(62))));
  return {quarters, f.mul(rest, f.real(1.57079632679489661923 / 4611686018427387904.0))};
}

/// By the Taylor polynomials on an eighth of a turn.
Value sine(Wide &f, Angle angle, bool isCosine) {
  Value square = f.mul(angle.rest, angle.rest);
  Value ofSine = f.mul(angle.rest, f.polynomial(square, {1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880,
                                                         -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000}));
  Value ofCosine = f.polynomial(
      square, {1.0, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200});
  Value quadrant = angle.quarters;
  if (isCosine) // a quarter turn on
    quadrant = arith::AddIOp::create(f.b, quadrant, f.integer(1));
  return f.negate(f.isSet(quadrant, 2), f.select(f.isSet(quadrant, 1), ofCosine, ofSine));
}

template <typename Op> struct ExpandSine : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF64() && !op.getType().isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Wide f(b);
    Value x = op.getOperand();
    bool isNarrow = op.getType().isF32();
    Angle angle;
    if (isNarrow) {
      Value bits = arith::BitcastOp::create(b, b.getI32Type(), math::AbsFOp::create(b, x).getResult());
      bits = arith::ExtUIOp::create(b, b.getI64Type(), bits);
      x = arith::ExtFOp::create(b, b.getF64Type(), x);
      Angle small = reduce(f, x), large = reduceLarge(f, x, bits);
      Value size = math::AbsFOp::create(b, x); // an infinity goes the way that makes it NaN
      Value isLarge = arith::AndIOp::create(
          b, f.compare(arith::CmpFPredicate::OGE, size, f.real(2147483648.0)),
          f.compare(arith::CmpFPredicate::OLT, size, f.real(std::numeric_limits<double>::infinity())));
      angle = {f.select(isLarge, large.quarters, small.quarters), f.select(isLarge, large.rest, small.rest)};
    } else {
      angle = reduce(f, x);
    }
    Value result = sine(f, angle, std::is_same_v<Op, math::CosOp>);
    if (isNarrow)
      result = arith::TruncFOp::create(b, b.getF32Type(), result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

//===-- powers ----------------------------------------------------------------------------------------------------===//

/// log2 of a positive normal number: its exponent, and 2 atanh((m - 1) / (m + 1)) of its mantissa in [1/sqrt 2, sqrt
/// 2).
Value logarithm(Wide &f, Value x) {
  constexpr int64_t half = 0x3fe6a09e667f3bcd; // the bits of 1/sqrt 2
  Value above = arith::SubIOp::create(f.b, f.bits(x), f.integer(half));
  Value exponent = arith::ShRSIOp::create(f.b, above, f.integer(52));
  Value mantissa =
      f.number(arith::SubIOp::create(f.b, f.bits(x), arith::ShLIOp::create(f.b, exponent, f.integer(52)).getResult()));
  Value s = f.div(f.sub(mantissa, f.real(1.0)), f.add(mantissa, f.real(1.0)));
  Value series = f.polynomial(f.mul(s, s), {2.0, 2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15});
  Value fraction = f.mul(f.mul(s, series), f.real(1.4426950408889634074));
  return f.add(arith::SIToFPOp::create(f.b, f.b.getF64Type(), exponent), fraction);
}

/// 2^x where that is a number that an f32 can come near.
Value powerOfTwo(Wide &f, Value x) {
  auto clamp = [&](double bound, arith::CmpFPredicate predicate) {
    x = f.select(f.compare(predicate, x, f.real(bound)), f.real(bound), x);
  };
  clamp(-200.0, arith::CmpFPredicate::OLT);
  clamp(200.0, arith::CmpFPredicate::OGT);
  Value shifted = f.add(x, f.real(roundingShift));
  Value r = f.mul(f.sub(x, f.sub(shifted, f.real(roundingShift))), f.real(0.69314718055994530942));
  Value power = f.polynomial(r, {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                                 1.0 / 362880, 1.0 / 3628800});
  Value exponent = arith::ShLIOp::create(f.b, f.bits(shifted), f.integer(52)); // all but the integer falls out
  return f.number(arith::AddIOp::create(f.b, f.bits(power), exponent));
}

/// pow of C, its special cases included.
struct ExpandPower : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op, PatternRewriter &rewriter) const override {
    using P = arith::CmpFPredicate;
    if (!op.getType().isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Wide f(b);
    Value x = arith::ExtFOp::create(b, b.getF64Type(), op.getLhs());
    Value y = arith::ExtFOp::create(b, b.getF64Type(), op.getRhs());
    Value zero = f.real(0.0), one = f.real(1.0), infinity = f.real(std::numeric_limits<double>::infinity());
    auto either = [&](Value p, Value q) -> Value { return arith::OrIOp::create(b, p, q); };
    auto both = [&](Value p, Value q) -> Value { return arith::AndIOp::create(b, p, q); };
    Value size = math::AbsFOp::create(b, x), sizeOfY = math::AbsFOp::create(b, y);
    Value isZero = f.compare(P::OEQ, size, zero), isInfinite = f.compare(P::OEQ, size, infinity);

    // Where |x| is a number: 0 times an infinity does not occur, as 1^y is 1 below.
    Value ordinary = f.select(either(isZero, isInfinite), one, size);
    Value result = powerOfTwo(f, f.mul(y, logarithm(f, ordinary)));
    Value grows = f.compare(P::OGT, y, zero); // |x| infinite: with y; zero: with -y
    Value ofInfinite = f.select(grows, infinity, zero), ofZero = f.select(grows, zero, infinity);
    result = f.select(isInfinite, ofInfinite, f.select(isZero, ofZero, result));

    // Whole numbers: 2^53 and more are even.
    Value small = f.compare(P::OLT, sizeOfY, f.real(4503599627370496.0));
    Value shifted = f.add(y, f.real(roundingShift));
    Value isWhole = either(arith::XOrIOp::create(b, small, arith::ConstantIntOp::create(b, true, 1)),
                           f.compare(P::OEQ, f.sub(shifted, f.real(roundingShift)), y));
    Value isOdd = both(both(small, isWhole), f.isSet(f.bits(shifted), 1));
    Value signBit = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, f.bits(x), f.integer(0));
    result = f.negate(both(signBit, isOdd), result);
    Value below = both(f.compare(P::OLT, x, zero), f.compare(P::OLT, size, infinity));
    Value isNothing = either(both(below, arith::XOrIOp::create(b, isWhole, arith::ConstantIntOp::create(b, true, 1))),
                             either(f.compare(P::UNO, x, x), f.compare(P::UNO, y, y)));
    result = f.select(isNothing, f.real(std::numeric_limits<double>::quiet_NaN()), result);
    Value isOne = either(f.compare(P::OEQ, y, zero), f.compare(P::OEQ, x, one));
    isOne = either(isOne, both(f.compare(P::OEQ, x, f.real(-1.0)), f.compare(P::OEQ, sizeOfY, infinity)));
    result = f.select(isOne, one, result);
    rewriter.replaceOp(op, arith::TruncFOp::create(b, b.getF32Type(), result).getResult());
    return success();
  }
};

struct ExpandGpuMath : impl::ExpandGpuMathPassBase<ExpandGpuMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandSine<math::SinOp>, ExpandSine<math::CosOp>, ExpandPower>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace weft
