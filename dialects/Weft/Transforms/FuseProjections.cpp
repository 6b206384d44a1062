//===- FuseProjections.cpp - projections of one input as one matmul -----------------------------------------------===//
// Answers: which linears read the same rows at the same time, and how do their users find their columns afterwards?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/PackedLinearBuilder.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_FUSEPROJECTIONSPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

using Group = SmallVector<LinearOp, 3>;

bool isWeight(Value value) { return value.getDefiningOp<WeightOp>() != nullptr; }

bool canMerge(LinearOp linear) {
  return linear.getResult() && isWeight(linear.getWeight()) && (!linear.getBias() || isWeight(linear.getBias()));
}

/// Groups of at least two linears, in the order of their first members. An attention ends all groups.
SmallVector<Group> findGroups(Block &block) {
  enum { InOut = 1, Biased = 2 };
  llvm::MapVector<std::pair<Value, unsigned>, Group> open;
  SmallVector<Group> groups;
  auto close = [&] {
    for (auto &[key, group] : open)
      if (group.size() > 1)
        groups.push_back(group);
    open.clear();
  };
  for (Operation &op : block) {
    if (isa<AttentionOp>(op))
      close();
    auto linear = dyn_cast<LinearOp>(op);
    if (linear && canMerge(linear))
      open[{linear.getInput(), (linear.getInOut() ? InOut : 0) | (linear.getBias() ? Biased : 0)}].push_back(linear);
  }
  close();
  return groups;
}

/// Weights have no operands: they may move up to where the first linear of the group needs them.
Value availableAt(Value weight, Operation *place) {
  Operation *op = weight.getDefiningOp();
  if (op->getBlock() == place->getBlock() && place->isBeforeInBlock(op))
    op->moveBefore(place);
  return weight;
}

RankedTensorType resultType(LinearOp linear) { return cast<RankedTensorType>(linear.getResult().getType()); }

/// Columns [first, first + N) of the product, as the linear had them. `sizes` are those of the product.
Value sliceColumns(OpBuilder &b, LinearOp linear, Value product, ArrayRef<OpFoldResult> sizes, int64_t first) {
  RankedTensorType type = resultType(linear);
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)), ones(type.getRank(), b.getIndexAttr(1));
  offsets.back() = b.getIndexAttr(first);
  SmallVector<OpFoldResult> own(sizes);
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(size))
      own[dim] = b.getIndexAttr(size);
  return tensor::ExtractSliceOp::create(b, linear.getLoc(), type, product, offsets, own, ones);
}

void merge(IRRewriter &rewriter, Group &group, int64_t panel) {
  LinearOp first = group.front();
  Location loc = first.getLoc();
  rewriter.setInsertionPoint(first);
  SmallVector<Value> weights, biases;
  SmallVector<int64_t> shape(resultType(first).getShape());
  shape.back() = 0;
  for (LinearOp linear : group) {
    weights.push_back(availableAt(linear.getWeight(), first));
    if (linear.getBias())
      biases.push_back(availableAt(linear.getBias(), first));
    shape.back() += resultType(linear).getShape().back();
  }
  Value bias;
  if (!biases.empty())
    bias = tensor::ConcatOp::create(rewriter, loc, /*dim=*/0, biases);
  Value packed = packWeights(rewriter, loc, weights, /*scale=*/{}, panel, /*parts=*/1, first.getInOut());
  PackedLinearBuilder builder(resultType(first).clone(shape), /*parts=*/1);
  Value sum = builder.addBias(loc, builder.accumulator(0), bias);
  PackedLinearOp product = builder.finish(rewriter, loc, first.getInput(), packed, sum);

  // The input has the same sizes, and they are known before the product is.
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, loc, first.getInput());
  SmallVector<Value> slices;
  int64_t column = 0;
  for (LinearOp linear : group) {
    slices.push_back(sliceColumns(rewriter, linear, product.getResult(), sizes, column));
    column += resultType(linear).getShape().back();
  }
  for (auto [linear, slice] : llvm::zip_equal(group, slices))
    rewriter.replaceOp(linear, slice);
}

struct FuseProjectionsPass : impl::FuseProjectionsPassBase<FuseProjectionsPass> {
  using FuseProjectionsPassBase::FuseProjectionsPassBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<Group> groups;
    getOperation().walk([&](Block *block) { llvm::append_range(groups, findGroups(*block)); });
    for (Group &group : groups) {
      merge(rewriter, group, panel);
      numFused += group.size();
    }
  }
};

} // namespace
} // namespace weft
