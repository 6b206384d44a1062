//===- UpdateStates.cpp - loops update what they carry in place ---------------------------------------------------===//
// Answers: where does a round of a loop leave its states? Where the last one left them: bufferization then needs no
// buffers that outlive a round, and the memory plan sees one buffer for each state.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_UPDATESTATESPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

/// Whether the value is the state with slices inserted into it.
bool isUpdated(Value value, Value state) {
  while (auto insert = value.getDefiningOp<tensor::InsertSliceOp>())
    value = insert.getDest();
  return value == state;
}

/// Whether the value lies where a state does: then another state may be written before it is read.
bool isState(Value value, scf::ForOp loop) {
  while (Operation *view = value.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(view))
      return false;
    value = view->getOperand(0);
  }
  return llvm::is_contained(loop.getRegionIterArgs(), value);
}

struct UpdateStates : impl::UpdateStatesPassBase<UpdateStates> {
  void runOnOperation() override {
    getOperation().walk([](scf::ForOp loop) {
      Operation *yield = loop.getBody()->getTerminator();
      OpBuilder b(yield);
      SmallVector<Value> next(yield->getOperands());
      for (auto [value, state] : llvm::zip_equal(next, loop.getRegionIterArgs()))
        if (value != state && isState(value, loop))
          value = bufferization::AllocTensorOp::create(b, value.getLoc(), cast<RankedTensorType>(value.getType()),
                                                       /*dynamicSizes=*/ValueRange(), /*copy=*/value);
      for (auto [index, state] : llvm::enumerate(loop.getRegionIterArgs())) {
        Value value = next[index];
        if (!isa<RankedTensorType>(value.getType()) || isUpdated(value, state))
          continue;
        auto update = bufferization::MaterializeInDestinationOp::create(b, value.getLoc(), value, state);
        yield->setOperand(index, update->getResult(0));
      }
    });
  }
};

} // namespace
} // namespace weft
