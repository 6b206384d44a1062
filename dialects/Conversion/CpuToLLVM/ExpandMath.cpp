//===- ExpandMath.cpp - pass weft-expand-math --------------------------------------------------------------------===//
// Answers: which machine operations compute f32 exp, tanh, erf and the rest, on scalars and vectors?
//
// exp, exp2, tanh and erf are ours: attention, its soft caps, softmax and GELU spend much of their time there.
// Upstream's approximations serve where they are within a few ULP over the whole range; what is left goes to libm, one
// lane after the other.
//
// What counts are operations of the units that multiply, for there attention is busy already. With AVX-512, tables of
// 16 numbers and products with powers of two are the work of others.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

//===-- exp and exp2 ----------------------------------------------------------------------------------------------===//

/// Arithmetic on f32 or on vectors of it, by value.
class Formula {
public:
  Formula(OpBuilder &b, Location loc, Type type) : b(b), loc(loc), type(type) {}

  bool fillsRegister() const { return type == VectorType::get(16, b.getF32Type()); } ///< one of AVX-512

  Type integers() const {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(b.getI32Type())) : b.getI32Type();
  }
  Value real(float value) { return constant(type, b.getF32FloatAttr(value)); }
  Value integer(int32_t value) { return constant(integers(), b.getI32IntegerAttr(value)); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, loc, x, y, z); }
  Value bits(Value x) { return arith::BitcastOp::create(b, loc, integers(), x); }
  Value number(Value bits) { return arith::BitcastOp::create(b, loc, type, bits); }
  template <typename Op> Value apply(Value x, Value y) { return Op::create(b, loc, x, y); }

  /// `x` between two bounds; NaN stays NaN, as both comparisons are false for it.
  Value clamp(Value x, float low, float high) {
    x = atLeast(x, low);
    Value above = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, real(high), x);
    return arith::SelectOp::create(b, loc, above, real(high), x);
  }
  Value atLeast(Value x, float low) {
    Value below = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, real(low), x);
    return arith::SelectOp::create(b, loc, below, real(low), x);
  }
  /// c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule.
  Value polynomial(Value x, ArrayRef<float> c) {
    Value sum = real(c.back());
    for (float coefficient : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, real(coefficient));
    return sum;
  }

  /// With AVX-512, of a whole register. In each lane the number of the table that the low 4 bits of `index` name.
  Value lookUp(ArrayRef<float> table, Value index) {
    Value numbers = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(cast<ShapedType>(type), table));
    return instruction("permvar.sf.512", {numbers, index});
  }
  /// The same. x * 2^floor(n), rounded once: 0 for n of -inf, even where x is NaN.
  Value scale(Value x, Value n) {
    Value allLanes = arith::ConstantIntOp::create(b, loc, -1, 16);
    Value currentRounding = arith::ConstantIntOp::create(b, loc, 4, 32);
    return instruction("mask.scalef.ps.512", {x, n, x, allLanes, currentRounding});
  }

private:
  Value instruction(StringRef name, ArrayRef<Value> operands) {
    StringAttr intrinsic = b.getStringAttr("llvm.x86.avx512." + name);
    return LLVM::CallIntrinsicOp::create(b, loc, type, intrinsic, operands).getResult(0);
  }
  Value constant(Type type, TypedAttr element) {
    if (auto vector = dyn_cast<VectorType>(type))
      element = DenseElementsAttr::get(vector, ArrayRef<Attribute>(element));
    return arith::ConstantOp::create(b, loc, element);
  }

  OpBuilder &b;
  Location loc;
  Type type;
};

// 1.5 * 2^23: a sum with it has no bits left for a fraction, so the addition rounds to an integer, which then stands
// in the low bits. Unlike a conversion this is defined for NaN.
constexpr float roundingShift = 12582912.0f;

