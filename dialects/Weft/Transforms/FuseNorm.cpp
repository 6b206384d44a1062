//===- FuseNorm.cpp - a norm's scale in the weights that follow ---------------------------------------------------===//
// Answers: which norms need not multiply by their scale, because the next weights can be multiplied when compiling?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/PackedLinearBuilder.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_FUSENORMPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

/// Whether the use is the input of a matmul whose weights can still take a scale, or asks only for a size.
bool canTakeScale(OpOperand &use) {
  if (isa<tensor::DimOp>(use.getOwner()))
    return true;
  auto linear = dyn_cast<PackedLinearOp>(use.getOwner());
  if (!linear || use.getOperandNumber() != linear.getInputMutable().getOperandNumber())
    return false;
  auto packed = linear.getPacked().getDefiningOp<PackOp>();
  return packed && !packed.getScale();
}

struct FuseNorm : OpRewritePattern<RmsNormOp> {
  FuseNorm(MLIRContext *context, Pass::Statistic &numFused) : OpRewritePattern(context), numFused(numFused) {}

  LogicalResult matchAndRewrite(RmsNormOp norm, PatternRewriter &rewriter) const override {
    if (!norm.getResult() || !norm.getScale())
      return rewriter.notifyMatchFailure(norm, "it has no scale, or is on buffers");
    auto scale = norm.getScale().getDefiningOp<WeightOp>();
    if (!scale)
      return rewriter.notifyMatchFailure(norm, "its scale is computed");
    if (!llvm::all_of(norm.getResult().getUses(), canTakeScale))
      return rewriter.notifyMatchFailure(norm, "a user is no packed_linear, or one whose weights have a scale");

    for (Operation *user : norm.getResult().getUsers()) {
      auto linear = dyn_cast<PackedLinearOp>(user);
      if (!linear)
        continue;
      // Packed anew, for another matmul may read the same weights without this scale: a tied embedding.
      auto packed = linear.getPacked().getDefiningOp<PackOp>();
      rewriter.setInsertionPoint(linear);
      Value scaled = packWeights(rewriter, packed.getLoc(), packed.getWeights(), scale, packed.getPanel(),
                                 packed.getParts(), packed.getInOut());
      rewriter.modifyOpInPlace(linear, [&] { linear.getPackedMutable().assign(scaled); });
    }
    rewriter.modifyOpInPlace(norm, [&] { norm.getScaleMutable().clear(); });
    ++numFused;
    return success();
  }

  Pass::Statistic &numFused;
};

struct FuseNormPass : impl::FuseNormPassBase<FuseNormPass> {
  using FuseNormPassBase::FuseNormPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseNorm>(&getContext(), numFused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("norms were still being fused after the allowed number of rounds");
      signalPassFailure();
    }
  }
};

} // namespace
} // namespace weft
