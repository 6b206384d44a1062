//===- FuseGate.cpp - gate and up projections as one interleaved matmul -------------------------------------------===//
// Answers: which formulas of two projections can be computed while both of them are still in registers?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/PackedLinearBuilder.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_FUSEGATEPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

constexpr int64_t parts = 2;

/// The first two projections among the operands that read one input, lie in the checkpoint alike, and have no other
/// use.
std::optional<std::pair<LinearOp, LinearOp>> findPair(linalg::GenericOp formula) {
  SmallVector<LinearOp> linears;
  for (Value operand : formula.getInputs()) {
    auto linear = operand.getDefiningOp<LinearOp>();
    if (linear && linear->getBlock() == formula->getBlock() && linear.getWeight().getDefiningOp<WeightOp>() &&
        llvm::all_of(linear->getUsers(), [&](Operation *user) { return user == formula; }))
      linears.push_back(linear);
  }
  for (LinearOp gate : linears)
    for (LinearOp up : linears)
      if (gate != up && gate.getInput() == up.getInput() && gate.getInOut() == up.getInOut() &&
          gate.getWeight().getType() == up.getWeight().getType())
        return std::pair(gate, up);
  return std::nullopt;
}

struct FuseGate : OpRewritePattern<linalg::GenericOp> {
  FuseGate(MLIRContext *context, int64_t panel, Pass::Statistic &numFused)
      : OpRewritePattern(context), panel(panel), numFused(numFused) {}

  LogicalResult matchAndRewrite(linalg::GenericOp formula, PatternRewriter &rewriter) const override {
    auto pair = findPair(formula);
    if (!pair)
      return rewriter.notifyMatchFailure(formula, "no two operands are projections of one input and used here alone");
    auto [gate, up] = *pair;
    if (failed(fitsEpilogue(rewriter, formula, {gate.getResult(), up.getResult()})))
      return failure();
    if (panel % parts != 0)
      return rewriter.notifyMatchFailure(formula, "a panel with an odd number of columns cannot be shared");

    Value packed = packWeights(rewriter, gate.getLoc(), {gate.getWeight(), up.getWeight()}, /*scale=*/{}, panel, parts,
                               gate.getInOut());
    PackedLinearBuilder builder(cast<RankedTensorType>(formula.getResultTypes().front()), parts);
    DenseMap<Value, Value> known;
    known[gate.getResult()] = builder.addBias(gate.getLoc(), builder.accumulator(0), gate.getBias());
    known[up.getResult()] = builder.addBias(up.getLoc(), builder.accumulator(1), up.getBias());
    Value value = builder.append(formula, known);
    rewriter.replaceOp(formula, builder.finish(rewriter, gate.getLoc(), gate.getInput(), packed, value));
    ++numFused;
    return success();
  }

  int64_t panel;
  Pass::Statistic &numFused;
};

struct FuseGatePass : impl::FuseGatePassBase<FuseGatePass> {
  using FuseGatePassBase::FuseGatePassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseGate>(&getContext(), panel, numFused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("gates were still being fused after the allowed number of rounds");
      signalPassFailure();
    }
  }
};

} // namespace
} // namespace weft