/// power * 2^n, where `shifted` is roundingShift + n. Two factors, because 2^n itself need not be a number when the
/// product is: n is 128 for the largest results.
Value scaleByPowerOfTwo(Formula &f, Value power, Value shifted) {
  constexpr int32_t shiftBits = 0x4B400000, bias = 127, mantissa = 23;
  // n + 2 * bias, halved: the biased exponents of two factors.
  Value both = f.apply<arith::SubIOp>(f.bits(shifted), f.integer(shiftBits - 2 * bias));
  Value first = f.apply<arith::ShRSIOp>(both, f.integer(1));
  Value second = f.apply<arith::SubIOp>(both, first);
  for (Value exponent : {first, second})
    power = f.apply<arith::MulFOp>(power, f.number(f.apply<arith::ShLIOp>(exponent, f.integer(mantissa))));
  return power;
}

/// 2^x for -126.5 <= x < 127.5, and 0 below: one factor is enough, and its bits come out of the sum that rounds. NaN
/// stays NaN, because every power is one.
Value smallPowerOfTwo(Formula &f, Value x, llvm::function_ref<Value(Value)> power) {
  constexpr float shift = roundingShift + 127.0f; // the low bits are those of n + bias
  x = f.atLeast(x, -127.0f);                      // where the biased exponent is 0, and the factor is, too
  Value shifted = f.apply<arith::AddFOp>(x, f.real(shift));
  Value r = f.apply<arith::SubFOp>(x, f.apply<arith::SubFOp>(shifted, f.real(shift))); // exact
  Value factor = f.number(f.apply<arith::ShLIOp>(f.bits(shifted), f.integer(23)));
  return f.apply<arith::MulFOp>(power(r), factor);
}

/// 2^x for x up to 126, with AVX-512: x = n + r with n a whole number of sixteenths, and 2^n = 2^floor(n) 2^(the rest),
/// which a table of 16 has. Half of the products of the polynomial above remain, and nothing needs to be clamped: -inf
/// less itself makes r NaN, which does not matter beside a factor 2^-inf; and for any other x, however far from what
/// has sixteenths, r and its polynomial are finite.
Value tabulatedPowerOfTwo(Formula &f, Value x) {
  constexpr float shift = roundingShift / 16;
  float roots[16];
  for (auto [i, root] : llvm::enumerate(roots))
    root = std::exp2(i / 16.0);
  Value shifted = f.apply<arith::AddFOp>(x, f.real(shift));
  Value n = f.apply<arith::SubFOp>(shifted, f.real(shift));
  Value r = f.apply<arith::SubFOp>(x, n);
  Value root = f.lookUp(roots, f.bits(shifted));
  // Minimax on [-1/32, 1/32] for the relative error of 1 + r P(r), 1.2e-9.
  Value power = f.polynomial(r, {0.693147182f, 0.240226507f, 0.0555041507f});
  return f.scale(f.fma(root, f.apply<arith::MulFOp>(r, power), root), n);
}

bool isF32(Type type) { return getElementTypeOrSelf(type).isF32(); }

/// exp(x) = 2^n exp(r) with n = round(x / ln 2), r = x - n ln 2. One product n ln 2 rounded to f32 would be wrong by
/// 2^-18 at x = -80; with ln 2 in two parts, the first of so few bits that its product is exact, r is exact to the last
/// bit (Cody and Waite) - also on a GPU whose fma rounds twice.
struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &b) const override {
    if (!isF32(op.getType()))
      return failure();
    Formula f(b, op.getLoc(), op.getType());
    // Results beyond these bounds are zero and infinite, and become so in the last product.
    Value x = f.clamp(op.getOperand(), -104.0f, 89.0f);
    Value shifted = f.fma(x, f.real(1.44269504f), f.real(roundingShift));
    Value n = f.apply<arith::SubFOp>(shifted, f.real(roundingShift));
    Value r = f.fma(n, f.real(-0.693359375f), x);
    r = f.fma(n, f.real(2.12194440e-4f), r);
    // Minimax on [-ln 2 / 2, ln 2 / 2], relative error 3.2e-9.
    Value power =
        f.polynomial(r, {1.0f, 1.0f, 0.49999994f, 0.166665211f, 0.0416682921f, 0.00836871564f, 0.00138186978f});
    b.replaceOp(op, scaleByPowerOfTwo(f, power, shifted));
    return success();
  }
};

