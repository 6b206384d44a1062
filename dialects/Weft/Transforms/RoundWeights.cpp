//===- RoundWeights.cpp - the type that weights are stored in -----------------------------------------------------===//
// Answers: which weights are rounded, and what does a matmul need beside them then?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/WeftOps.h"
#include "dialects/Weft/Transforms/Passes.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_ROUNDWEIGHTSPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

constexpr int64_t depthLimit = 1 << 17; // x 127 x 127 < 2^31

/// The same weights, packed in another type.
PackOp packAs(OpBuilder &b, PackOp op, WeightType type) {
  ArrayRef<int64_t> shape = cast<ShapedType>(op.getResult().getType()).getShape();
  int64_t panels = shape[0], panel = shape[2], groups = groupsOf(type, op.getDepth());
  auto packed =
      RankedTensorType::get(packedShape(type, panels, op.getDepth(), panel), elementType(b.getContext(), type));
  Type scales;
  if (groups)
    scales = RankedTensorType::get({panels, groups, panel}, scaleType(b.getContext(), type));
  return PackOp::create(b, op.getLoc(), packed, scales, op.getWeights(), op.getScale(), op.getPanel(), op.getParts(),
                        op.getInOut());
}

/// The input, in a type that tells how many numbers a row has: words of weights do not.
Value withDepth(OpBuilder &b, PackedLinearOp op, int64_t depth) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  if (!type.isDynamicDim(type.getRank() - 1))
    return op.getInput();
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = depth;
  return tensor::CastOp::create(b, op.getLoc(), type.clone(shape), op.getInput());
}

struct RoundWeightsPass : impl::RoundWeightsPassBase<RoundWeightsPass> {
  using RoundWeightsPassBase::RoundWeightsPassBase;

  void runOnOperation() override {
    if (activations && type != WeightType::Int8) {
      getOperation().emitError("activations become int8 for weights of int8, but these are ") << name(type);
      return signalPassFailure();
    }
    if (type == WeightType::F32)
      return;
    SmallVector<PackOp> packs;
    SmallVector<LookupOp> lookups;
    getOperation().walk([&](Operation *op) {
      if (auto pack = dyn_cast<PackOp>(op))
        packs.push_back(pack);
      else if (auto lookup = dyn_cast<LookupOp>(op))
        lookups.push_back(lookup);
    });
    for (PackOp pack : packs)
      if (activations && pack.getDepth() >= depthLimit) {
        pack.emitError("this product has ")
            << pack.getDepth() << " inputs, but only fewer than " << depthLimit
            << " products of int8 are certain to sum up to 32 bits; use weights of int8 "
               "without activations of int8";
        return signalPassFailure();
      }
    for (PackOp pack : packs)
      round(pack);
    for (LookupOp lookup : lookups)
      round(lookup);
    if (type == WeightType::F16)
      getOperation().walk([&](AttentionOp op) { op.setRoundsToF16(true); });
  }

  void round(PackOp op) {
    OpBuilder b(op);
    PackOp rounded = packAs(b, op, type);
    for (OpOperand &use : llvm::make_early_inc_range(op.getResult().getUses())) {
      auto linear = cast<PackedLinearOp>(use.getOwner());
      b.setInsertionPoint(linear);
      linear.getInputMutable().assign(withDepth(b, linear, op.getDepth()));
      linear.getPackedMutable().assign(rounded.getResult());
      if (rounded.getScales())
        linear.getScalesMutable().assign(rounded.getScales());
      if (activations)
        linear.setActivationsAttr(TypeAttr::get(b.getI8Type()));
    }
    op.erase();
    ++numRounded;
  }

  /// Rows of a table are copied, not summed: there is no column that could share a scale, so integers gain nothing but
  /// memory, and bf16 serves all but f16.
  void round(LookupOp op) {
    auto table = op.getTable().getDefiningOp<WeightOp>();
    if (!table || !table.getType().getElementType().isF32())
      return;
    OpBuilder b(table);
    Type element = elementType(&getContext(), type == WeightType::F16 ? WeightType::F16 : WeightType::BF16);
    Value rounded = WeightOp::create(b, table.getLoc(), table.getType().clone(element), table.getName());
    op.getTableMutable().assign(rounded);
    ++numRounded;
  }
};

} // namespace
} // namespace weft
