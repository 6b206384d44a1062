//===- AttentionPrefill.cpp - attention of many queries: lanes are queries ---------------------------------------===//
// Answers: by which loops does a block of queries see its keys?
//
//   for each (batch, group of 8 blocks, head, block of 2 L queries; of L where the first block has no more)
//     Qt = transpose(scale * Q)                                 [D][2L]
//     for each block of at most 256 keys that the mask may admit
//       St = K Qt, scored and masked                            [keys][2L]
//       m' = max(m, columns of St);  Pt = exp(St - m');  l = l exp(m - m') + sum of Pt
//       Ot = Ot exp(m - m') + V^T Pt                            [E][2L]
//     O = transpose(Ot) / l
//
// Keys that only the later half of the queries can see, as at the end of a causal mask, are seen by its vector alone.
//
// Both products broadcast one number of K or V, read as it lies, to lanes of queries: nothing is packed, and maxima,
// sums and rescaling are elementwise. A tile of keys that the mask admits whole is not masked.
//
// Probabilities are known only after the last block. Where someone asks for them, the first pass leaves out Ot, and
//
//     for each block once more
//       Pt = weigh(exp(K Qt, scored - m) / l), masked;  weights = transpose(Pt)
//       Ot = Ot + V^T Pt
//     O = transpose(Ot)
//
// Rescaling Ot costs one product for each 256 of a block; to ask whether it is needed would cost as much.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionPrefill.h"

using namespace mlir;

