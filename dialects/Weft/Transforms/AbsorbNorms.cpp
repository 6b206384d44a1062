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

  /// Whether kernels for the weights multiply by matrices of f16, which may be too narrow for rows that are not normed
  /// yet: many rows are normed first, by a kernel of each matmul.
  bool hasMatrices(PackedLinearOp linear) { return matrices && linear.getWeightType() == WeightType::F16; }

  /// Whether the use is the input of a matmul that can norm it, or asks only for a size.
  bool canNorm(OpOperand &use, Block *block) {
    if (isa<tensor::DimOp>(use.getOwner()))
      return true;
    auto linear = dyn_cast<PackedLinearOp>(use.getOwner());
    // Not in the body of a loop, which would norm the same rows in each round.
    return linear && linear->getBlock() == block &&
           use.getOperandNumber() == linear.getInputMutable().getOperandNumber() && !linear.getNormEps() &&
           !linear.getActivations();
  }

  /// Whether no row is normed by several kernels.
  bool isNormedOnce(RmsNormOp norm) {
    int64_t matmuls = 0, withMatrices = 0;
    for (Operation *user : norm.getResult().getUsers())
      if (auto linear = dyn_cast<PackedLinearOp>(user)) {
        ++matmuls;
        withMatrices += hasMatrices(linear);
      }
    return matmuls == 1 || !withMatrices;
  }

  void runOnOperation() override {
    SmallVector<RmsNormOp> norms;
    getOperation().walk([&](RmsNormOp norm) {
      if (norm.getResult() && !norm.getResult().use_empty() &&
          llvm::all_of(norm.getResult().getUses(), [&](OpOperand &use) { return canNorm(use, norm->getBlock()); }) &&
          isNormedOnce(norm))
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