/// With `afn` arguments are at most 126 and results below the smallest normal number may be 0: half the operations.
struct ExpandExp2 : OpRewritePattern<math::Exp2Op> {
  ExpandExp2(MLIRContext *context, PatternBenefit benefit, bool avx512)
      : OpRewritePattern(context, benefit), avx512(avx512) {}

  LogicalResult matchAndRewrite(math::Exp2Op op, PatternRewriter &b) const override {
    if (!isF32(op.getType()))
      return failure();
    Formula f(b, op.getLoc(), op.getType());
    // Minimax on [-1/2, 1/2], relative error 3.0e-9.
    auto power = [&](Value r) {
      return f.polynomial(
          r, {1.0f, 0.693147182f, 0.240226477f, 0.0555035956f, 0.00961850584f, 0.00133910251f, 0.000153267902f});
    };
    if (arith::bitEnumContainsAny(op.getFastmath(), arith::FastMathFlags::afn)) {
      b.replaceOp(op, avx512 && f.fillsRegister() ? tabulatedPowerOfTwo(f, op.getOperand())
                                                  : smallPowerOfTwo(f, op.getOperand(), power));
      return success();
    }
    Value x = f.clamp(op.getOperand(), -151.0f, 129.0f);
    Value shifted = f.apply<arith::AddFOp>(x, f.real(roundingShift));
    Value r = f.apply<arith::SubFOp>(x, f.apply<arith::SubFOp>(shifted, f.real(roundingShift))); // exact
    b.replaceOp(op, scaleByPowerOfTwo(f, power(r), shifted));
    return success();
  }

private:
  bool avx512;
};

//===-- tanh ------------------------------------------------------------------------------------------------------===//

/// tanh(x) = x P(x^2) / Q(x^2), minimax for the relative error (2e-8, before coefficients and steps are rounded) up to
/// where the result rounds to 1. Near 0 it is x, so that small arguments need no case of their own.
///
/// They have one nonetheless: where all lanes are at most 0.35, x P(x^2) of half the degree is as accurate (4e-8), and
/// takes 5 operations instead of 10, a clamp and a division. So is what soft caps see of most scores. Vectors of a tile
/// share a branch. And a constant factor of the argument, such as a cap's 1 / cap, goes into the coefficients.
struct ExpandTanh : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::TanhOp op, PatternRewriter &b) const override {
    if (!isF32(op.getType()))
      return failure();
    auto [x, factor] = splitFactor(op.getOperand());
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || type.getRank() != 1) {
      Formula f(b, op.getLoc(), op.getType());
      b.replaceOp(op, anywhere(f, x, factor));
      return success();
    }
    SmallVector<math::TanhOp> group = together(op);
    SmallVector<Value> arguments =
        llvm::map_to_vector(group, [](math::TanhOp op) { return splitFactor(op.getOperand()).first; });
    b.setInsertionPoint(group.front());
    for (auto [op, result] : llvm::zip(group, branch(b, op.getLoc(), arguments, factor)))
      b.replaceOp(op, result);
    return success();
  }

