//===- AttentionPrefill.cpp - attention of many queries: lanes are queries ---------------------------------------===//
// Answers: by which loops does a block of queries see its keys?
//
//   for each (batch, head, block of 2 L queries)
//     Qt = transpose(scale * Q)                                 [D][2L]
//     for each block of at most 256 keys that the mask may admit
//       St = K Qt, scored and masked                            [keys][2L]
//       m' = max(m, columns of St);  St = exp(St - m');  l = l exp(m - m') + sum of St
//       Ot = Ot exp(m - m') + V^T St                            [E][2L]
//     O = transpose(Ot) / l
//
// Both products broadcast one number of K or V, read as it lies, to lanes of queries: nothing is packed, and maxima,
// sums and rescaling are elementwise. A tile of keys that the mask admits whole is not masked.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"

using namespace mlir;

namespace weft::cpu {
namespace {

using Vectors = SmallVector<Value>;

class Prefill : AttentionNest {
public:
  Prefill(ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits)
      : AttentionNest(b, op, limits, /*acrossHeads=*/false), shape(limits) {}

  void emit();

private:
  static constexpr int64_t vectors = 2; // of queries in a work item
  static constexpr int64_t keysOfBlock = 256;
  static constexpr int64_t productsOfRun = 32;

  /// What a block of queries is and what is known of it so far.
  struct Item {
    Value batch, head, firstQuery, queries; // queries: how many of the 2 L there are
    HeadView query, key, value, result;
    EmittedBounds bounds;
    Vectors positions; // of the queries, as lanes
  };

  void emitItem(Value number);
  Item describe(Value number);
  void readQueries(const Item &item);
  Vectors keyBlocks(const Item &item);
  Vectors scoreBlock(const Item &item, const KeyBlock &block, ValueRange maxima);
  SmallVector<Vectors> similarities(const Item &item, Value firstKey);
  SmallVector<Vectors> maskTile(const Item &item, const KeyBlock &block, Value firstKey, SmallVector<Vectors> scores);
  Vectors exponentials(const KeyBlock &block, ValueRange maxima);
  void addValues(const Item &item, const KeyBlock &block, ValueRange factors);
  void addValueTile(const Item &item, const KeyBlock &block, ValueRange factors, Value first, int64_t rows);
  void addAdmittedValues(const Item &item, const KeyBlock &block, ValueRange factors);
  void writeResult(const Item &item, ValueRange sums);

  Position at(const Item &item, int64_t vector, Value key) {
    return {item.batch, item.head, item.positions[vector], key};
  }
  Value column(int64_t vector) { return index(vector * L); }

