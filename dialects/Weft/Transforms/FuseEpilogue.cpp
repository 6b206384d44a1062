//===- FuseEpilogue.cpp - elementwise consumers in a matmul's registers -------------------------------------------===//
// Answers: which elementwise ops need no loop of their own, because a matmul holds their operand already?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/PackedLinearBuilder.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_FUSEEPILOGUEPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

bool isOnlyUser(Operation *user, Value value) {
  return llvm::all_of(value.getUsers(), [&](Operation *other) { return other == user; });
}

struct FuseEpilogue : OpRewritePattern<linalg::GenericOp> {
  FuseEpilogue(MLIRContext *context, Pass::Statistic &numFused) : OpRewritePattern(context), numFused(numFused) {}

  LogicalResult matchAndRewrite(linalg::GenericOp formula, PatternRewriter &rewriter) const override {
    PackedLinearOp linear;
    for (Value operand : formula.getInputs()) {
      auto producer = operand.getDefiningOp<PackedLinearOp>();
      // Not into the body of a loop, which would repeat the matmul.
      if (producer && producer->getBlock() == formula->getBlock() && isOnlyUser(formula, operand)) {
        linear = producer;
        break;
      }
    }
    if (!linear)
      return rewriter.notifyMatchFailure(formula, "no operand is a packed_linear that is used here alone");
    Value product = linear.getResult();
    if (failed(fitsEpilogue(rewriter, formula, product)))
      return failure();

    // Made where the formula stands, for only there all of its operands are known.
    PackedLinearBuilder builder(cast<RankedTensorType>(product.getType()), linear.getParts());
    DenseMap<Value, Value> known;
    known[product] = builder.append(linear);
    Value value = builder.append(formula, known);
    rewriter.replaceOp(formula,
                       builder.finish(rewriter, linear.getLoc(), linear.getInput(), linear.getPacked(), value));
    rewriter.eraseOp(linear);
    ++numFused;
    return success();
  }

  Pass::Statistic &numFused;
};

/// A reshape between a matmul and the formula that alone uses it: the formula may move before the reshape.
bool hidesProduct(OpOperand *operand) {
  Operation *reshape = operand->get().getDefiningOp();
  auto formula = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!formula || formula.getNumParallelLoops() != formula.getNumLoops() ||
      !isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(reshape) || !isOnlyUser(formula, operand->get()))
    return false;
  Value source = reshape->getOperand(0);
  return source.getDefiningOp<PackedLinearOp>() && isOnlyUser(reshape, source);
}

struct FuseEpiloguePass : impl::FuseEpiloguePassBase<FuseEpiloguePass> {
  using FuseEpiloguePassBase::FuseEpiloguePassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseEpilogue>(&getContext(), numFused);
    linalg::populateFoldReshapeOpsByCollapsingPatterns(patterns, hidesProduct);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, hidesProduct);
    // A formula that has moved asks the reshape for sizes, which would look like another use of the product.
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("epilogues were still being fused after the allowed number of rounds");
      signalPassFailure();
    }
  }
};

} // namespace
} // namespace weft
