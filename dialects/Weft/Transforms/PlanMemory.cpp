//===- PlanMemory.cpp - one arena for all intermediate buffers --------------------------------------------------===//
// Answers: where does each intermediate buffer lie, and how many bytes does a call need?
//
// Sizes depend on run-time lengths, so the plan is made of expressions: each place has a static size that is multiplied
// by a product of run-time sizes. Buffers may share a place when that product is the same and their lives do not
// overlap; the place is as large as the largest of them. Places lie one after another.
//===------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

constexpr int64_t alignment = 64;

struct Buffer {
  memref::AllocOp alloc;
  unsigned first, last;       ///< positions of the first and last op that touch it
  int64_t staticBytes;        ///< bytes for run-time sizes of 1
  SmallVector<Value> factors; ///< run-time sizes, sorted: the buffer is staticBytes * their product
  unsigned place = 0;
};

struct Place {
  SmallVector<Value> factors;
  int64_t staticBytes;
  unsigned busyUntil;
};

/// Where ops stand in the order of execution, those inside of others included: a loop's first and last number enclose
/// those of its body.
struct Order {
  explicit Order(Operation *root) { number(root); }

  DenseMap<Operation *, unsigned> first, last;

private:
  void number(Operation *op) {
    first[op] = next++;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          number(&inner);
    last[op] = next - 1;
  }
  unsigned next = 0;
};

/// The end of the last op that uses `value` or a view of it, as seen from `block`: what a loop uses it keeps using to
/// its last round.
unsigned lastUse(Value value, Block &block, const Order &order) {
  unsigned last = order.last.lookup(value.getDefiningOp());
  for (Operation *user : value.getUsers()) {
    Operation *ancestor = block.findAncestorOpInBlock(*user);
    last = std::max(last, order.last.lookup(ancestor));
    if (isa<ViewLikeOpInterface>(user))
      for (Value view : user->getResults())
        last = std::max(last, lastUse(view, block, order));
  }
  return last;
}

/// Moves what `value` is computed from to `point`; false when it does not follow from arguments alone.
bool hoist(Value value, Operation *point, DominanceInfo &dominance) {
  if (dominance.properlyDominates(value, point))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || !isPure(op)) // what a loop counts or carries is not known before it
    return false;
  for (Value operand : op->getOperands())
    if (!hoist(operand, point, dominance))
      return false;
  op->moveBefore(point);
  return true;
}

