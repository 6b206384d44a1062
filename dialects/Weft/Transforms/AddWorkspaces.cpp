//===- AddWorkspaces.cpp - memory for rounded activations ---------------------------------------------------------===//
// Answers: which matmuls round their input, and where does it lie then? In the arena, like all that lives for one op.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/Workspace.h"
#include "dialects/Weft/Transforms/Passes.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_ADDWORKSPACESPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

struct AddWorkspacesPass : impl::AddWorkspacesPassBase<AddWorkspacesPass> {
  using AddWorkspacesPassBase::AddWorkspacesPassBase;

  void runOnOperation() override {
    getOperation().walk([&](PackedLinearOp op) {
      if (!op.getOuts() || op.getWorkspace() || !roundsRows(op, dots, matrices))
        return;
      OpBuilder b(op);
      auto input = cast<MemRefType>(op.getInput().getType());
      SmallVector<int64_t> shape(input.getShape());
      shape.back() = workspaceWords(roundedRow(op), op.getWeightType(), op.getDepth());
      SmallVector<Value> sizes;
      for (int64_t d = 0; d + 1 < input.getRank(); ++d)
        if (input.isDynamicDim(d))
          sizes.push_back(memref::DimOp::create(b, op.getLoc(), op.getInput(), d));
      op.getWorkspaceMutable().assign(memref::AllocOp::create(b, op.getLoc(), MemRefType::get(shape, b.getI32Type()),
                                                              sizes, b.getI64IntegerAttr(64)));
    });
  }
};

} // namespace
} // namespace weft
