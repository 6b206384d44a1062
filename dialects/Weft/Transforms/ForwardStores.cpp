//===- ForwardStores.cpp - kernels write where their result is copied to ----------------------------------------===//
// Answers: which copies does bufferization leave that a kernel can avoid by writing to the right place at once?
//===------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_FORWARDSTORESPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

/// The buffer that a chain of views looks at.
Value rootOf(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  return value;
}

/// Whether `op` reads or writes the memory that `root` names, directly or through views.
bool touches(Operation *op, Value root) {
  if (isa<ViewLikeOpInterface, memref::DimOp>(op))
    return false;
  bool found = false;
  op->walk([&](Operation *nested) {
    found |= llvm::any_of(nested->getOperands(),
                          [&](Value operand) { return isa<MemRefType>(operand.getType()) && rootOf(operand) == root; });
  });
  return found;
}

/// The op that fills `alloc`, when that op and `copy` are all that use it.
Operation *onlyWriter(memref::AllocOp alloc, memref::CopyOp copy) {
  Operation *writer = nullptr;
  for (Operation *user : alloc->getUsers()) {
    if (user == copy)
      continue;
    bool writes = false;
    if (auto kernel = dyn_cast<KernelOpInterface>(user))
      writes = llvm::is_contained(kernel.getDestinations(), alloc.getResult());
    else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(user))
      writes = linalgOp.getNumDpsInits() == 1 && linalgOp.getDpsInits()[0] == alloc.getResult() &&
               !linalgOp.payloadUsesValueFromOperand(linalgOp.getDpsInitOperand(0));
    if (!writes || writer)
      return nullptr;
    writer = user;
  }
  return writer;
}

/// Makes `value` available before `point` by moving the views and arithmetic that it is made of.
bool hoist(Value value, Operation *point, DominanceInfo &dominance) {
  if (dominance.properlyDominates(value, point))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != point->getBlock() || !isMemoryEffectFree(op))
    return false;
  for (Value operand : op->getOperands())
    if (!hoist(operand, point, dominance))
      return false;
  op->moveBefore(point);
  return true;
}

struct ForwardStores : impl::ForwardStoresPassBase<ForwardStores> {
  void runOnOperation() override {
    DominanceInfo dominance(getOperation());
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies)
      forward(copy, dominance);
  }

  void forward(memref::CopyOp copy, DominanceInfo &dominance) {
    auto alloc = copy.getSource().getDefiningOp<memref::AllocOp>();
    if (!alloc || alloc->getBlock() != copy->getBlock())
      return;
    Operation *writer = onlyWriter(alloc, copy);
    if (!writer || writer->getBlock() != copy->getBlock())
      return;
    Value root = rootOf(copy.getTarget());
    for (Operation *op = writer; op != copy; op = op->getNextNode())
      if (touches(op, root))
        return; // the destination's old content is still wanted, or it is written in between
    if (!hoist(copy.getTarget(), writer, dominance))
      return;
    writer->replaceUsesOfWith(alloc.getResult(), copy.getTarget());
    copy.erase();
    alloc.erase();
  }
};

} // namespace
} // namespace weft
