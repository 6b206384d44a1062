//===- PrefillScores.cpp - attention of many queries: scores of a block of keys ----------------------------------===//
// Answers: how do the scores of a block of keys come about, and what is made of them before values are added up?
//
// A tile of shape.rows keys and two vectors of queries stays in registers from the first product to the masked score.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionPrefill.h"

using namespace mlir;

namespace weft::cpu {

static constexpr int64_t productsOfRun = 32;

//===-- blocks ----------------------------------------------------------------------------------------------------===//

// Fills scoresT and returns the new maxima.
Prefill::Vectors Prefill::scoreBlock(const Item &item, const KeyBlock &block, ValueRange maxima) {
  tabulateDistances(item, block);
  return eachTile(block, maxima, [&](Value firstKey, ValueRange state) {
    Tile tile = maskTile(item, block, firstKey, scoreTile(item, block, firstKey), minusInfinity);
    storeTile(tile, block, firstKey);
    Vectors next = llvm::to_vector(state);
    for (const Vectors &row : tile)
      for (int64_t v = 0; v < vectors; ++v)
        next[v] = larger(row[v], next[v]);
    return next;
  });
}

// Replaces the scores by their exponentials and returns the sums of the block.
Prefill::Vectors Prefill::exponentials(const KeyBlock &block, ValueRange subtracted) {
  Vectors start(vectors, lanesOf(0.0f));
  return loop(index(0), block.size, 1, start, [&](Value row, ValueRange state) {
    Vectors sums;
    for (int64_t v = 0; v < vectors; ++v) {
      Value p = exponential(load(scoresT, {row, column(v)}), subtracted[v]);
      store(p, scoresT, {row, column(v)});
      sums.push_back(arith::AddFOp::create(b, state[v], p));
    }
    return sums;
  });
}

// The second pass: fills scoresT with what values are to be multiplied with.
void Prefill::probabilityBlock(const Item &item, const KeyBlock &block, const RowEnds &ends) {
  tabulateDistances(item, block);
  eachTile(block, {}, [&](Value firstKey, ValueRange) {
    Tile tile = scoreTile(item, block, firstKey);
    for (int64_t i = 0; i < shape.rows; ++i)
      for (int64_t v = 0; v < vectors; ++v)
        tile[i][v] = probability(tile[i][v], ends[firstVector + v], at(item, v, add(firstKey, i)));
    storeTile(maskTile(item, block, firstKey, tile, 0.0f), block, firstKey);
    return Vectors();
  });
}

//===-- tiles -----------------------------------------------------------------------------------------------------===//

// The last tile repeats keys of the one before it: same scores, same place.
Prefill::Vectors Prefill::eachTile(const KeyBlock &block, ValueRange carried, TileBody body) {
  Value lastTile = add(block.end, -shape.rows);
  return loop(block.begin, block.end, shape.rows, carried,
              [&](Value tile, ValueRange state) { return body(min(tile, lastTile), state); });
}

Prefill::Tile Prefill::scoreTile(const Item &item, const KeyBlock &block, Value firstKey) {
  Vectors all = sumOverWidth([&](Value d, ValueRange state) {
    prefetchLines(item, firstKey, d);
    Vectors queries;
    for (int64_t v = 0; v < vectors; ++v)
      queries.push_back(load(queriesT, {d, column(v)}));
    return hasSimilarity() ? addTerms(item, firstKey, d, queries, state)
                           : addProducts(item, firstKey, d, queries, state);
  });
  Tile tile(shape.rows);
  for (int64_t i = 0; i < shape.rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      tile[i].push_back(score(ArrayRef(all).slice((i * vectors + v) * sums, sums), at(item, v, add(firstKey, i)),
                              tabulated(block, v, add(firstKey, i))));
  return tile;
}

// Line by line, for many requests at once would wait for each other: of the next tile's keys, and of this tile's
// values, which are needed when the block has all its scores.
void Prefill::prefetchLines(const Item &item, Value firstKey, Value d) {
  Value nextKey = min(add(firstKey, shape.rows), add(T, -shape.rows)), row = remainder(d, index(shape.rows));
  prefetch(item.key, {add(nextKey, row), d}, Cache::First);
  if (!hasSecondPass())
    prefetch(item.value, {add(firstKey, row), min(d, index(E - 1))}, Cache::Second);
}

// Terms are added up in runs of about 32, and the runs' sums after that: the rounding errors of one long chain would
// be what limits the accuracy of large scores.
Prefill::Vectors Prefill::sumOverWidth(SumBody body) {
  int64_t runs = llvm::divideCeil(D, productsOfRun), length = llvm::divideCeil(D, runs);
  Vectors zeros(shape.rows * vectors * sums, lanesOf(0.0f));
  auto run = [&](Value from) { return loop(from, min(add(from, length), index(D)), 1, zeros, body); };
  Vectors first = run(index(0));
  return loop(index(length), index(D), length, first, [&](Value from, ValueRange state) {
    Vectors next;
    for (auto [sum, more] : llvm::zip(state, run(from)))
      next.push_back(arith::AddFOp::create(b, sum, more));
    return next;
  });
}

Prefill::Vectors Prefill::addProducts(const Item &item, Value firstKey, Value d, ValueRange queries, ValueRange sums) {
  Vectors next;
  for (int64_t i = 0; i < shape.rows; ++i) {
    Value key = lanesOf(loadScalar(item.key, {add(firstKey, i), d}));
    for (int64_t v = 0; v < vectors; ++v)
      next.push_back(fma(key, queries[v], sums[next.size()]));
  }
  return next;
}

Prefill::Vectors Prefill::addTerms(const Item &item, Value firstKey, Value d, ValueRange queries, ValueRange sums) {
  Vectors next;
  for (int64_t i = 0; i < shape.rows; ++i) {
    Value key = loadScalar(item.key, {add(firstKey, i), d});
    for (int64_t v = 0; v < vectors; ++v)
      for (Value term : terms(queries[v], key, item.batch, item.head, d))
        next.push_back(arith::AddFOp::create(b, sums[next.size()], term));
  }
  return next;
}

Prefill::Tile Prefill::maskTile(const Item &item, const KeyBlock &block, Value firstKey, Tile tile, float otherwise) {
  if (!hasMask())
    return tile;
  Value starts = compare(arith::CmpIPredicate::sge, firstKey, block.bounds.wholeBegin);
  Value ends = compare(arith::CmpIPredicate::sle, add(firstKey, shape.rows), block.bounds.wholeEnd);
  Value whole = make<arith::AndIOp>(starts, ends);
  auto unchanged = [&](OpBuilder &, Location) {
    Vectors all;
    for (const Vectors &row : tile)
      all.append(row);
    scf::YieldOp::create(b, all);
  };
  auto masked = [&](OpBuilder &, Location) {
    Value refused = lanesOf(otherwise);
    Vectors all;
    for (int64_t i = 0; i < shape.rows; ++i)
      for (int64_t v = 0; v < vectors; ++v)
        all.push_back(select(admitted(at(item, v, add(firstKey, i))), tile[i][v], refused));
    scf::YieldOp::create(b, all);
  };
  auto chosen = scf::IfOp::create(b, whole, unchanged, masked);
  for (int64_t i = 0; i < shape.rows; ++i)
    tile[i].assign(chosen.result_begin() + i * vectors, chosen.result_begin() + (i + 1) * vectors);
  return tile;
}

void Prefill::storeTile(const Tile &tile, const KeyBlock &block, Value firstKey) {
  Value row = sub(firstKey, block.begin);
  for (int64_t i = 0; i < shape.rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      store(tile[i][v], scoresT, {add(row, i), column(v)});
}

//===-- what depends on q - k alone -------------------------------------------------------------------------------===//

// Column i of the table belongs to the distance of the block's first query and last key, plus i. What lies past the
// last column that is asked for is computed with the others, and not read.
void Prefill::tabulateDistances(const Item &item, const KeyBlock &block) {
  if (ofDistance.empty())
    return;
  Value first = sub(item.block.firstQuery, add(block.end, -1)), count = add(block.size, shape.queries - 1);
  Block &body = op.getScore().front();
  loop(index(0), count, L, [&](Value i) {
    Vectors arguments(sums, lanesOf(0.0f)); // none of the values depends on them
    arguments.append({item.batch, item.head, positionsFrom(add(first, i)), index(0)});
    for (auto [n, value] : llvm::enumerate(emitOnLanes(b, body, arguments, L, ofDistance, {})))
      store(lanesOf(value), distances, {index(n), i});
  });
}

IRMapping Prefill::tabulated(const KeyBlock &block, int64_t vector, Value key) {
  IRMapping known;
  for (auto [n, value] : llvm::enumerate(ofDistance))
    known.map(value, load(distances, {index(n), add(sub(add(block.end, -1), key), vector * L)}));
  return known;
}

} // namespace weft::cpu
