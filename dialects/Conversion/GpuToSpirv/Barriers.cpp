//===- Barriers.cpp - which launches wait for others --------------------------------------------------------------===//
// Answers: before which launches must all that went before be done, and which may run beside each other? Memory is told
// apart by the argument that it belongs to, and by the offset at which a view of that begins; a loop is gone through
// twice, so that its first launches know of its last ones.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/Barriers.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace weft {

SmallVector<bool> writtenArguments(gpu::GPUFuncOp kernel) {
  llvm::SetVector<Value> written;
  kernel.walk([&](Operation *op) {
    Value target;
    if (auto store = dyn_cast<memref::StoreOp>(op))
      target = store.getMemRef();
    else if (auto rmw = dyn_cast<memref::AtomicRMWOp>(op))
      target = rmw.getMemref();
    while (target && target.getDefiningOp<ViewLikeOpInterface>())
      target = target.getDefiningOp<ViewLikeOpInterface>().getViewSource();
    if (target)
      written.insert(target);
  });
  return llvm::map_to_vector(kernel.getArguments(), [&](Value argument) { return written.contains(argument); });
}

namespace {

/// Memory: an argument, and the offset of the view of it, null for all of it. Without an argument it may be any memory.
struct Place {
  Value memref, offset;
  bool operator==(const Place &other) const { return memref == other.memref && offset == other.offset; }
  bool meets(const Place &other) const {
    if (!memref || !other.memref)
      return true;
    return memref == other.memref && (!offset || !other.offset || offset == other.offset);
  }
};

Place placeOf(Value memref) {
  Place place;
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>()) {
    // The outermost view counts: those of views are parts of it.
    if (auto cut = dyn_cast<memref::ViewOp>(view.getOperation()))
      place.offset = cut.getByteShift();
    memref = view.getViewSource();
  }
  auto argument = dyn_cast<BlockArgument>(memref);
  if (!argument || !isa<FunctionOpInterface>(argument.getOwner()->getParentOp()))
    return {};
  place.memref = memref;
  return place;
}

struct Access {
  Place place;
  bool writes;
  bool operator==(const Access &other) const { return place == other.place && writes == other.writes; }
};
using Accesses = SmallVector<Access>;

void join(Accesses &accesses, const Accesses &more) {
  for (const Access &access : more)
    if (!llvm::is_contained(accesses, access))
      accesses.push_back(access);
}

Accesses accessesOf(gpu::LaunchFuncOp launch, ArrayRef<bool> written) {
  Accesses accesses;
  for (unsigned i = 0; i < launch.getNumKernelOperands(); ++i) {
    Value operand = launch.getKernelOperand(i);
    if (isa<MemRefType>(operand.getType()))
      accesses.push_back({placeOf(operand), written[i]});
  }
  return accesses;
}

bool meet(const Accesses &some, const Accesses &others) {
  return llvm::any_of(some, [&](const Access &one) {
    return llvm::any_of(
        others, [&](const Access &other) { return (one.writes || other.writes) && one.place.meets(other.place); });
  });
}

class Waits {
public:
  Waits(llvm::function_ref<ArrayRef<bool>(gpu::LaunchFuncOp)> written) : written(written) {}

  /// `open` is what launches have done since the last wait.
  void visit(Block &block, Accesses &open) {
    for (Operation &op : block)
      visit(&op, open);
  }

  DenseSet<Operation *> found;

private:
  void visit(Operation *op, Accesses &open) {
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      return visitLaunch(launch, open);
    if (op->getNumRegions() == 0)
      return;
    bool isLoop = isa<LoopLikeOpInterface>(op);
    Accesses after = open;
    for (int round = 0; round < (isLoop ? 2 : 1); ++round) {
      Accesses before = after;
      for (Region &region : op->getRegions())
        for (Block &block : region) {
          Accesses inside = isLoop ? before : open;
          visit(block, inside);
          join(after, inside);
        }
    }
    open = after;
  }

  void visitLaunch(gpu::LaunchFuncOp launch, Accesses &open) {
    Accesses own = accessesOf(launch, written(launch));
    if (meet(own, open)) {
      found.insert(launch);
      open.clear();
    }
    join(open, own);
  }

  llvm::function_ref<ArrayRef<bool>(gpu::LaunchFuncOp)> written;
};

} // namespace

bool meet(gpu::LaunchFuncOp one, ArrayRef<bool> writtenByOne, gpu::LaunchFuncOp other, ArrayRef<bool> writtenByOther) {
  return meet(accessesOf(one, writtenByOne), accessesOf(other, writtenByOther));
}

DenseSet<Operation *> waitingLaunches(func::FuncOp function,
                                      llvm::function_ref<ArrayRef<bool>(gpu::LaunchFuncOp)> writtenOperands) {
  Waits waits(writtenOperands);
  // Whoever calls another function has launched something before.
  if (!function->hasAttr(contract::entry)) {
    function.walk([&](gpu::LaunchFuncOp launch) { waits.found.insert(launch); });
    return waits.found;
  }
  Accesses open;
  for (Block &block : function.getBody())
    waits.visit(block, open);
  return waits.found;
}

} // namespace weft
