//===- PackWeights.cpp - give every linear its weights in panels --------------------------------------------------===//
// Answers: how does a matmul as written become one with the layout of weights that kernels read?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/PackedLinearBuilder.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

struct PackLinear : OpRewritePattern<LinearOp> {
  PackLinear(MLIRContext *context, int64_t panel, Pass::Statistic &numPacked)
      : OpRewritePattern(context), panel(panel), numPacked(numPacked) {}

  LogicalResult matchAndRewrite(LinearOp linear, PatternRewriter &rewriter) const override {
    auto result = dyn_cast_or_null<RankedTensorType>(linear.getResult() ? linear.getResult().getType() : Type());
    if (!result)
      return rewriter.notifyMatchFailure(linear, "it is on buffers");
    if (!linear.getWeight().getDefiningOp<WeightOp>())
      return rewriter.notifyMatchFailure(linear, "its weight is computed");

    Location loc = linear.getLoc();
    Value packed = packWeights(rewriter, loc, linear.getWeight(), /*scale=*/{}, panel, /*parts=*/1, linear.getInOut());
    PackedLinearBuilder builder(result, /*parts=*/1);
    Value sum = builder.addBias(loc, builder.accumulator(0), linear.getBias());
    rewriter.replaceOp(linear, builder.finish(rewriter, loc, linear.getInput(), packed, sum));
    ++numPacked;
    return success();
  }

  int64_t panel;
  Pass::Statistic &numPacked;
};

struct PackWeightsPass : impl::PackWeightsPassBase<PackWeightsPass> {
  using PackWeightsPassBase::PackWeightsPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<PackLinear>(&getContext(), panel, numPacked);
    walkAndApplyPatterns(getOperation(), std::move(patterns));

    getOperation().walk([&](LinearOp linear) {
      linear.emitOpError("needs a 'weft.weight' to pack, but its weight is computed")
              .attachNote(linear.getWeight().getLoc())
          << "computed here";
      signalPassFailure();
    });
  }
};

} // namespace
} // namespace weft
