//===- KeyBlocks.cpp - which keys a block of queries goes through ------------------------------------------------===//
// Answers: into which blocks do the keys of an item fall, and which of them are skipped?
//
// Where the bounds of the mask are exact, every block between them is computed. Where they are not, the mask is asked
// block by block (Common/KeyBlocks.h).
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace weft::cpu {

SmallVector<Value> AttentionNest::compute(const QueryBlock &queries, const KeyBlock &block, ValueRange state,
                                          BlockBody body) {
  if (limits.reportKeyBlocks)
    func::CallOp::create(b, keyBlockFunction, TypeRange(), ValueRange{queries.firstQuery, block.begin, block.size});
  return body(block, state);
}

SmallVector<Value> AttentionNest::eachKeyBlock(const QueryBlock &queries, const EmittedBounds &bounds, Value begin,
                                               Value end, Division division, ValueRange state, BlockBody body) {
  if (intervals) {
    LoopBuilder loops(b);
    KeyQuestions questions = {L, b.getIndexType()};
    return eachTestedKeyBlock(
        loops, op.getMask(), *intervals, queries, T, begin, end, questions, state,
        [&](const KeyBlock &block, ValueRange state) { return compute(queries, block, state, body); });
  }
  KeyBlock block;
  block.bounds = bounds;
  if (!division.keysOfTile)
    return loop(begin, end, division.most, state, [&](Value from, ValueRange state) {
      block.begin = from;
      block.end = min(add(from, division.most), end);
      block.size = sub(block.end, from);
      return compute(queries, block, state, body);
    });
  // Tiles are not cut in two, or each block would compute some keys twice.
  Value tile = index(*division.keysOfTile), tiles = ceilDivide(sub(end, begin), *division.keysOfTile);
  Value count = ceilDivide(tiles, division.most / *division.keysOfTile);
  auto boundary = [&](Value i) { return min(add(begin, mul(divide(mul(i, tiles), count), tile)), end); };
  return loop(index(0), count, 1, state, [&](Value i, ValueRange state) {
    block.begin = boundary(i);
    block.end = boundary(add(i, 1));
    block.size = sub(block.end, block.begin);
    return compute(queries, block, state, body);
  });
}

} // namespace weft::cpu
