//===- LayOutCaches.cpp - the positions of one head lie together --------------------------------------------------===//
// Answers: in which order do the dimensions of a cache lie in memory?
//
// A step reads all keys and values of a head, one position after the other. With the heads of a position beside each
// other those are 256 bytes of every 3 KB, say, which the machine does not foresee: it is three times slower.
//
// Where heads lie whole pages apart, by 2 MB, say, each has its first positions at the same places of the machine's
// caches as all others, so that they evict each other. There is room for some positions more then, which nobody uses.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/Transforms/Passes.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_LAYOUTCACHESPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

/// The second of some things comes to stand before the last.
template <typename T> void moveBeforeLast(SmallVectorImpl<T> &things) {
  std::rotate(things.begin() + 1, things.begin() + 2, things.end() - 1);
}

/// Positions of one head that there is room for.
int64_t roomFor(int64_t positions, Type position) {
  constexpr int64_t page = 4096, share = 16;
  auto type = cast<RankedTensorType>(position);
  int64_t bytes = type.getShape().back() * type.getElementTypeBitWidth() / 8;
  bool dynamic = ShapedType::isDynamic(positions) || ShapedType::isDynamic(type.getShape().back());
  return dynamic || positions * bytes % page ? positions : positions + llvm::divideCeil(positions, share);
}

struct LayOutCaches : impl::LayOutCachesPassBase<LayOutCaches> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    for (BlockArgument argument : function.getBody().getArguments())
      if (isCache(argument))
        layOut(function, argument);
    function.setType(
        FunctionType::get(&getContext(), function.getBody().getArgumentTypes(), function.getResultTypes()));
  }

  bool isCache(BlockArgument argument) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    auto isPlain = [&](Operation *user) {
      auto cache = dyn_cast<CacheOp>(user);
      return cache && cache.getState() == argument && cache.getInput() != argument && cache.getPosition() == 1;
    };
    return type && type.getRank() >= 4 && getOperation().getArgAttr(argument.getArgNumber(), contract::state) &&
           llvm::all_of(argument.getUsers(), isPlain);
  }

  void layOut(func::FuncOp function, BlockArgument argument) {
    auto type = cast<RankedTensorType>(argument.getType());
    SmallVector<int64_t> shape(type.getShape());
    moveBeforeLast(shape);
    int64_t &positions = shape[shape.size() - 2];
    positions = roomFor(positions, type);
    argument.setType(type.clone(shape));
    for (Operation *user : argument.getUsers())
      cast<CacheOp>(user).setPosition(type.getRank() - 2);
    for (StringRef name : {contract::dims, contract::axisNames})
      if (auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), name)) {
        SmallVector<Attribute> reordered(names.getValue());
        moveBeforeLast(reordered);
        if (name == contract::dims)
          reordered[reordered.size() - 2] = StringAttr::get(&getContext(), std::to_string(positions));
        function.setArgAttr(argument.getArgNumber(), name, ArrayAttr::get(&getContext(), reordered));
      }
  }
};

} // namespace
} // namespace weft
