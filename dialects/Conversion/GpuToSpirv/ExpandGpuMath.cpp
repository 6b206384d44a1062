//===- ExpandGpuMath.cpp - pass weft-expand-gpu-math --------------------------------------------------------------===//
// Answers: what computes the functions that shaders lack, or have with an error that no one may rely on?
//
// Those of f32 are elsewhere and need no f64, which few GPUs have, and so are angles of positions, which the front end
// has in f64. Left are sin and cos of other f64: by range reduction and polynomials whose error is far below what an
// f32 shows.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/ExpandFunctions.h"
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

template <typename Op> struct ExpandWideSine : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF64())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Wide f(b);
    rewriter.replaceOp(op, sine(f, reduce(f, op.getOperand()), std::is_same_v<Op, math::CosOp>));
    return success();
  }
};

struct ExpandGpuMath : impl::ExpandGpuMathPassBase<ExpandGpuMath> {
  void runOnOperation() override {
    // Positions first: what they need no f64 for is then done without.
    RewritePatternSet narrow(&getContext()), wide(&getContext());
    populateAnglePatterns(narrow);
    populatePowerPatterns(narrow);
    wide.add<ExpandWideSine<math::SinOp>, ExpandWideSine<math::CosOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(narrow))) ||
        failed(applyPatternsGreedily(getOperation(), std::move(wide))))
      signalPassFailure();
  }
};

} // namespace
} // namespace weft
