//===- FuseAttention.cpp - attention found, not only declared -----------------------------------------------------===//
// Answers: which sums over keys are attention that is written out, and what is said of those that nearly are?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/AttentionBuilder.h"
#include "dialects/Weft/Transforms/Passes.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_FUSEATTENTIONPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

struct FuseAttentionPass : impl::FuseAttentionPassBase<FuseAttentionPass> {
  using FuseAttentionPassBase::FuseAttentionPassBase;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> sums;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.getNumReductionLoops())
        sums.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp sum : sums) {
      Refusal refusal;
      if (auto attention = WrittenAttention::match(sum, refusal)) {
        Value result = buildAttention(rewriter, *attention);
        sum.emitRemark("this sum with its softmax is one attention, which never holds the matrix of scores")
            << (attention->mayBeNaN ? "; a query that sees no key is NaN" : "");
        // What divided the sum finds it divided.
        if (arith::DivFOp division = attention->division)
          rewriter.replaceOp(division, division.getLhs());
        attention.reset(); // its formulas use what is replaced
        rewriter.replaceOp(sum, result);
        ++numFused;
      } else if (!refusal.reason.empty()) {
        auto remark = sum.emitRemark("this sum stays apart from its softmax: ") << refusal.reason;
        if (refusal.culprit)
          remark.attachNote(refusal.culprit->getLoc()) << "here";
        ++numRefused;
      }
    }
  }
};

} // namespace
} // namespace weft
