//===- LowerReshapes.cpp - buffers seen with more dimensions ------------------------------------------------------===//
// Answers: which view is one dimension seen as several, when more than one of their sizes is known only when running?
// Upstream's expansion of strided metadata answers it for one such size; with two it ends the program.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_LOWERRESHAPESPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

struct LowerExpandShape : OpRewritePattern<memref::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(memref::ExpandShapeOp op, PatternRewriter &rewriter) const override {
    MemRefType type = op.getResultType();
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    auto isUnclear = [&](const ReassociationIndices &group) {
      return llvm::count_if(group, [&](int64_t dim) { return type.isDynamicDim(dim); }) > 1;
    };
    if (llvm::none_of(groups, isUnclear))
      return rewriter.notifyMatchFailure(op, "upstream lowers it");

    Location loc = op.getLoc();
    auto number = [&](OpFoldResult value) { return getValueOrCreateConstantIndexOp(rewriter, loc, value); };
    auto [known, offset] = type.getStridesAndOffset();
    auto metadata = memref::ExtractStridedMetadataOp::create(rewriter, loc, op.getSrc());
    SmallVector<OpFoldResult> sizes = op.getMixedOutputShape(), strides(sizes.size());
    for (auto [group, inner] : llvm::zip_equal(groups, metadata.getConstifiedMixedStrides())) {
      OpFoldResult stride = inner;
      for (int64_t dim : llvm::reverse(group)) {
        strides[dim] = ShapedType::isDynamic(known[dim]) ? stride : rewriter.getIndexAttr(known[dim]);
        if (dim != group.front())
          stride = rewriter.createOrFold<arith::MulIOp>(loc, number(stride), number(sizes[dim]));
      }
    }
    OpFoldResult start = ShapedType::isDynamic(offset) ? metadata.getConstifiedMixedOffset()
                                                       : OpFoldResult(rewriter.getIndexAttr(offset));
    rewriter.replaceOpWithNewOp<memref::ReinterpretCastOp>(op, type, metadata.getBaseBuffer(), start, sizes, strides);
    return success();
  }
};

struct LowerReshapes : impl::LowerReshapesPassBase<LowerReshapes> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerExpandShape>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace weft