private:
  static constexpr size_t mostTogether = 8; // vectors: their squares as well have to be in registers

  /// Those in the block of `op`, of the same factor, that could as well be computed in the place of the first of them;
  /// it is the earliest for which that is true of `op`.
  static SmallVector<math::TanhOp> together(math::TanhOp op) {
    auto [argument, factor] = splitFactor(op.getOperand());
    SmallVector<math::TanhOp> group;
    for (auto tanh : op->getBlock()->getOps<math::TanhOp>()) {
      auto [x, itsFactor] = splitFactor(tanh.getOperand());
      if (tanh.getType() != op.getType() || itsFactor != factor)
        continue;
      if (group.empty() ? isBefore(argument, tanh) : isBefore(x, group.front()))
        group.push_back(tanh);
      if (group.size() == mostTogether)
        break;
    }
    return group;
  }

  static bool isBefore(Value value, Operation *op) {
    Operation *from = value.getDefiningOp();
    return !from || from->getBlock() != op->getBlock() || from->isBeforeInBlock(op);
  }

  /// Their results: the short way where all of them are small.
  static ValueRange branch(OpBuilder &b, Location loc, ValueRange arguments, double factor) {
    Formula f(b, loc, arguments[0].getType());
    Value limit = f.real(0.35 * 0.35 / (factor * factor)), areSmall;
    for (Value x : arguments) {
      Value square = f.apply<arith::MulFOp>(x, x);
      Value isSmall = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, square, limit);
      areSmall = areSmall ? arith::AndIOp::create(b, loc, areSmall, isSmall) : isSmall;
    }
    auto yield = [&](auto formula) {
      return [&, formula](OpBuilder &b, Location loc) {
        Formula f(b, loc, arguments[0].getType());
        scf::YieldOp::create(b, loc, llvm::map_to_vector(arguments, [&](Value x) { return formula(f, x, factor); }));
      };
    };
    areSmall = vector::ReductionOp::create(b, loc, vector::CombiningKind::AND, areSmall);
    return scf::IfOp::create(b, loc, areSmall, yield(nearZero), yield(anywhere)).getResults();
  }

  static Value nearZero(Formula &f, Value x, double factor) {
    Value square = f.apply<arith::MulFOp>(x, x);
    Value ratio = f.polynomial(square, scaled(factor, factor, {1.0, -0.33332663, 0.13299825, -0.0491485}));
    return f.apply<arith::MulFOp>(x, ratio);
  }

  static Value anywhere(Formula &f, Value x, double factor) {
    double bound = 9.4 / std::abs(factor); // where the ratio is above 1 by more than its steps can take from it
    x = f.clamp(x, -bound, bound);
    Value square = f.apply<arith::MulFOp>(x, x);
    Value above =
        f.polynomial(square, scaled(factor, factor, {1.0, 0.133826852, 0.00349741592, 2.06335517e-5, 1.33781741e-8}));
    Value below =
        f.polynomial(square, scaled(1.0, factor, {1.0, 0.467160076, 0.0258843042, 3.28838069e-4, 7.78837337e-7}));
    return f.clamp(f.apply<arith::DivFOp>(f.apply<arith::MulFOp>(x, above), below), -1.0f, 1.0f);
  }

  /// The coefficients, c[i] first factor^(2i), of what is a polynomial of (factor x)^2.
  static SmallVector<float> scaled(double first, double factor, ArrayRef<double> c) {
    SmallVector<float> result;
    for (double coefficient : c) {
      result.push_back(first * coefficient);
      first *= factor * factor;
    }
    return result;
  }

  /// x and c of x c, where the coefficients' powers of c are far from what f32 cannot hold.
  static std::pair<Value, double> splitFactor(Value value) {
    APFloat constant(0.0f);
    auto product = value.getDefiningOp<arith::MulFOp>();
    if (!product || !matchPattern(product.getRhs(), m_ConstantFloat(&constant)))
      return {value, 1.0};
    double factor = constant.convertToDouble();
    return std::abs(factor) > 1e-3 && std::abs(factor) < 1e3 ? std::pair(product.getLhs(), factor)
                                                             : std::pair(value, 1.0);
  }
};

//===-- erf -------------------------------------------------------------------------------------------------------===//

/// erf(x) = x G(x^2) up to where it rounds to 1: one polynomial, minimax for the relative error (2.3e-8), and so
/// neither a case of its own for small arguments nor a division. In powers of x^2 - 6.25 its terms are small wherever
/// those of x^2 itself would cancel each other. The exact GELU of a matmul's epilogue is this: what counts are
/// operations of the unit that multiplies, of which there are 17, and none of them compares. With AVX-512 there are 6,
/// for around each quarter G(|x|) has a polynomial of its own.
struct ExpandErf : OpRewritePattern<math::ErfOp> {
  ExpandErf(MLIRContext *context, PatternBenefit benefit, bool avx512)
      : OpRewritePattern(context, benefit), avx512(avx512) {}

