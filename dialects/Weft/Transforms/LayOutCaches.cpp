//===- LayOutCaches.cpp - the positions of one head lie together --------------------------------------------------===//
// Answers: in which order do the dimensions of a cache lie in memory?
//
// A step reads all keys and values of a head, one position after the other. With the heads of a position beside each
// other those are 256 bytes of every 3 KB, say, which the machine does not foresee: it is three times slower.
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
    argument.setType(type.clone(shape));
    for (Operation *user : argument.getUsers())
      cast<CacheOp>(user).setPosition(type.getRank() - 2);
    for (StringRef name : {contract::dims, contract::axisNames})
      if (auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), name)) {
        SmallVector<Attribute> reordered(names.getValue());
        moveBeforeLast(reordered);
        function.setArgAttr(argument.getArgNumber(), name, ArrayAttr::get(&getContext(), reordered));
      }
  }
};

} // namespace
} // namespace weft
