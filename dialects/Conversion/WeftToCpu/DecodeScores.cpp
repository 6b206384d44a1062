//===- DecodeScores.cpp - attention of few queries: scores of a block of keys ------------------------------------===//
// Answers: how do the scores of a block of keys come about, and what is made of them before values are added up?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionDecode.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace weft::cpu {

//===-- blocks ----------------------------------------------------------------------------------------------------===//

// Where a key head has more rows than a tile, keys are still in the first-level cache when the next rows come.
void Decode::scoreBlock(const Item &item, const KeyBlock &block) {
  if (queriesPerKeyHead() <= scoreRows)
    return scorePart(item, block, block.begin);
  loop(block.begin, block.end, keysOfCache(D), [&](Value from) {
    KeyBlock part = block;
    part.begin = from;
    part.end = min(add(from, keysOfCache(D)), block.end);
    part.size = sub(part.end, part.begin);
    scorePart(item, part, block.begin);
  });
}

/// The scores of some keys of the block that begins at `begin`.
void Decode::scorePart(const Item &item, const KeyBlock &part, Value begin) {
  eachRows(item, scoreRows, [&](Value firstRow, int64_t rows) {
    Vectors start;
    for (int64_t r = 0; r < rows; ++r)
      start.push_back(load(largest, {add(firstRow, r), index(0)}));
    auto tileBody = [&](Value firstKey, ValueRange tile, ArrayRef<Position>, ValueRange state) {
      Vectors masked = maskTile(item, part, firstKey, firstRow, tile, minusInfinity), next;
      for (auto [r, score] : llvm::enumerate(masked)) {
        store(score, scores, {add(firstRow, r), sub(firstKey, begin)});
        next.push_back(larger(score, state[r]));
      }
      return next;
    };
    for (auto [r, lanes] : llvm::enumerate(eachTile(item, part, firstRow, rows, start, tileBody)))
      store(lanes, largest, {add(firstRow, r), index(0)});
  });
}

// Rows in turns: to bring a vector's lanes together takes longer than all that is computed with them, and the end of a
// loop over tiles is not foreseen.
void Decode::exponentials(const KeyBlock &block, Value firstRow, int64_t rows) {
  Vectors subtracted = raiseMaxima(firstRow, rows);
  Vectors sums = loop(index(0), block.size, L, Vectors(rows, lanesOf(0.0f)),
                      [&](Value key, ValueRange state) { return addExponentials(firstRow, key, subtracted, state); });
  addToSums(firstRow, sums);
}

/// Takes the scores of a block into account and returns, on lanes, what to subtract from their exponents.
Decode::Vectors Decode::raiseMaxima(Value firstRow, int64_t rows) {
  Vectors all;
  for (int64_t r = 0; r < rows; ++r) {
    Value row = add(firstRow, r), before = loadScalar(maxima, row), lanes = load(largest, {row, index(0)});
    Value maximum = vector::ReductionOp::create(b, vector::CombiningKind::MAXNUMF, lanes, arith::FastMathFlags::nnan);
    Value subtracted = toSubtract(maximum);
    storeScalar(maximum, maxima, row);
    storeScalar(rescaling(before, subtracted), factors, row);
    all.push_back(lanesOf(subtracted));
  }
  return all;
}

/// Puts the exponentials of a tile in the place of its scores and returns their sums with `added`, for each row.
Decode::Vectors Decode::addExponentials(Value firstRow, Value key, ValueRange subtracted, ValueRange added) {
  Vectors sums;
  for (auto [r, sum] : llvm::enumerate(added)) {
    Value row = add(firstRow, r), p = exponential(load(scores, {row, key}), subtracted[r]);
    store(p, scores, {row, key});
    sums.push_back(arith::AddFOp::create(b, sum, p));
  }
  return sums;
}

void Decode::addToSums(Value firstRow, ValueRange added) {
  for (auto [r, lanes] : llvm::enumerate(added)) {
    Value row = add(firstRow, r);
    Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, lanes, arith::FastMathFlags::reassoc);
    storeScalar(math::FmaOp::create(b, loadScalar(rowSums, row), loadScalar(factors, row), sum), rowSums, row);
  }
}