struct PlanMemory : impl::PlanMemoryPassBase<PlanMemory> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(contract::entry))
        entries.push_back(function);
    for (func::FuncOp entry : entries)
      if (failed(plan(entry)))
        return signalPassFailure();
  }

  LogicalResult plan(func::FuncOp entry) {
    Block &block = entry.front();
    // Everything that the plan computes stands before this mark, so that it can be cloned into the arena's function.
    OpBuilder b = OpBuilder::atBlockBegin(&block);
    Operation *mark = arith::ConstantIndexOp::create(b, entry.getLoc(), 0);

    FailureOr<SmallVector<Buffer>> buffers = collect(entry, mark);
    if (failed(buffers))
      return failure();
    SmallVector<Place> places = assign(*buffers);

    b.setInsertionPoint(mark);
    Location loc = entry.getLoc();
    Value end = arith::ConstantIndexOp::create(b, loc, 0);
    SmallVector<Value> offsets;
    for (Place &place : places) {
      offsets.push_back(end);
      end = arith::AddIOp::create(b, loc, end, bytesOf(b, loc, place));
    }
    makeArenaFunction(entry, mark, end);

    Value arena = block.getArguments().back();
    for (Buffer &buffer : *buffers) {
      OpBuilder at(buffer.alloc);
      Value view = memref::ViewOp::create(at, buffer.alloc.getLoc(), buffer.alloc.getType(), arena,
                                          offsets[buffer.place], buffer.alloc.getDynamicSizes());
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
    mark->erase();
    return success();
  }

  FailureOr<SmallVector<Buffer>> collect(func::FuncOp entry, Operation *mark) {
    DominanceInfo dominance(entry);
    Order order(entry);
    DenseMap<Value, unsigned> number; // of each run-time size
    SmallVector<Buffer> buffers;
    WalkResult carried = entry.walk([](scf::ForOp loop) {
      if (llvm::none_of(loop.getInitArgs(), [](Value v) { return isa<MemRefType>(v.getType()); }))
        return WalkResult::advance();
      loop.emitError("this loop carries buffers, whose lives cannot be told; weft-update-states keeps them in place");
      return WalkResult::interrupt();
    });
    if (carried.wasInterrupted())
      return failure();
    entry.walk<WalkOrder::PreOrder>([&](memref::AllocOp alloc) {
      Buffer buffer;
      buffer.alloc = alloc;
      buffer.first = order.first.lookup(alloc);
      buffer.last = lastUse(alloc, *alloc->getBlock(), order);
      MemRefType type = alloc.getType();
      buffer.staticBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      for (int64_t size : type.getShape())
        buffer.staticBytes *= ShapedType::isDynamic(size) ? 1 : size;
      buffer.factors = llvm::to_vector(alloc.getDynamicSizes());
      // In one order everywhere, and in the same for each compilation: that of their first use.
      for (Value factor : buffer.factors)
        number.try_emplace(factor, number.size());
      llvm::sort(buffer.factors, [&](Value a, Value b) { return number.lookup(a) < number.lookup(b); });
      buffers.push_back(buffer);
    });
    for (Buffer &buffer : buffers)
      for (Value factor : buffer.factors)
        if (!hoist(factor, mark, dominance))
          return buffer.alloc.emitError("the size of this buffer does not follow from the sizes of the inputs");
    return buffers;
  }

  /// First fit by size among the places that are free; a place grows when its new tenant is larger.
  SmallVector<Place> assign(MutableArrayRef<Buffer> buffers) {
    SmallVector<Place> places;
    for (Buffer &buffer : buffers) {
      Place *best = nullptr;
      auto waste = [&](const Place &place) { return std::abs(place.staticBytes - buffer.staticBytes); };
      for (Place &place : places)
        if (place.busyUntil < buffer.first && place.factors == buffer.factors && (!best || waste(place) < waste(*best)))
          best = &place;
      if (!best) {
        places.push_back({buffer.factors, buffer.staticBytes, buffer.last});
        best = &places.back();
      }
      best->staticBytes = std::max(best->staticBytes, buffer.staticBytes);
      best->busyUntil = buffer.last;
      buffer.place = best - places.data();
    }
    return places;
  }

  /// Bytes of a place, rounded up to the alignment.
  Value bytesOf(OpBuilder &b, Location loc, const Place &place) {
    if (place.factors.empty())
      return arith::ConstantIndexOp::create(b, loc, llvm::alignTo(place.staticBytes, alignment));
    Value bytes = arith::ConstantIndexOp::create(b, loc, place.staticBytes);
    for (Value factor : place.factors)
      bytes = arith::MulIOp::create(b, loc, bytes, factor);
    if (place.staticBytes % alignment == 0)
      return bytes;
    Value up = arith::ConstantIndexOp::create(b, loc, alignment - 1);
    Value mask = arith::ConstantIndexOp::create(b, loc, -alignment);
    return arith::AndIOp::create(b, loc, arith::AddIOp::create(b, loc, bytes, up), mask);
  }

  void makeArenaFunction(func::FuncOp entry, Operation *mark, Value end) {
    OpBuilder b(entry->getBlock(), std::next(entry->getIterator()));
    auto function = func::FuncOp::create(b, entry.getLoc(), (entry.getName() + "_arena").str(),
                                         b.getFunctionType(entry.getArgumentTypes(), {b.getIndexType()}));
    Block *body = function.addEntryBlock();
    IRMapping map;
    map.map(entry.getArguments(), body->getArguments());
    b.setInsertionPointToStart(body);
    for (Operation &op : llvm::make_range(entry.front().begin(), mark->getIterator()))
      b.clone(op, map);
    func::ReturnOp::create(b, entry.getLoc(), map.lookup(end));
  }
};

} // namespace
} // namespace weft
