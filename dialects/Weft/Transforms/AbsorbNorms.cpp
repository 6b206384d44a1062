//===- AbsorbNorms.cpp - norms in the matmul that reads them ------------------------------------------------------===//
// Answers: which norms need no kernel of their own, because each matmul that reads them can compute them by the way?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/WeftOps.h"
#include "dialects/Weft/Transforms/Passes.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_ABSORBNORMSPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

struct AbsorbNormsPass : impl::AbsorbNormsPassBase<AbsorbNormsPass> {
  using AbsorbNormsPassBase::AbsorbNormsPassBase;

  /// Whether kernels for the weights compute in f32, which rows that are not normed yet fit into. f16 may be too
  /// narrow.
  bool staysWide(WeightType weights) {
    return weights == WeightType::F32 || weights == WeightType::BF16 || (weights == WeightType::F16 && !matrices);
  }

  /// Whether the use is the input of a matmul that can norm it, or asks only for a size.
  bool canNorm(OpOperand &use, Block *block) {
    if (isa<tensor::DimOp>(use.getOwner()))
      return true;
    auto linear = dyn_cast<PackedLinearOp>(use.getOwner());
    // Not in the body of a loop, which would norm the same rows in each round.
    return linear && linear->getBlock() == block &&
           use.getOperandNumber() == linear.getInputMutable().getOperandNumber() && !linear.getNormEps() &&
           staysWide(linear.getWeightType());
  }

  void runOnOperation() override {
    SmallVector<RmsNormOp> norms;
    getOperation().walk([&](RmsNormOp norm) {
      if (norm.getResult() && !norm.getResult().use_empty() &&
          llvm::all_of(norm.getResult().getUses(), [&](OpOperand &use) { return canNorm(use, norm->getBlock()); }))
        norms.push_back(norm);
    });
    for (RmsNormOp norm : norms) {
      for (Operation *user : norm.getResult().getUsers())
        if (auto linear = dyn_cast<PackedLinearOp>(user)) {
          linear.setNormEpsAttr(norm.getEpsAttr());
          if (norm.getScale())
            linear.getNormScaleMutable().assign(norm.getScale());
        }
      norm.getResult().replaceAllUsesWith(norm.getInput());
      norm.erase();
      ++numAbsorbed;
    }
  }
};

} // namespace
} // namespace weft