void Decode::probabilityBlock(const Item &item, const KeyBlock &block) {
  eachRows(item, scoreRows, [&](Value firstRow, int64_t rows) {
    auto tileBody = [&](Value firstKey, ValueRange tile, ArrayRef<Position> positions, ValueRange) {
      Vectors probabilities;
      for (auto [r, score] : llvm::enumerate(tile)) {
        Value row = add(firstRow, r);
        RowEnd end;
        end.empty = isEmpty(row);
        end.subtracted = lanesOf(loadScalar(maxima, row));
        end.inverse = lanesOf(loadScalar(factors, row));
        probabilities.push_back(probability(score, end, positions[r]));
      }
      Vectors masked = maskTile(item, block, firstKey, firstRow, probabilities, 0.0f);
      for (auto [r, probability] : llvm::enumerate(masked)) {
        Row place = rowOf(item, add(firstRow, r));
        store(probability, scores, {add(firstRow, r), sub(firstKey, block.begin)});
        if (op.getWeights())
          storeFirst(probability, weightsOut(), {item.batch, place.query, place.head, firstKey},
                     sub(block.end, firstKey));
      }
      return Vectors();
    };
    eachTile(item, block, firstRow, rows, {}, tileBody);
  });
}

//===-- tiles -----------------------------------------------------------------------------------------------------===//

/// Calls `body` with the scores of each tile, one vector for each row. `state` is carried from one to the next.
Decode::Vectors Decode::eachTile(const Item &item, const KeyBlock &block, Value firstRow, int64_t rows,
                                 ValueRange start, TileBody body) {
  Vectors queries;
  if (D <= width)
    queries = loadQueries(firstRow, rows, index(0), D);
  return loop(block.begin, block.end, L, start, [&](Value firstKey, ValueRange state) {
    Value keys = positionsFrom(firstKey);
    SmallVector<Position> positions;
    for (int64_t r = 0; r < rows; ++r)
      positions.push_back(at(item, add(firstRow, r), keys));
    sumTile(item, firstKey, firstRow, rows, queries);
    Vectors all = tileSums(rows), tile;
    for (int64_t r = 0; r < rows; ++r)
      tile.push_back(score(ArrayRef(all).slice(r * sums, sums), positions[r]));
    return body(firstKey, tile, positions, state);
  });
}

/// Calls `body` for all rows of an item, for `together` at a time and then for each of the rest.
void Decode::eachRows(const Item &item, int64_t together, llvm::function_ref<void(Value, int64_t)> body) {
  Value whole = together > 1 ? sub(item.rows, remainder(item.rows, index(together))) : index(0);
  if (together > 1)
    loop(index(0), whole, together, [&](Value row) { body(row, together); });
  if (together == 1 || queriesPerKeyHead() % together)
    loop(whole, item.rows, 1, [&](Value row) { body(row, 1); });
}

// A score is a sum across lanes. Those of four keys become one vector of four sums for each key, those of a tile one
// vector of scores: fewer steps than to finish one after the other. Several rows share a vector first, for which their
// queries are skewed. Keys are read strictly in order; where only four of them are read in turns, a machine that
// foresees addresses reads at half the rate from memory.
void Decode::sumTile(const Item &item, Value firstKey, Value firstRow, int64_t rows, ValueRange queries) {
  Value base = baseAhead(item.ofKeys, firstKey, rows);
  loop(index(0), index(L / keysTogether), 1, [&](Value group) {
    Value key = add(firstKey, mul(group, index(keysTogether)));
    Vectors ofKeys = sumsOverWidth(item, base, key, firstRow, rows, queries);
    int64_t count = ofKeys.size() / keysTogether;
    for (int64_t i = 0; i < count; ++i) {
      Vectors some;
      for (int64_t k = 0; k < keysTogether; ++k)
        some.push_back(ofKeys[k * count + i]);
      store(sumLanes(b, some, 1), partials, {index(i), group, index(0)});
    }
  });
}

/// [row][sum]: what `sumTile` has left.
Decode::Vectors Decode::tileSums(int64_t rows) {
  int64_t groups = L / keysTogether, together = groups / rowsOfVector(rows);
  Vectors all;
  for (int64_t i = 0; i < rows / rowsOfVector(rows) * sums; ++i) {
    Vectors ofRows;
    for (int64_t first = 0; first < groups; first += together) {
      Vectors some;
      for (int64_t group = first; group < first + together; ++group)
        some.push_back(load(partials, {index(i), index(group), index(0)}));
      ofRows.push_back(sumLanes(b, some, keysTogether));
    }
    llvm::append_range(all, transposeParts(b, ofRows));
  }
  return all;
}

/// [row][vector] of `count` elements from d on, skewed over the rows that share a vector of sums.
Decode::Vectors Decode::loadQueries(Value firstRow, int64_t rows, Value d, int64_t count) {
  int64_t lines = llvm::divideCeil(count, L), together = rowsOfVector(rows);
  Vectors loaded(rows * lines);
  for (int64_t line = 0; line < lines; ++line)
    for (int64_t first = 0; first < rows; first += together) {
      Vectors some;
      for (int64_t r = first; r < first + together; ++r)
        some.push_back(load(queries, {add(firstRow, r), add(d, line * L)}));
      for (auto [r, skewed] : llvm::enumerate(skewParts(b, some)))
        loaded[(first + r) * lines + line] = skewed;
    }
  return loaded;
}

