//===- DecodeScores.cpp - attention of few queries: scores of a block of keys ------------------------------------===//
// Answers: how do the scores of a block of keys come about, and what is made of them before values are added up?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionDecode.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace weft::cpu {

//===-- blocks ----------------------------------------------------------------------------------------------------===//

void Decode::scoreBlock(const Item &item, const KeyBlock &block) {
  loop(index(0), item.rows, 1, [&](Value row) { store(lanesOf(minusInfinity), tileMaxima, {row, index(0)}); });
  eachTile(item, block, [&](Value firstKey, Value row, Value score, const Position &) {
    Value tile = maskTile(item, block, firstKey, row, score, minusInfinity);
    store(tile, scores, {row, sub(firstKey, block.begin)});
    store(larger(tile, load(tileMaxima, {row, index(0)})), tileMaxima, {row, index(0)});
  });
}

void Decode::exponentials(const Item &item, const KeyBlock &block) {
  auto reassociate = arith::FastMathFlags::reassoc, noNaN = arith::FastMathFlags::nnan;
  loop(index(0), item.rows, 1, [&](Value row) {
    Value before = loadScalar(maxima, row), tiles = load(tileMaxima, {row, index(0)});
    Value maximum = larger(vector::ReductionOp::create(b, vector::CombiningKind::MAXNUMF, tiles, noNaN), before);
    Value subtracted = toSubtract(maximum), factor = rescaling(before, subtracted), lanes = lanesOf(subtracted);
    Value added = loop(index(0), block.size, L, lanesOf(0.0f), [&](Value key, ValueRange state) -> Vectors {
                    Value p = exponential(load(scores, {row, key}), lanes);
                    store(p, scores, {row, key});
                    return {arith::AddFOp::create(b, state[0], p)};
                  }).front();
    Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, added, reassociate);
    storeScalar(math::FmaOp::create(b, loadScalar(rowSums, row), factor, sum), rowSums, row);
    storeScalar(maximum, maxima, row);
    storeScalar(factor, factors, row);
  });
}

void Decode::probabilityBlock(const Item &item, const KeyBlock &block) {
  eachTile(item, block, [&](Value firstKey, Value row, Value score, const Position &position) {
    RowEnd end;
    end.empty = isEmpty(row);
    end.subtracted = lanesOf(loadScalar(maxima, row));
    end.inverse = lanesOf(loadScalar(factors, row));
    Value tile = maskTile(item, block, firstKey, row, probability(score, end, position), 0.0f);
    store(tile, scores, {row, sub(firstKey, block.begin)});
    if (!op.getWeights())
      return;
    Row place = rowOf(item, row);
    storeFirst(tile, weightsOut(), {item.batch, place.query, place.head, firstKey}, sub(block.end, firstKey));
  });
}

//===-- tiles -----------------------------------------------------------------------------------------------------===//

void Decode::eachTile(const Item &item, const KeyBlock &block, TileBody body) {
  Value last = add(T, -1);
  loop(block.begin, block.end, L, [&](Value firstKey) {
    // Lanes past the last key repeat it; they are masked later.
    Vectors keys;
    for (int64_t lane = 0; lane < L; ++lane)
      keys.push_back(min(add(firstKey, lane), last));
    Value positions = positionsFrom(firstKey);
    loop(index(0), item.rows, 1, [&](Value row) {
      Position position = at(item, row, positions);
      body(firstKey, row, score(sumsOverWidth(item, keys, row), position), position);
    });
  });
}

// Eight vectors of sums at a time: as many addresses as there are registers for.
Decode::Vectors Decode::sumsOverWidth(const Item &item, ArrayRef<Value> keys, Value row) {
  size_t together = std::max<size_t>(1, llvm::bit_floor(size_t(8 / sums)));
  SmallVector<Vectors> ofKeys(sums); // for each sum, one vector for each key
  for (; !keys.empty(); keys = keys.drop_front(together)) {
    auto some = ValueRange(keys.take_front(together));
    Vectors state(together * sums, lanesOf(0.0f));
    int64_t whole = D - D % L;
    if (whole)
      state = loop(index(0), index(whole), L, state,
                   [&](Value d, ValueRange state) { return addTerms(item, some, row, d, L, state); });
    if (whole != D)
      state = addTerms(item, some, row, index(whole), D - whole, state);
    for (auto [i, sum] : llvm::enumerate(state))
      ofKeys[i % sums].push_back(sum);
  }
  return llvm::map_to_vector(ofKeys, [&](const Vectors &vectors) -> Value { return sumLanes(b, vectors); });
}

// `count` elements from d on. Lanes past them are 0 in products, and have no part in other terms.
Decode::Vectors Decode::addTerms(const Item &item, ValueRange keys, Value row, Value d, int64_t count,
                                 ValueRange sums) {
  Value query = load(queries, {row, d});
  Vectors next;
  if (!hasSimilarity()) {
    for (auto [position, sum] : llvm::zip(keys, sums))
      next.push_back(fma(load(item.key, {position, d}, count), query, sum));
    return next;
  }
  Value elements = positionsFrom(d), head = rowOf(item, row).head, zero = lanesOf(0.0f);
  Value inside = count == L ? Value() : vector::ConstantMaskOp::create(b, flags, b.getDenseI64ArrayAttr({count}));
  for (Value position : keys)
    for (Value term : terms(query, load(item.key, {position, d}, count), item.batch, head, elements))
      next.push_back(arith::AddFOp::create(b, sums[next.size()], inside ? select(inside, term, zero) : term));
  return next;
}

// Lanes past the end of the block count as refused.
Value Decode::maskTile(const Item &item, const KeyBlock &block, Value firstKey, Value row, Value tile,
                       float otherwise) {
  Value whole = compare(arith::CmpIPredicate::sle, add(firstKey, L), min(block.bounds.wholeEnd, block.end));
  if (hasMask())
    whole = make<arith::AndIOp>(whole, compare(arith::CmpIPredicate::sge, firstKey, block.bounds.wholeBegin));
  auto unchanged = [&](OpBuilder &, Location) { scf::YieldOp::create(b, tile); };
  auto masked = [&](OpBuilder &, Location) {
    Value positions = positionsFrom(firstKey);
    Value counts = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, positions, lanesOf(block.end));
    if (hasMask())
      counts = arith::AndIOp::create(b, counts, admitted(at(item, row, positions)));
    scf::YieldOp::create(b, select(counts, tile, lanesOf(otherwise)));
  };
  return scf::IfOp::create(b, whole, unchanged, masked).getResult(0);
}

} // namespace weft::cpu