  LogicalResult matchAndRewrite(math::ErfOp op, PatternRewriter &b) const override {
    if (!isF32(op.getType()))
      return failure();
    Formula f(b, op.getLoc(), op.getType());
    Value x = op.getOperand();
    b.replaceOp(op, f.clamp(avx512 && f.fillsRegister() ? tabulatedProduct(f, x) : product(f, x), -1.0f, 1.0f));
    return success();
  }

private:
  /// Within 3.5 ULP.
  static Value product(Formula &f, Value x) {
    x = f.clamp(x, -3.9f, 3.9f); // where the product is 1 or the next number
    Value square = f.apply<arith::SubFOp>(f.apply<arith::MulFOp>(x, x), f.real(6.25f));
    Value ratio = f.polynomial(square, {0.399837226f, -0.0318127163f, 0.00373037346f, -0.00046833948f, 5.83148649e-05f,
                                        -6.94514029e-06f, 7.75336787e-07f, -8.05975162e-08f, 7.86161003e-09f,
                                        -7.11155246e-10f, 5.62328829e-11f, -3.9975293e-12f, 3.34099285e-13f,
                                        -3.05164897e-14f, 1.83934729e-15f, -4.67969755e-17f});
    return f.apply<arith::MulFOp>(x, ratio);
  }

  /// Within 2.4 ULP.
  static Value tabulatedProduct(Formula &f, Value x) {
    // Coefficients of each power of the distance, in each interval; minimax for the relative error, 2.8e-9.
    static constexpr float table[6][16] = {
        {1.12837911f, 1.10530555f, 1.04099977f, 0.948207498f, 0.842700779f, 0.738320112f, 0.644070089f, 0.563812375f,
         0.497661144f, 0.44379434f, 0.399837226f, 0.363599777f, 0.333325982f, 0.307690978f, 0.28571406f, 0.266666651f},
        {0.0f, -0.181165725f, -0.32443434f, -0.407035261f, -0.427593291f, -0.40143919f, -0.350093216f, -0.292021364f,
         -0.238497078f, -0.194067568f, -0.159063578f, -0.132004902f, -0.111062236f, -0.0946651697f, -0.0816310495f,
         -0.0711108372f},
        {-0.376122713f, -0.335348725f, -0.229913875f, -0.100219384f, 0.0124834608f, 0.0846288353f, 0.114464976f,
         0.114094824f, 0.0985821262f, 0.0791103244f, 0.0614473224f, 0.0474155545f, 0.0368814878f, 0.029098535f,
         0.0233177412f, 0.0189619958f},
        {0.0f, 0.104719646f, 0.166897908f, 0.169339165f, 0.125882611f, 0.0663251206f, 0.0161922816f, -0.013677625f,
         -0.025179103f, -0.0255047008f, -0.0212389566f, -0.0162383094f, -0.0120308325f, -0.00889316201f,
         -0.00665013213f, -0.00505440822f},
        {0.112210274f, 0.0886063576f, 0.0323596634f, -0.0245322417f, -0.0562993474f, -0.0577499941f, -0.0404916294f,
         -0.0197513625f, -0.00473100273f, 0.00278752134f, 0.005016251f, 0.00471193483f, 0.00366321462f, 0.00265144557f,
         0.00188360806f, 0.00134624168f},
        {0.0f, -0.03567826f, -0.0497776084f, -0.0376190655f, -0.0124786831f, 0.00852589682f, 0.0169843305f,
         0.0149655137f, 0.00885794219f, 0.00348858652f, 0.000447172642f, -0.000704006059f, -0.000878170249f,
         -0.000717636955f, -0.000514189422f, -0.000353962125f}};
    constexpr float shift = roundingShift / 4, bound = 3.8749998f; // the last number of the last interval: 1
    x = f.clamp(x, -bound, bound);
    Value size = f.number(f.apply<arith::AndIOp>(f.bits(x), f.integer(0x7fffffff)));
    Value shifted = f.apply<arith::AddFOp>(size, f.real(shift)), interval = f.bits(shifted);
    Value distance = f.apply<arith::SubFOp>(size, f.apply<arith::SubFOp>(shifted, f.real(shift))); // exact
    Value ratio = f.lookUp(table[5], interval);
    for (int power = 4; power >= 0; --power)
      ratio = f.fma(ratio, distance, f.lookUp(table[power], interval));
    return f.apply<arith::MulFOp>(x, ratio);
  }

  bool avx512;
};

//===-- the others ------------------------------------------------------------------------------------------------===//

