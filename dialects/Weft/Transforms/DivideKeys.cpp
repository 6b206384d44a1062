//===- DivideKeys.cpp - memory for parts of an attention's keys ---------------------------------------------------===//
// Answers: which attentions go through parts of their keys beside each other, through how many, and where does what the
// parts find lie then? In the arena, like all that lives for one op.
//
// The number of parts follows from sizes that are known when compiling: results do not depend on what a device does.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/WeftOps.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_DIVIDEKEYSPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

constexpr int64_t mostRows = 8, mostQueries = 4, mostParts = 32;

struct DivideKeysPass : impl::DivideKeysPassBase<DivideKeysPass> {
  using DivideKeysPassBase::DivideKeysPassBase;

  int64_t partsFor(AttentionOp op) {
    if (!op.getOut() || op.getWorkspace() || op.getWeights() || !op.getWeigh().empty())
      return 1;
    auto key = cast<MemRefType>(op.getKey().getType()), query = cast<MemRefType>(op.getQuery().getType());
    int64_t keyHeads = key.getDimSize(2), heads = query.getDimSize(2);
    if (ShapedType::isDynamic(keyHeads) || ShapedType::isDynamic(heads) || heads / keyHeads > mostRows)
      return 1;
    int64_t parts = std::min(groups / keyHeads, mostParts);
    return key.isDynamicDim(1) ? parts : std::min(parts, key.getDimSize(1) / keys);
  }

  void runOnOperation() override {
    getOperation().walk([&](AttentionOp op) {
      int64_t parts = partsFor(op);
      if (parts < 2)
        return;
      OpBuilder b(op);
      Location loc = op.getLoc();
      auto query = cast<MemRefType>(op.getQuery().getType()), key = cast<MemRefType>(op.getKey().getType());
      int64_t most = std::min(mostRows / (query.getDimSize(2) / key.getDimSize(2)), mostQueries);
      // No more queries than that are attended for by parts.
      SmallVector<int64_t> shape = {parts, query.getDimSize(0), query.getDimSize(1), query.getDimSize(2),
                                    cast<MemRefType>(op.getValue().getType()).getDimSize(3) + 2};
      SmallVector<Value> sizes;
      if (query.isDynamicDim(0))
        sizes.push_back(memref::DimOp::create(b, loc, op.getQuery(), 0));
      if (query.isDynamicDim(1)) {
        Value queries = memref::DimOp::create(b, loc, op.getQuery(), 1);
        sizes.push_back(arith::MinSIOp::create(b, loc, queries, arith::ConstantIndexOp::create(b, loc, most)));
      } else {
        shape[2] = std::min(shape[2], most);
      }
      op.getWorkspaceMutable().assign(
          memref::AllocOp::create(b, loc, MemRefType::get(shape, b.getF32Type()), sizes, b.getI64IntegerAttr(64)));
    });
  }
};

} // namespace
} // namespace weft