  PrefillShape shape;
  Value blocks; // of queries in a head
  Value queriesT, scoresT, resultT, staging;
};

void Prefill::emit() {
  blocks = ceilDivide(S, shape.queries);
  Value items = mul(mul(batch, index(H)), blocks);
  Value cost = mul(T, index(shape.queries * 2 * (D + E + 8)));
  auto allocate = [&](OpBuilder &, Location) {
    queriesT = scratch({D, shape.queries});
    scoresT = scratch({keysOfBlock, shape.queries});
    resultT = scratch({E, shape.queries});
    staging = scratch({shape.queries, L});
  };
  parallelChunks(b, b.getLoc(), items, cost, [&](OpBuilder &, Location, Value item) { emitItem(item); }, allocate);
}

void Prefill::emitItem(Value number) {
  Item item = describe(number);
  readQueries(item);
  Vectors sums = keyBlocks(item);
  writeResult(item, sums);
}

Prefill::Item Prefill::describe(Value number) {
  Item item;
  // Later blocks of queries first: under a causal mask they are the longest, and a long one should not be the last.
  Value block = sub(add(blocks, -1), remainder(number, blocks));
  Value batchAndHead = divide(number, blocks);
  item.batch = divide(batchAndHead, index(H));
  item.head = remainder(batchAndHead, index(H));
  item.firstQuery = mul(block, index(shape.queries));
  item.queries = min(index(shape.queries), sub(S, item.firstQuery));
  Value keyHead = divide(item.head, index(queriesPerKeyHead()));
  item.query = headOf(op.getQuery(), item.batch, item.head);
  item.key = headOf(op.getKey(), item.batch, keyHead);
  item.value = headOf(op.getValue(), item.batch, keyHead);
  item.result = headOf(op.getOut(), item.batch, item.head);
  Value first = add(past, item.firstQuery);
  item.bounds = boundsOf(item.batch, item.head, first, add(add(first, item.queries), -1));
  for (int64_t v = 0; v < vectors; ++v)
    item.positions.push_back(positionsFrom(add(first, v * L)));
  return item;
}

// Lanes past the last query repeat it; their results are not stored.
void Prefill::readQueries(const Item &item) {
  Value last = add(S, -1), scale = lanesOf(static_cast<float>(op.getScale().convertToDouble()));
  auto tile = [&](Value first, int64_t count) {
    for (int64_t v = 0; v < vectors; ++v) {
      Vectors rows;
      for (int64_t lane = 0; lane < L; ++lane) {
        Value query = min(add(item.firstQuery, v * L + lane), last);
        rows.push_back(arith::MulFOp::create(b, load(item.query, {query, first}, count), scale));
      }
      Vectors columns = transposeLanes(b, rows);
      for (int64_t d = 0; d < count; ++d)
        store(columns[d], queriesT, {add(first, d), column(v)});
    }
  };
  int64_t whole = D - D % L;
  if (whole)
    loop(index(0), index(whole), L, [&](Value first) { tile(first, L); });
  if (whole != D)
    tile(index(whole), D - whole);
}

// Returns the sums l. Blocks are of equal size up to one key, so that none has fewer keys than a register tile.
Vectors Prefill::keyBlocks(const Item &item) {
  Value zero = lanesOf(0.0f), least = lanesOf(minusInfinity);
  loop(index(0), index(E), 1, [&](Value e) {
    for (int64_t v = 0; v < vectors; ++v)
      store(zero, resultT, {e, column(v)});
  });
  Value begin = item.bounds.begin, size = sub(item.bounds.end, begin);
  if (hasMask()) {
    Value none = compare(arith::CmpIPredicate::eq, size, index(0));
    begin = min(begin, add(T, -shape.rows));
    size = select(none, size, max(sub(item.bounds.end, begin), index(shape.rows)));
  }
  Value count = ceilDivide(size, keysOfBlock);
  Vectors state(vectors, least);
  state.append(vectors, zero);
  state = loop(index(0), count, 1, state, [&](Value i, ValueRange state) {
    KeyBlock block;
    block.begin = add(begin, divide(mul(i, size), count));
    block.end = add(begin, divide(mul(add(i, 1), size), count));
    block.size = sub(block.end, block.begin);
    block.bounds = item.bounds;
    ValueRange before = state.take_front(vectors), sums = state.drop_front(vectors);
    Vectors maxima = scoreBlock(item, block, before), subtracted, factors;
    for (auto [previous, maximum] : llvm::zip(before, maxima)) {
      subtracted.push_back(finiteOr0(maximum));
      factors.push_back(exponential(previous, subtracted.back()));
    }
    Vectors added = exponentials(block, subtracted), next = maxima;
    for (auto [sum, factor, more] : llvm::zip(sums, factors, added))
      next.push_back(fma(sum, factor, more));
    addValues(item, block, factors);
    return next;
  });
  return Vectors(ArrayRef(state).drop_front(vectors));
}

// Fills scoresT and returns the new maxima. The last tile repeats keys of the one before it: same scores, same place.
Vectors Prefill::scoreBlock(const Item &item, const KeyBlock &block, ValueRange maxima) {
  Value lastTile = add(block.end, -shape.rows);
  return loop(block.begin, block.end, shape.rows, maxima, [&](Value tile, ValueRange state) {
    Value firstKey = min(tile, lastTile), row = sub(firstKey, block.begin);
    SmallVector<Vectors> scores = similarities(item, firstKey);
    for (int64_t i = 0; i < shape.rows; ++i)
      for (int64_t v = 0; v < vectors; ++v)
        scores[i][v] = score(scores[i][v], at(item, v, add(firstKey, i)));
    if (hasMask())
      scores = maskTile(item, block, firstKey, scores);
    Vectors next = llvm::to_vector(state);
    for (int64_t i = 0; i < shape.rows; ++i)
      for (int64_t v = 0; v < vectors; ++v) {
        store(scores[i][v], scoresT, {add(row, i), column(v)});
        next[v] = larger(scores[i][v], next[v]);
      }
    return next;
  });
}

// Products are added up in runs of about 32, and the runs' sums after that: the rounding errors of one long chain would
// be what limits the accuracy of large scores.
SmallVector<Vectors> Prefill::similarities(const Item &item, Value firstKey) {
  int64_t runs = llvm::divideCeil(D, productsOfRun), length = llvm::divideCeil(D, runs);
  Vectors zeros(shape.rows * vectors, lanesOf(0.0f));
  auto run = [&](Value from, Value to) {
    return loop(from, to, 1, zeros, [&](Value d, ValueRange state) {
      Vectors next, queries;
      for (int64_t v = 0; v < vectors; ++v)
        queries.push_back(load(queriesT, {d, column(v)}));
      for (int64_t i = 0; i < shape.rows; ++i) {
        Value key = lanesOf(loadScalar(item.key, {add(firstKey, i), d}));
        for (int64_t v = 0; v < vectors; ++v)
          next.push_back(fma(key, queries[v], state[i * vectors + v]));
      }
      return next;
    });
  };
  auto addRun = [&](Value from, ValueRange state) {
    Vectors next;
    for (auto [sum, more] : llvm::zip(state, run(from, min(add(from, length), index(D)))))
      next.push_back(arith::AddFOp::create(b, sum, more));
    return next;
  };
  Vectors sums = runs == 1 ? run(index(0), index(D)) : loop(index(0), index(D), length, zeros, addRun);
  SmallVector<Vectors> rows;
  for (int64_t i = 0; i < shape.rows; ++i)
    rows.emplace_back(ArrayRef(sums).slice(i * vectors, vectors));
  return rows;
}

SmallVector<Vectors> Prefill::maskTile(const Item &item, const KeyBlock &block, Value firstKey,
                                       SmallVector<Vectors> scores) {
  Value starts = compare(arith::CmpIPredicate::sge, firstKey, block.bounds.wholeBegin);
  Value ends = compare(arith::CmpIPredicate::sle, add(firstKey, shape.rows), block.bounds.wholeEnd);
  Value whole = make<arith::AndIOp>(starts, ends);
  auto unchanged = [&](OpBuilder &, Location) {
    Vectors all;
    for (const Vectors &row : scores)
      all.append(row);
    scf::YieldOp::create(b, all);
  };
  auto masked = [&](OpBuilder &, Location) {
    Value least = lanesOf(minusInfinity);
    Vectors all;
    for (int64_t i = 0; i < shape.rows; ++i)
      for (int64_t v = 0; v < vectors; ++v)
        all.push_back(select(admitted(at(item, v, add(firstKey, i))), scores[i][v], least));
    scf::YieldOp::create(b, all);
  };
  auto chosen = scf::IfOp::create(b, whole, unchanged, masked);
  for (int64_t i = 0; i < shape.rows; ++i)
    scores[i].assign(chosen.result_begin() + i * vectors, chosen.result_begin() + (i + 1) * vectors);
  return scores;
}

// Replaces the scores by their exponentials and returns the sums of the block.
Vectors Prefill::exponentials(const KeyBlock &block, ValueRange maxima) {
  Vectors start(vectors, lanesOf(0.0f));
  return loop(index(0), block.size, 1, start, [&](Value row, ValueRange state) {
    Vectors sums;
    for (int64_t v = 0; v < vectors; ++v) {
      Value p = exponential(load(scoresT, {row, column(v)}), maxima[v]);
      store(p, scoresT, {row, column(v)});
      sums.push_back(arith::AddFOp::create(b, state[v], p));
    }
    return sums;
  });
}

void Prefill::addValues(const Item &item, const KeyBlock &block, ValueRange factors) {
  auto tiles = [&] {
    int64_t rows = shape.rows, first = 0;
    for (; rows; rows = rows > 4 ? 4 : rows / 2) {
      int64_t count = (E - first) / rows;
      if (count > 1)
        loop(index(first), index(first + count * rows), rows,
             [&](Value e) { addValueTile(item, block, factors, e, rows); });
      else if (count)
        addValueTile(item, block, factors, index(first), rows);
      first += count * rows;
    }
  };
  if (!hasMask())
    return tiles();
  when(anyNonFinite(item.value, block), [&] { addAdmittedValues(item, block, factors); }, tiles);
}

void Prefill::addValueTile(const Item &item, const KeyBlock &block, ValueRange factors, Value first, int64_t rows) {
  Vectors start;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      start.push_back(arith::MulFOp::create(b, load(resultT, {add(first, i), column(v)}), factors[v]));
  Vectors sums = loop(index(0), block.size, 1, start, [&](Value row, ValueRange state) {
    Vectors next, p;
    Value key = add(block.begin, row);
    for (int64_t v = 0; v < vectors; ++v)
      p.push_back(load(scoresT, {row, column(v)}));
    for (int64_t i = 0; i < rows; ++i) {
      Value element = lanesOf(loadScalar(item.value, {key, add(first, i)}));
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(fma(element, p[v], state[i * vectors + v]));
    }
    return next;
  });
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      store(sums[i * vectors + v], resultT, {add(first, i), column(v)});
}

// For blocks with a value that is not finite: what a query does not admit is left out rather than weighted with 0.
void Prefill::addAdmittedValues(const Item &item, const KeyBlock &block, ValueRange factors) {
  loop(index(0), index(E), 1, [&](Value e) {
    for (int64_t v = 0; v < vectors; ++v)
      store(arith::MulFOp::create(b, load(resultT, {e, column(v)}), factors[v]), resultT, {e, column(v)});
  });
  loop(block.begin, block.end, 1, [&](Value key) {
    Vectors p, mask;
    for (int64_t v = 0; v < vectors; ++v) {
      p.push_back(load(scoresT, {sub(key, block.begin), column(v)}));
      mask.push_back(admitted(at(item, v, key)));
    }
    loop(index(0), index(E), 1, [&](Value e) {
      Value element = lanesOf(loadScalar(item.value, {key, e}));
      for (int64_t v = 0; v < vectors; ++v) {
        Value sum = load(resultT, {e, column(v)});
        store(select(mask[v], fma(element, p[v], sum), sum), resultT, {e, column(v)});
      }
    });
  });
}

void Prefill::writeResult(const Item &item, ValueRange sums) {
  Value zero = lanesOf(0.0f);
  Vectors empty, inverse; // rows that admit nothing are 0, whatever 0 * value has made of them
  for (Value sum : sums) {
    empty.push_back(arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sum, zero));
    inverse.push_back(arith::DivFOp::create(b, lanesOf(1.0f), sum));
  }
  auto tile = [&](Value first, int64_t count) {
    for (int64_t v = 0; v < vectors; ++v) {
      Vectors rows;
      for (int64_t i = 0; i < L; ++i) {
        if (i >= count) {
          rows.push_back(zero);
          continue;
        }
        Value weighted = arith::MulFOp::create(b, load(resultT, {add(first, i), column(v)}), inverse[v]);
        rows.push_back(select(empty[v], zero, weighted));
      }
      for (auto [lane, row] : llvm::enumerate(transposeLanes(b, rows)))
        store(row, staging, {index(v * L + lane), index(0)});
    }
    loop(index(0), item.queries, 1,
         [&](Value i) { store(load(staging, {i, index(0)}), item.result, {add(item.firstQuery, i), first}, count); });
  };
  int64_t whole = E - E % L;
  if (whole)
    loop(index(0), index(whole), L, [&](Value first) { tile(first, L); });
  if (whole != E)
    tile(index(whole), E - whole);
}

} // namespace

void emitPrefill(ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits) { Prefill(b, op, limits).emit(); }

} // namespace weft::cpu