/// [key][row][sum], in runs of `width` elements; where rows share vectors, [key][vector]. `queries`: where one run is
/// all, which it is for several rows.
Decode::Vectors Decode::sumsOverWidth(const Item &item, Value base, Value firstKey, Value firstRow, int64_t rows,
                                      ValueRange queries) {
  if (!queries.empty())
    return addRun(item, base, firstKey, firstRow, queries, index(0), D, Vectors(keysTogether * rows * sums));
  Vectors state(keysTogether * rows * sums, lanesOf(0.0f));
  auto run = [&](Value d, int64_t count, ValueRange state) {
    return addRun(item, base, firstKey, firstRow, loadQueries(firstRow, rows, d, count), d, count, Vectors(state));
  };
  int64_t whole = D - D % width;
  if (whole > width)
    state = loop(index(0), index(whole), width, state, [&](Value d, ValueRange state) { return run(d, width, state); });
  else if (whole)
    state = run(index(0), width, state);
  return whole == D ? state : run(index(whole), D - whole, state);
}

// Sums so far may be null: nothing yet. Keys past the last repeat it; they are masked later.
Decode::Vectors Decode::addRun(const Item &item, Value base, Value firstKey, Value firstRow, ValueRange queries,
                               Value d, int64_t count, Vectors before) {
  int64_t lines = llvm::divideCeil(count, L), rows = queries.size() / lines, together = rowsOfVector(rows);
  Vectors all;
  for (int64_t k = 0; k < keysTogether; ++k) {
    Value position = min(add(firstKey, k), add(T, -1));
    auto ofKey = MutableArrayRef(before).slice(k * rows * sums, rows * sums);
    if (k)
      keepOrder();
    for (int64_t line = 0; line < lines; ++line) {
      Value from = add(d, line * L);
      int64_t rest = std::min(L, count - line * L);
      if (asksFor(rows, k, line))
        askFor(item.ofKeys, base, position, from);
      Value key = load(item.key, {position, from}, rest);
      for (int64_t r = 0; r < rows; ++r) {
        Value query = queries[r * lines + line];
        auto ofRow = ofKey.slice(r * sums, sums);
        if (hasSimilarity())
          for (auto [sum, term] : llvm::zip(ofRow, termsOf(item, query, key, add(firstRow, r), from, rest)))
            sum = sum ? arith::AddFOp::create(b, sum, term) : term;
        else
          ofRow.front() = ofRow.front() ? fma(key, query, ofRow.front()) : multiply(key, query);
      }
    }
    for (int64_t first = 0; first < rows * sums; first += together) // of several rows there is one sum each
      all.push_back(sumSkewedParts(b, Vectors(ofKey.slice(first, together))));
  }
  return all;
}

/// The similarity's terms for `count` elements from d on. Lanes past them have no part in them.
Decode::Vectors Decode::termsOf(const Item &item, Value query, Value key, Value row, Value d, int64_t count) {
  Vectors all = terms(query, key, item.batch, rowOf(item, row).head, positionsFrom(d));
  if (count == L)
    return all;
  Value inside = vector::ConstantMaskOp::create(b, flags, b.getDenseI64ArrayAttr({count}));
  return llvm::map_to_vector(all, [&](Value term) { return select(inside, term, lanesOf(0.0f)); });
}

// Lanes past the end of the block count as refused.
Decode::Vectors Decode::maskTile(const Item &item, const KeyBlock &block, Value firstKey, Value firstRow,
                                 ValueRange tile, float otherwise) {
  Value whole = compare(arith::CmpIPredicate::sle, add(firstKey, L), min(block.bounds.wholeEnd, block.end));
  if (hasMask())
    whole = make<arith::AndIOp>(whole, compare(arith::CmpIPredicate::sge, firstKey, block.bounds.wholeBegin));
  auto unchanged = [&](OpBuilder &, Location) { scf::YieldOp::create(b, tile); };
  auto masked = [&](OpBuilder &, Location) {
    Value positions = positionsFrom(firstKey);
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, positions, lanesOf(block.end));
    Vectors results;
    for (auto [r, row] : llvm::enumerate(tile)) {
      Value counts = inside;
      if (hasMask())
        counts = arith::AndIOp::create(b, inside, admitted(at(item, add(firstRow, r), positions)));
      results.push_back(select(counts, row, lanesOf(otherwise)));
    }
    scf::YieldOp::create(b, results);
  };
  return Vectors(scf::IfOp::create(b, whole, unchanged, masked).getResults());
}

} // namespace weft::cpu
