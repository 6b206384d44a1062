//===- ExpandPower.cpp - powers in integers and f32 ---------------------------------------------------------------===//
// Answers: how does a shader compute x to the power of y to the last digit, without f64?
//
// As 2^(y log2 |x|), which asks for more digits of the logarithm than f32 has: it is computed in 64-bit integers that
// stand for fractions, and so is the power of two, until the one rounding at the end. Qn: an integer of n bits after
// the point.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/ExpandFunctions.h"
#include "dialects/Conversion/GpuToSpirv/Fixed.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace weft {
namespace {

/// A number in a fixed point, of which `digits` are after the point, by its absolute value.
struct Signed {
  Value isNegative, size, digits;
};

uint64_t nearest(long double value) { return static_cast<uint64_t>(std::floor(value + 0.5L)); }

/// c[0] + c[1] x + ..., all in Q32 and not negative, where x is below 1/16.
Value series(Fixed &f, Value x, ArrayRef<uint64_t> c) {
  Value result = f.integer(c.back());
  for (uint64_t coefficient : llvm::reverse(c.drop_back()))
    result = f.sum(f.shr(f.product(result, x), 32), f.integer(coefficient));
  return result;
}

/// 2 atanh(s) / ln 2 in Q61, where s is in Q62 and below 0.18: 2 s / ln 2 (1 + s^2 / 3 + s^4 / 5 + ...).
Value logarithmOfRatio(Fixed &f, Value s) {
  Value short_ = f.shr(s, 30), square = f.shr(f.product(short_, short_), 32); // Q32
  SmallVector<uint64_t> coefficients;
  for (int k = 3; k <= 15; k += 2)
    coefficients.push_back(nearest(std::ldexp(1.0L / k, 32)));
  Value more = f.shr(f.product(series(f, square, coefficients), square), 32);
  Value sum = f.sum(s, f.shr(f.product(short_, more), 2));
  const auto factor = static_cast<uint64_t>(std::ldexp(2 / std::log(2.0L), 62));
  Value high = f.shr(sum, 31), low = f.both(sum, f.integer((uint64_t(1) << 31) - 1));
  Value highFactor = f.integer(factor >> 32), lowFactor = f.integer(factor & 0xffffffff);
  return f.sum(f.sum(f.product(high, highFactor), f.shr(f.product(low, highFactor), 31)),
               f.shr(f.product(high, lowFactor), 32));
}

/// log2 of the f32 with these bits, which is positive and finite: e + log2 m with m from 1/sqrt 2 to sqrt 2, and with
/// more digits where e is 0, since then there may be none before them.
Signed logarithm(Fixed &f, Value bits) {
  Value isSubnormal = f.isBelow(bits, hiddenBit);
  Value normal = f.select(isSubnormal, f.bits(f.rounded(bits)), bits); // an integer times 2^-149
  Value bias = f.select(isSubnormal, f.integer(127 + 149), f.integer(127));
  Value mantissa = f.either(f.both(normal, f.integer(mantissaBits)), f.integer(hiddenBit));
  Value isHalved = f.isSignedBelow(f.integer(11863283), mantissa); // sqrt 2 2^23
  Value exponent = f.difference(f.shr(normal, 23), bias);
  exponent = f.select(isHalved, f.sum(exponent, f.integer(1)), exponent);
  Value one = f.select(isHalved, f.integer(uint64_t(1) << 24), f.integer(uint64_t(1) << 23));

  // s = (m - 1) / (m + 1) in Q62, by long division.
  Value isBelowOne = f.isSignedBelow(mantissa, one);
  Value distance = f.negativeIf(isBelowOne, f.difference(mantissa, one)), sum = f.sum(mantissa, one);
  Value first = f.shl(distance, 31), high = f.quotient(first, sum);
  Value low = f.quotient(f.shl(f.difference(first, f.product(high, sum)), 31), sum);
  Value fraction = f.negativeIf(isBelowOne, logarithmOfRatio(f, f.sum(f.shl(high, 31), low)));

  Value isNear = f.isEqual(exponent, f.integer(0));
  Value whole = f.select(isNear, fraction, f.sum(f.shl(exponent, 54), f.signedShr(fraction, 7)));
  Value isNegative = f.isSignedBelow(whole, f.integer(0));
  return {isNegative, f.negativeIf(isNegative, whole), f.select(isNear, f.integer(61), f.integer(54))};
}

/// The product with an f32 in Q32, as an i64 with its sign; at most 200, of which 2^x is infinite.
Value productWith(Fixed &f, const Signed &logarithm, Value y) {
  Value word = f.bits(y), bits = f.both(word, f.integer(signBit - 1));
  // 40 bits of the one and 24 of the other fit. Where rounding makes the f32 a power of two, there is one bit less.
  Value length = f.difference(f.shr(f.bits(f.rounded(logarithm.size)), 23), f.integer(126));
  Value cut = f.difference(length, f.integer(40));
  cut = f.select(f.isSignedBelow(cut, f.integer(0)), f.integer(0), cut);
  Value mantissa = f.either(f.both(bits, f.integer(mantissaBits)), f.integer(hiddenBit));
  Value product = f.product(f.shr(logarithm.size, cut), mantissa);
  Value right = f.difference(f.sum(logarithm.digits, f.integer(150 - 32)), f.sum(cut, f.shr(bits, 23)));
  Value most = f.integer(uint64_t(200) << 32), zero = f.integer(0);
  Value isFar = f.isSignedBelow(right, f.integer(1)), isNone = f.isSignedBelow(f.integer(63), right);
  Value size = f.shr(product, f.select(f.either(isFar, isNone), zero, right));
  size = f.select(f.either(isFar, f.isSignedBelow(most, size)), most, size);
  size = f.select(f.either(isNone, f.isEqual(logarithm.size, zero)), zero, size);
  Value isNegative = arith::XOrIOp::create(f.b, logarithm.isNegative, f.isSet(word, signBit));
  return f.negativeIf(isNegative, size);
}

/// 2^x of a number in Q32, rounded to f32: the power of what is beyond an integer is in Q32, too.
Value powerOfTwo(Fixed &f, Value x) {
  Value exponent = f.signedShr(f.sum(x, f.integer(uint64_t(1) << 31)), 32);
  Value rest = f.difference(x, f.shl(exponent, 32));
  Value natural = f.signedShr(f.product(rest, f.integer(nearest(std::ldexp(std::log(2.0L), 31)))), 32); // Q31
  long double coefficient = std::ldexp(1.0L, 32);
  SmallVector<uint64_t> coefficients = {nearest(coefficient)};
  for (int k = 1; k <= 10; ++k)
    coefficients.push_back(nearest(coefficient /= k));
  Value power = f.integer(coefficients.back());
  for (uint64_t next : llvm::reverse(ArrayRef(coefficients).drop_back()))
    power = f.sum(f.signedShr(f.product(power, natural), 31), f.integer(next));
  // By two powers of two, since one may be beyond what an f32 can be where the result is not.
  Value scale = f.difference(exponent, f.integer(32)), half = f.signedShr(scale, 1);
  auto power2 = [&](Value integer) { return f.number(f.shl(f.sum(integer, f.integer(127)), 23)); };
  return f.times(f.times(f.rounded(power), power2(half)), power2(f.difference(scale, half)));
}

/// pow of C, its special cases included.
struct ExpandPower : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op, PatternRewriter &rewriter) const override {
    using P = arith::CmpFPredicate;
    if (!op.getType().isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Fixed f(b);
    Value x = op.getLhs(), y = op.getRhs(), word = f.bits(x), bits = f.both(word, f.integer(signBit - 1));
    Value bitsOfY = f.both(f.bits(y), f.integer(signBit - 1));
    Value zero = f.real(0), one = f.real(1), infinity = f.real(std::numeric_limits<float>::infinity());
    auto either = [&](Value p, Value q) -> Value { return arith::OrIOp::create(b, p, q); };
    auto both = [&](Value p, Value q) -> Value { return arith::AndIOp::create(b, p, q); };
    auto isNot = [&](Value p) -> Value {
      return arith::XOrIOp::create(b, p, arith::ConstantIntOp::create(b, true, 1));
    };
    auto isBits = [&](Value p, uint64_t q) { return f.isEqual(p, f.integer(q)); };
    constexpr uint64_t oneBits = 0x3f800000;
    Value isZero = isBits(bits, 0), isInfinite = isBits(bits, infinityBits),
          yIsInfinite = isBits(bitsOfY, infinityBits);

    // Where |x| is a number: 0 times an infinity does not occur, as 1^y is 1 below.
    Value isOrdinary = both(f.isBelow(bits, infinityBits), isNot(isZero));
    Signed base = logarithm(f, f.select(isOrdinary, bits, f.integer(oneBits)));
    Value result = powerOfTwo(f, productWith(f, base, y));
    Value grows = f.compare(P::OGT, y, zero); // |x| infinite: with y; zero: with -y
    Value ofInfinite = f.select(grows, infinity, zero), ofZero = f.select(grows, zero, infinity);
    result = f.select(isInfinite, ofInfinite, f.select(isZero, ofZero, result));

    // Whole numbers: 2^24 and more are even.
    Value isShort = f.isBelow(bitsOfY, 0x4b800000), i32Zero = arith::ConstantIntOp::create(b, b.getI32Type(), 0);
    Value whole = arith::FPToSIOp::create(b, b.getI32Type(), f.select(isShort, y, zero));
    Value isWhole = either(isNot(isShort), f.compare(P::OEQ, arith::SIToFPOp::create(b, b.getF32Type(), whole), y));
    Value lastBit = arith::AndIOp::create(b, whole, arith::ConstantIntOp::create(b, b.getI32Type(), 1));
    Value isOdd = both(both(isShort, isWhole), arith::CmpIOp::create(b, arith::CmpIPredicate::ne, lastBit, i32Zero));
    Value isNegative = f.isSet(word, signBit);
    result = f.opposite(both(isNegative, isOdd), result);
    Value isNothing = both(both(isNegative, isOrdinary), isNot(isWhole));
    isNothing = either(isNothing, either(f.compare(P::UNO, x, x), f.compare(P::UNO, y, y)));
    result = f.select(isNothing, f.real(std::numeric_limits<float>::quiet_NaN()), result);
    Value isOne = either(isBits(bitsOfY, 0), isBits(word, oneBits));
    isOne = either(isOne, both(isBits(word, oneBits | signBit), yIsInfinite));
    rewriter.replaceOp(op, f.select(isOne, one, result));
    return success();
  }
};

} // namespace

void populatePowerPatterns(RewritePatternSet &patterns) { patterns.add<ExpandPower>(patterns.getContext()); }

} // namespace weft