/// isinf and isnormal have no lowering upstream; as comparisons they vectorise.
template <typename Op> struct ExpandClass : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type type = op.getOperand().getType();
    const llvm::fltSemantics &semantics = cast<FloatType>(getElementTypeOrSelf(type)).getFloatSemantics();
    auto constant = [&](const APFloat &value) -> Value {
      TypedAttr element = b.getFloatAttr(getElementTypeOrSelf(type), value);
      if (auto vector = dyn_cast<VectorType>(type))
        element = DenseElementsAttr::get(vector, ArrayRef<Attribute>(element));
      return arith::ConstantOp::create(b, loc, element);
    };
    Value size = math::AbsFOp::create(b, loc, op.getOperand()), infinity = constant(APFloat::getInf(semantics));
    if (isa<math::IsInfOp>(op)) {
      b.replaceOpWithNewOp<arith::CmpFOp>(op, arith::CmpFPredicate::OEQ, size, infinity);
      return success();
    }
    Value smallest = constant(APFloat::getSmallestNormalized(semantics));
    Value isFinite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, size, infinity);
    Value isLarge = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, size, smallest);
    b.replaceOpWithNewOp<arith::AndIOp>(op, isFinite, isLarge);
    return success();
  }
};

/// Upstream's approximations that are good to a few ULP everywhere, small arguments included. Not sin and cos (absolute
/// error alone is bounded, and not for large arguments), atan (40 ULP) nor asin.
bool isApproximated(StringRef op) {
  return llvm::StringSwitch<bool>(op)
      .Cases({"math.erfc", "math.expm1", "math.log", "math.log1p", "math.log2"}, true)
      .Default(false);
}

/// What a machine does in one or a few instructions on vectors.
bool isNative(Operation *op) {
  return isa<math::AbsFOp, math::CeilOp, math::ClampFOp, math::CopySignOp, math::FloorOp, math::FmaOp,
             math::RoundEvenOp, math::RoundOp, math::RsqrtOp, math::SqrtOp, math::TruncOp>(op);
}

/// Whatever else there is on vectors of floating-point numbers becomes scalar, as libm is.
struct UnrollVectors : RewritePattern {
  UnrollVectors(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/0, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &b) const override {
    auto type = op->getNumResults() ? dyn_cast<VectorType>(op->getResult(0).getType()) : VectorType();
    if (!type || !isa<FloatType>(type.getElementType()) || !isa<math::MathDialect>(op->getDialect()) || isNative(op))
      return failure();
    Location loc = op->getLoc();
    SmallVector<Value> results(op->getNumResults(), arith::ConstantOp::create(b, loc, b.getZeroAttr(type)));
    SmallVector<Type> scalars(op->getNumResults(), type.getElementType());
    for (int64_t lane = 0; lane < type.getNumElements(); ++lane) {
      SmallVector<int64_t> position = delinearize(lane, computeStrides(type.getShape()));
      SmallVector<Value> operands;
      for (Value operand : op->getOperands())
        operands.push_back(
            isa<VectorType>(operand.getType()) ? Value(vector::ExtractOp::create(b, loc, operand, position)) : operand);
      Operation *scalar = b.create(loc, op->getName().getIdentifier(), operands, scalars, op->getAttrs());
      for (auto [result, value] : llvm::zip(results, scalar->getResults()))
        result = vector::InsertOp::create(b, loc, value, result, position);
    }
    b.replaceOp(op, results);
    return success();
  }
};

struct ExpandMath : impl::ExpandMathPassBase<ExpandMath> {
  using ExpandMathPassBase::ExpandMathPassBase;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<ExpandExp, ExpandTanh>(context, /*benefit=*/2);
    patterns.add<ExpandExp2, ExpandErf>(context, /*benefit=*/2, avx512);
    patterns.add<ExpandClass<math::IsInfOp>, ExpandClass<math::IsNormalOp>>(context);
    populateMathPolynomialApproximationPatterns(patterns, isApproximated);
    // Powers with a small constant exponent are products and roots.
    populateMathAlgebraicSimplificationPatterns(patterns);
    math::populateExpansionPatterns(patterns, {"clampf"}); // has no lowering of its own
    patterns.add<UnrollVectors>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace weft
