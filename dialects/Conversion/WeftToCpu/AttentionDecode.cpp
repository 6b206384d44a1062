//===- AttentionDecode.cpp - attention of few queries: lanes are keys, then elements -----------------------------===//
// Answers: by which loops do a few queries see many keys?
//
//   for each (batch, key head, 8 rows)           a row is a query of one of the query heads that share the key head
//                                                and, of long keys, for each part of them (DecodeParts.cpp)
//     for each block of at most 1024 keys that the mask may admit
//       for each tile of L keys, for each row
//         s[row] = products along D, summed across lanes (DecodeScores.cpp); scored and masked with lanes = keys
//       m, l, s = exp(s - m) as in AttentionPrefill.cpp, with lanes = keys
//       o[row] = o[row] exp(m - m') + s[row] V             lanes = elements of a value
//     result = o / l
//
// Where someone asks for probabilities there are two passes, as in AttentionPrefill.cpp.
//
// A key is read from memory once for all rows of an item, in whole vectors, as it lies. Of memory that no cache holds,
// how fast it comes depends on the order: addresses that ascend by a line at a time are foreseen, and nothing else is.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionDecode.h"

using namespace mlir;

namespace weft::cpu {

void Decode::emit() {
  rowsPerHead = mul(S, index(queriesPerKeyHead()));
  chunks = ceilDivide(rowsPerHead, rowsOfItem);
  Value items = mul(mul(batch, index(G)), chunks);
  Value cost = mul(mul(T, min(rowsPerHead, index(rowsOfItem))), index(2 * (D + E + 8)));
  isCached = compare(arith::CmpIPredicate::ule, mul(mul(batch, T), index(4 * G * (D + E))), index(mostCached));
  divideKeys();
  auto allocate = [&](OpBuilder &, Location) {
    queries = scratch({rowsOfItem, int64_t(llvm::alignTo(D, L))});
    partials = scratch({scoreRows * sums, L / keysTogether, L});
    // Four lines more than 4 KB. With one, it took 5 % longer in every other process, as its stack happened to lie.
    scores = scratch({rowsOfItem, mostKeys + 4 * L});
    largest = scratch({rowsOfItem, L});
    results = scratch({rowsOfItem, int64_t(llvm::alignTo(E, L))});
    maxima = scratch({rowsOfItem});
    rowSums = scratch({rowsOfItem});
    factors = scratch({rowsOfItem});
  };
  eachRegion(items, [&](Value first, Value count) {
    parallelChunks(
        b, b.getLoc(), mul(count, parts), divide(cost, parts),
        [&](OpBuilder &, Location, Value unit) {
          emitItem(add(first, divide(unit, parts)), remainder(unit, parts), unit);
        },
        allocate);
    whenDivided([&] { loop(index(0), count, 1, [&](Value i) { mergeItem(add(first, i), mul(i, parts)); }); });
  });
}

void Decode::emitItem(Value number, Value part, Value unit) {
  Item item = describe(number);
  Value firstKey = item.bounds.begin;
  takePart(item, part);
  findNextKeys(item, number, part, firstKey);
  start(item);
  eachBlock(item, [&](const Item &item, const KeyBlock &block) {
    scoreBlock(item, block);
    if (hasSecondPass())
      eachRows(item, scoreRows, [&](Value row, int64_t rows) { exponentials(block, row, rows); });
    else
      addValues(item, block);
  });
  auto finish = [&] {
    finishRows(item);
    if (hasSecondPass())
      eachBlock(item, [&](const Item &item, const KeyBlock &block) {
        probabilityBlock(item, block);
        addValues(item, block);
      });
    writeResult(item);
  };
  whenDivided([&] { parkPart(item, unit); }, finish);
}

void Decode::eachBlock(const Item &item, llvm::function_ref<void(const Item &, const KeyBlock &)> body) {
  auto withoutState = [&](const KeyBlock &block, ValueRange) {
    Item ofBlock = item;
    lookAhead(ofBlock, block);
    body(ofBlock, block);
    return Vectors();
  };
  eachKeyBlock(item.block, item.bounds, item.bounds.begin, item.bounds.end, {std::nullopt, mostKeys}, {}, withoutState);
}

Decode::Item Decode::describe(Value number) {
  Item item;
  Value batchAndHead = divide(number, chunks);
  item.firstRow = mul(remainder(number, chunks), index(rowsOfItem));
  item.rows = min(index(rowsOfItem), sub(rowsPerHead, item.firstRow));
  item.batch = divide(batchAndHead, index(G));
  item.keyHead = remainder(batchAndHead, index(G));
  item.key = headOf(op.getKey(), item.batch, item.keyHead);
  item.value = headOf(op.getValue(), item.batch, item.keyHead);
  Row first = rowOf(item, index(0)), last = rowOf(item, add(item.rows, -1));
  item.block = {item.batch, first.head, last.head, add(past, first.query), add(past, last.query)};
  if (queriesPerKeyHead() > 1) { // rows of several queries have all heads of the group
    Value oneQuery = compare(arith::CmpIPredicate::eq, first.query, last.query);
    Value firstOfGroup = mul(item.keyHead, index(queriesPerKeyHead()));
    item.block.firstHead = select(oneQuery, first.head, firstOfGroup);
    item.block.lastHead = select(oneQuery, last.head, add(firstOfGroup, queriesPerKeyHead() - 1));
  }
  item.bounds = boundsOf(item.block);
  return item;
}

Decode::Row Decode::rowOf(const Item &item, Value row) {
  Value number = add(item.firstRow, row), ratio = index(queriesPerKeyHead());
  return {divide(number, ratio), add(mul(item.keyHead, ratio), remainder(number, ratio))};
}

Position Decode::at(const Item &item, Value row, Value key) {
  Row place = rowOf(item, row);
  return {item.batch, place.head, add(past, place.query), key};
}

// Scaled queries, in whole vectors; nothing seen yet.
void Decode::start(const Item &item) {
  Value scale = lanesOf(scaleOfQueries());
  loop(index(0), item.rows, 1, [&](Value row) {
    Row place = rowOf(item, row);
    for (int64_t d = 0; d < D; d += L) {
      Value query = load(op.getQuery(), {item.batch, place.query, place.head, index(d)}, std::min(L, D - d));
      store(multiply(query, scale), queries, {row, index(d)});
    }
    for (int64_t e = 0; e < E; e += L)
      store(lanesOf(0.0f), results, {row, index(e)});
    store(lanesOf(minusInfinity), largest, {row, index(0)});
    storeScalar(constant(minusInfinity), maxima, row);
    storeScalar(constant(0.0f), rowSums, row);
  });
}

// From here on `maxima` is what to subtract from an exponent. A sum of 0 still says that there is nothing to attend to.
void Decode::finishRows(const Item &item) {
  loop(index(0), item.rows, 1, [&](Value row) {
    Row place = rowOf(item, row);
    RowEnd end = endOfRow(loadScalar(maxima, row), loadScalar(rowSums, row), place.head);
    storeScalar(end.subtracted, maxima, row);
    storeScalar(hasSecondPass() ? end.inverse : end.factor, factors, row);
    if (op.getLse())
      storeScalar(end.lse, lseOut(), {item.batch, place.query, place.head});
    if (op.getWeights() && hasMask())
      clearWeights(item.batch, place.query, place.head);
  });
}

Value Decode::isEmpty(Value row) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, loadScalar(rowSums, row), constant(0.0f));
}

// Rows that admit nothing are 0, whatever 0 * value has made of them.
void Decode::writeResult(const Item &item) {
  loop(index(0), item.rows, 1, [&](Value row) {
    Row place = rowOf(item, row);
    Value empty = isEmpty(row), factor = lanesOf(loadScalar(factors, row));
    for (int64_t e = 0; e < E; e += L) {
      Value sum = load(results, {row, index(e)});
      store(select(empty, lanesOf(0.0f), hasSecondPass() ? sum : multiply(sum, factor)), op.getOut(),
            {item.batch, place.query, place.head, index(e)}, std::min(L, E - e));
    }
  });
}

void emitDecode(ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits) { Decode(b, op, limits).emit(); }

} // namespace weft::cpu