namespace weft::cpu {

void Prefill::emit() {
  blocks = ceilDivide(S, shape.queries);
  Value items = mul(mul(batch, index(H)), blocks);
  Value cost = mul(T, index(shape.queries * 2 * (D + E + 8)));
  auto allocate = [&](OpBuilder &, Location) {
    queriesT = scratch({D, shape.queries});
    scoresT = scratch({keysOfBlock, shape.queries});
    resultT = scratch({E, shape.queries});
    staging = scratch({shape.queries, L});
    if (!ofDistance.empty())
      distances = scratch({int64_t(ofDistance.size()), keysOfBlock + shape.queries});
  };
  parallelChunks(b, b.getLoc(), items, cost, [&](OpBuilder &, Location, Value item) { emitItem(item); }, allocate);
}

// The first block's queries often fill half of the lanes or less: then one vector has them all.
void Prefill::emitItem(Value number) {
  Item item = describe(number);
  readQueries(item);
  std::optional<int64_t> known = getConstantIntValue(S);
  if (known && (*known - 1) % shape.queries >= L)
    return emitQueries(item);
  auto withVectors = [&](int64_t count) {
    return [&, count] {
      vectors = count;
      emitQueries(item);
    };
  };
  when(compare(arith::CmpIPredicate::ugt, item.queries, index(L)), withVectors(mostVectors), withVectors(1));
}

void Prefill::emitQueries(const Item &item) {
  Vectors state(vectors, lanesOf(minusInfinity));
  state.append(vectors, lanesOf(0.0f));
  auto firstPass = [&](Value careful) {
    return eachBlock(item, state, [&](const Item &item, const KeyBlock &block, ValueRange state) {
      return addBlock(item, block, state, careful);
    });
  };
  RowEnds ends;
  if (!hasSecondPass()) {
    ends = endsOfRows(item, untilWithoutNaN(SmallVector<Type>(state.size(), floats), firstPass));
  } else {
    ends = endsOfRows(item, firstPass(nullptr));
    clearWeightsOf(item);
    untilWithoutNaN({}, [&](Value careful) {
      return eachBlock(item, {}, [&](const Item &item, const KeyBlock &block, ValueRange) {
        probabilityBlock(item, block, ends);
        writeWeights(item, block);
        addValues(item, block, careful);
        return Vectors();
      });
    });
  }
  writeResult(item, ends);
  writeLse(item, ends);
}

// Blocks end where the sequence does: the one whose lanes are not all used is the first, which sees the fewest keys
// under a causal mask. Later ones come first, for the longest should not be the last to be begun. A
// head sees a group of blocks, which share most of their keys; then the next head does, whose keys lie beside those in
// memory, before a window has moved on.
Prefill::Item Prefill::describe(Value number) {
  Item item;
  Value ofBatch = remainder(number, mul(blocks, index(H))), ofGroup = remainder(ofBatch, index(blocksOfGroup * H));
  Value skipped = mul(divide(ofBatch, index(blocksOfGroup * H)), index(blocksOfGroup));
  Value group = min(index(blocksOfGroup), sub(blocks, skipped)); // the first queries' group may be smaller
  Value block = sub(sub(add(blocks, -1), skipped), remainder(ofGroup, group));
  item.batch = divide(number, mul(blocks, index(H)));
  item.head = divide(ofGroup, group);
  Value endOfQueries = sub(S, mul(sub(add(blocks, -1), block), index(shape.queries)));
  item.firstQuery = max(sub(endOfQueries, index(shape.queries)), index(0));
  item.queries = sub(endOfQueries, item.firstQuery);
  Value keyHead = divide(item.head, index(queriesPerKeyHead()));
  item.query = headOf(op.getQuery(), item.batch, item.head);
  item.key = headOf(op.getKey(), item.batch, keyHead);
  item.value = headOf(op.getValue(), item.batch, keyHead);
  item.result = headOf(op.getOut(), item.batch, item.head);
  Value first = add(past, item.firstQuery);
  item.block = {item.batch, item.head, item.head, first, add(add(first, item.queries), -1)};
  item.bounds = boundsOf(item.block);
  for (int64_t v = 0; v < vectors; ++v)
    item.positions.push_back(positionsFrom(add(first, v * L)));
  return item;
}

// Lanes past the last query repeat it; their results are not stored. Meanwhile the first keys are asked for, and the
// queries of the item that comes next.
void Prefill::readQueries(const Item &item) {
  loop(index(0), index(shape.rows), 1,
       [&](Value i) { prefetch(item.key, min(add(item.bounds.begin, i), add(T, -1)), D, Cache::First); });
  Value last = add(S, -1), scale = lanesOf(scaleOfQueries());
  auto tile = [&](Value first, int64_t count) {
    for (int64_t v = 0; v < vectors; ++v) {
      Vectors rows;
      for (int64_t lane = 0; lane < L; ++lane) {
        Value query = min(add(item.firstQuery, v * L + lane), last);
        rows.push_back(multiply(load(item.query, {query, first}, count), scale));
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
  Value next = sub(item.firstQuery, index(shape.queries));
  loop(index(0), index(shape.queries), 1,
       [&](Value i) { prefetch(item.query, max(add(next, i), index(0)), D, Cache::Second); });
}

// Where the first vector's queries see nothing of the last keys, these are the second one's. Both parts have as many
// keys as a register tile, or they are not told apart.
Prefill::Vectors Prefill::eachBlock(const Item &item, ValueRange carried, ItemBody body) {
  if (vectors == 1 || !hasMask() || intervals || L % shape.rows)
    return eachBlockOf(item, carried, body);
  QueryBlock first = item.block;
  first.lastQuery = add(first.firstQuery, L - 1);
  Value end = item.bounds.end, cut = boundsOf(first).end, rows = index(shape.rows);
  auto enough = [&](Value from, Value to) { return compare(arith::CmpIPredicate::sge, sub(to, from), rows); };
  Value isCut = make<arith::AndIOp>(enough(item.bounds.begin, cut), enough(cut, end));
  cut = select(isCut, cut, end);
  Item shared = item;
  shared.bounds.end = cut;
  Vectors state = eachBlockOf(shared, carried, body), own;
  for (size_t i = 1; i < state.size(); i += mostVectors)
    own.push_back(state[i]);
  Item rest = withoutFirstVector(item, cut);
  firstVector = vectors = 1;
  own = eachBlockOf(rest, own, body);
  firstVector = 0, vectors = mostVectors;
  for (auto [i, value] : llvm::enumerate(own))
    state[1 + i * mostVectors] = value;
  return state;
}

Prefill::Item Prefill::withoutFirstVector(const Item &item, Value begin) {
  Item rest = item;
  rest.firstQuery = add(item.firstQuery, L);
  rest.queries = sub(item.queries, index(L));
  rest.block.firstQuery = add(item.block.firstQuery, L);
  rest.positions.erase(rest.positions.begin());
  rest.bounds = boundsOf(rest.block);
  rest.bounds.begin = begin, rest.bounds.end = item.bounds.end;
  return rest;
}

// No block has fewer keys than a register tile.
Prefill::Vectors Prefill::eachBlockOf(const Item &item, ValueRange carried, ItemBody body) {
  Value begin = item.bounds.begin, size = sub(item.bounds.end, begin);
  if (hasMask()) {
    Value none = compare(arith::CmpIPredicate::eq, size, index(0));
    begin = min(begin, add(T, -shape.rows));
    size = select(none, size, max(sub(item.bounds.end, begin), index(shape.rows)));
  }
  return eachKeyBlock(item.block, item.bounds, begin, add(begin, size), {shape.rows}, carried,
                      [&](const KeyBlock &block, ValueRange state) { return body(item, block, state); });
}

// What a query does not admit is weighted with 0, and 0 * value is 0 unless the value is infinite or NaN. That is so
// rare that it is noticed when all is done, by what it leaves: then everything is done once more, and carefully.
Prefill::Vectors Prefill::untilWithoutNaN(ArrayRef<Type> types, llvm::function_ref<Vectors(Value careful)> pass) {
  if (!hasMask()) {
    clearResult();
    return pass(nullptr);
  }
  auto flag = [&](bool value) -> Value { return arith::ConstantIntOp::create(b, value, 1); };
  auto once = [&](OpBuilder &, Location, ValueRange careful) {
    clearResult();
    Vectors results = pass(careful[0]);
    Value again = select(careful[0], flag(false), resultHasNaN());
    scf::ConditionOp::create(b, again, results);
  };
  auto carefully = [&](OpBuilder &, Location, ValueRange) { scf::YieldOp::create(b, flag(true)); };
  return Vectors(scf::WhileOp::create(b, types, flag(false), once, carefully).getResults());
}

// The state: maxima m, then sums l.
Prefill::Vectors Prefill::addBlock(const Item &item, const KeyBlock &block, ValueRange state, Value careful) {
  ValueRange before = state.take_front(vectors), sums = state.drop_front(vectors);
  Vectors maxima = scoreBlock(item, block, before), subtracted, factors;
  for (auto [previous, maximum] : llvm::zip(before, maxima)) {
    subtracted.push_back(toSubtract(maximum));
    factors.push_back(rescaling(previous, subtracted.back()));
  }
  Vectors added =
      hasSecondPass() ? exponentials(block, subtracted) : addScoredValues(item, block, subtracted, factors, careful);
  Vectors next = maxima;
  for (auto [sum, factor, more] : llvm::zip(sums, factors, added))
    next.push_back(fma(sum, factor, more));
  return next;
}

Prefill::RowEnds Prefill::endsOfRows(const Item &item, ValueRange state) {
  RowEnds ends;
  for (int64_t v = 0; v < vectors; ++v)
    ends.push_back(endOfRow(state[v], state[vectors + v], item.head));
  return ends;
}

// Rows that admit nothing are 0, whatever 0 * value has made of them.
void Prefill::writeResult(const Item &item, const RowEnds &ends) {
  Value zero = lanesOf(0.0f);
  auto tile = [&](Value first, int64_t count) {
    for (int64_t v = 0; v < vectors; ++v) {
      Vectors rows;
      for (int64_t i = 0; i < L; ++i) {
        if (i >= count) {
          rows.push_back(zero);
          continue;
        }
        Value sum = load(resultT, {add(first, i), column(v)});
        rows.push_back(select(ends[v].empty, zero, hasSecondPass() ? sum : multiply(sum, ends[v].factor)));
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

void Prefill::writeLse(const Item &item, const RowEnds &ends) {
  if (!op.getLse())
    return;
  Value lanes = index(L);
  for (int64_t v = 0; v < vectors; ++v)
    store(ends[v].lse, staging, {index(v), index(0)});
  loop(index(0), item.queries, 1, [&](Value i) {
    Value number = loadScalar(staging, {divide(i, lanes), remainder(i, lanes)});
    storeScalar(number, lseOut(), {item.batch, add(item.firstQuery, i), item.head});
  });
}

void emitPrefill(ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits) { Prefill(b, op, limits).emit(); }

} // namespace weft::cpu
