//===- AttentionFew.cpp - attention on a GPU: many keys for few rows ----------------------------------------------===//
// Answers: how does a workgroup find work for all its invocations where there are few queries, as in a step?
//
// In tiles of hundreds of keys: an invocation scores every n-th key as a whole, for all rows. When the maxima of the
// tile are known, it makes probabilities of these scores; and then it adds up some elements of the values, again for
// all rows, of its share of the keys. After the last tile the shares are added up, in their order.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Attention.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {

constexpr int64_t mostOwnQueries = 64; // elements that an invocation keeps in registers
constexpr int64_t elementsAtOnce = 4;  // of a key or a value
constexpr int64_t mostShares = 8;      // of the keys of a tile: each has to be added to the others at the end

void Attention::emitFew(Kernel &k) {
  allocateFew(k);
  rowsInGroup = queryBlock(k);
  range = boundsOf(k);
  if (parts > 1)
    cutRange(k);
  Values state(rows * elements.size() + rows, k.constant(0.0f)); // O, then l
  state = eachTile(k, state, [&](const Tile &tile, ValueRange state) {
    k.barrier(); // everyone is done with the last tile
    Values admitted = scoreKeys(k, tile);
    agreeOnMaxima(k, keys, k.threads);
    weighKeys(k, tile, admitted);
    return addFewValues(k, tile, state);
  });
  state = joinShares(k, state);
  if (parts > 1)
    return writePart(k, state);
  SmallVector<RowEnd> ends;
  for (auto [i, row] : llvm::enumerate(valueRows))
    ends.push_back(endOfRow(k, k.load(maxima, row.number), state[rows * elements.size() + i], row.place.head));
  writeResults(k, state, ends);
}

void Attention::allocateFew(Kernel &k) {
  // Those of one key lie together.
  int64_t together = std::min<int64_t>(rows, 4);
  Type number = b.getF32Type();
  pairs = k.shared({keysOfTile, rows / together}, together == 1 ? number : VectorType::get({together}, number));
  keys = k.shared({rows, k.threads}); // what each invocation has found among its keys
  found = k.shared({k.threads});
  maxima = k.shared({rows});
  subtracted = k.shared({rows});
  factors = k.shared({rows});
  k.when(k.less(k.thread, k.index(rows)), [&] { k.store(k.constant(minusInfinity), maxima, k.thread); });

  pairRows.clear();
  ownQueries.clear();
  for (int64_t row = 0; row < rows; ++row) {
    Value number = k.index(row);
    pairRows.push_back({number, placeOf(k, number)});
    for (int64_t d = 0; d < D && rows * D <= mostOwnQueries; ++d)
      ownQueries.push_back(query(k, pairRows.back().place, k.index(d)));
  }
  valueRows = pairRows;
  lanes = std::min<int64_t>(k.threads, llvm::PowerOf2Ceil(llvm::divideCeil(E, elementsAtOnce)));
  shares = std::min<int64_t>(k.threads / lanes, mostShares);
  lane = k.remainder(k.thread, lanes);
  share = k.divide(k.thread, lanes);
  hasValueRow = k.compare(arith::CmpIPredicate::eq, share, k.index(0));
  isFirstElement = k.both(hasValueRow, k.compare(arith::CmpIPredicate::eq, lane, k.index(0)));
  areAllElements = E % (lanes * elementsAtOnce) == 0;
  elements.clear();
  for (int64_t first = 0; first < E; first += lanes * elementsAtOnce)
    for (int64_t e = 0; e < elementsAtOnce; ++e)
      elements.push_back(k.add(k.mul(lane, elementsAtOnce), first + e));
}

Attention::Values Attention::pairsOf(Kernel &k, Value key) {
  Values ofRows;
  int64_t together = std::min<int64_t>(rows, 4);
  for (int64_t group = 0; group < rows / together; ++group) {
    Value found = k.load(pairs, {key, k.index(group)});
    for (int64_t i = 0; i < together; ++i)
      ofRows.push_back(together == 1 ? found : Value(vector::ExtractOp::create(b, found, i)));
  }
  return ofRows;
}

void Attention::keepPairs(Kernel &k, Value key, ArrayRef<Value> ofRows) {
  int64_t together = std::min<int64_t>(rows, 4);
  for (int64_t group = 0; group < rows / together; ++group) {
    ArrayRef<Value> own = ofRows.slice(group * together, together);
    Value value = own.front();
    if (together > 1)
      value = vector::FromElementsOp::create(b, VectorType::get({together}, b.getF32Type()), own);
    k.store(value, pairs, {key, k.index(group)});
  }
}

Value Attention::query(Kernel &k, const Place &place, Value element) {
  Value query = k.load(op.getQuery(), {batch, place.query, place.head, element});
  float factor = scaleOfQueries();
  return factor == 1 ? query : times(k, query, k.constant(factor));
}

/// The sums over the width, for all rows.
Attention::Values Attention::totals(Kernel &k, Value key) {
  auto add = [&](Value first, std::optional<int64_t> known, int64_t count, ValueRange soFar) {
    Values next(soFar), numbers = loadNeighbours(k, op.getKey(), {batch, key, keyHead, first}, count);
    for (int64_t d = 0; d < count; ++d)
      for (auto [i, row] : llvm::enumerate(pairRows)) {
        Value element = k.add(first, d);
        Value own = known && !ownQueries.empty() ? ownQueries[i * D + *known + d] : query(k, row.place, element);
        addTerms(k, row.place, own, numbers[d], element, MutableArrayRef(next).slice(i * sums, sums));
      }
    return next;
  };
  Values total(rows * sums, k.constant(0.0f));
  int64_t whole = D / elementsAtOnce * elementsAtOnce;
  if (ownQueries.empty() && whole)
    total = k.loop(k.index(0), k.index(whole), k.index(elementsAtOnce), total,
                   [&](Value first, ValueRange soFar) { return add(first, std::nullopt, elementsAtOnce, soFar); });
  else
    for (int64_t d = 0; d < whole; d += elementsAtOnce)
      total = add(k.index(d), d, elementsAtOnce, total);
  for (int64_t d = whole; d < D; ++d)
    total = add(k.index(d), d, 1, total);
  return total;
}

/// Scores of this invocation's keys to `pairs`, the largest of each row to `keys`. What it returns for each row says in
/// its bits which of them are admitted.
Attention::Values Attention::scoreKeys(Kernel &k, const Tile &tile) {
  auto bits = [&](int32_t value) -> Value { return arith::ConstantOp::create(b, b.getI32IntegerAttr(value)); };
  Values start(rows, k.constant(minusInfinity));
  start.append(hasMask() ? rows : 0, bits(0));
  start.push_back(bits(1));
  Values end = k.loop(k.thread, tile.size, k.index(k.threads), start, [&](Value own, ValueRange soFar) {
    Values next(soFar);
    Value key = k.add(tile.begin, own), bit = soFar.back();
    Values total = totals(k, key), numbers;
    for (auto [i, row] : llvm::enumerate(pairRows)) {
      Value number = score(k, ValueRange(total).slice(i * sums, sums), row.place, key);
      if (hasMask()) {
        Value always = arith::ConstantOp::create(b, b.getBoolAttr(true));
        Value counts = admits(k, tile, row.place, key, always);
        number = k.select(counts, number, k.constant(minusInfinity));
        next[rows + i] = k.make<arith::OrIOp>(soFar[rows + i], k.select(counts, bit, bits(0)));
      }
      next[i] = larger(k, number, soFar[i]);
      numbers.push_back(number);
    }
    keepPairs(k, own, numbers);
    next.back() = k.make<arith::ShLIOp>(bit, bits(1));
    return next;
  });
  for (auto [row, largest] : llvm::zip(pairRows, ArrayRef(end).take_front(rows)))
    k.store(largest, keys, {row.number, k.thread});
  return Values(ArrayRef(end).slice(rows, hasMask() ? rows : 0));
}

void Attention::weighKeys(Kernel &k, const Tile &tile, ValueRange admitted) {
  auto bits = [&](int32_t value) -> Value { return arith::ConstantOp::create(b, b.getI32IntegerAttr(value)); };
  Values subtract;
  for (const OwnRow &row : pairRows)
    subtract.push_back(k.load(subtracted, row.number));
  Value none = nothing();
  k.loop(k.thread, tile.size, k.index(k.threads), bits(1), [&](Value own, ValueRange bit) {
    Values scores = pairsOf(k, own), ps;
    for (auto [i, score] : llvm::enumerate(scores)) {
      Value p = exponential(k, minus(k, score, subtract[i]));
      if (hasMask()) {
        Value isSet = k.compare(arith::CmpIPredicate::ne, k.make<arith::AndIOp>(admitted[i], bit[0]), bits(0));
        p = k.select(isSet, p, none);
      }
      ps.push_back(p);
    }
    keepPairs(k, own, ps);
    return Values{k.make<arith::ShLIOp>(bit[0], bits(1))};
  });
  k.barrier();
}

/// `state`: the elements of each row, then the sum of each row's probabilities; both over this invocation's share.
Attention::Values Attention::addFewValues(Kernel &k, const Tile &tile, ValueRange state) {
  size_t perRow = elements.size(), sumsAt = rows * perRow;
  Values next(state);
  for (auto [i, row] : llvm::enumerate(valueRows)) {
    Value factor = k.load(factors, row.number);
    next[sumsAt + i] = times(k, next[sumsAt + i], factor);
    for (Value &sum : MutableArrayRef(next).slice(i * perRow, perRow))
      sum = times(k, sum, factor);
  }
  // There may be more invocations than have a share.
  Value begin = shares * lanes == k.threads ? share : k.select(k.less(share, k.index(shares)), share, tile.size);
  return k.loop(begin, tile.size, k.index(shares), next, [&](Value own, ValueRange state) {
    Values next(state), values, ps = pairsOf(k, own);
    Value key = k.add(tile.begin, own);
    for (size_t e = 0; e < perRow; e += elementsAtOnce)
      if (E % elementsAtOnce == 0) {
        Value first = areAllElements ? elements[e] : k.min(elements[e], k.index(E - elementsAtOnce));
        llvm::append_range(values, loadNeighbours(k, op.getValue(), {batch, key, keyHead, first}, elementsAtOnce));
      } else {
        for (Value element : ArrayRef(elements).slice(e, elementsAtOnce))
          values.push_back(k.load(op.getValue(), {batch, key, keyHead, k.min(element, k.index(E - 1))}));
      }
    for (auto [i, p] : llvm::enumerate(ps)) {
      next[sumsAt + i] = plus(k, next[sumsAt + i], p);
      Value counts = hasMask() ? isSomething(k, p) : Value();
      for (auto [e, value] : llvm::enumerate(values)) {
        Value before = next[i * perRow + e], sum = fma(k, p, value, before);
        next[i * perRow + e] = counts ? k.select(counts, sum, before) : sum;
      }
    }
    return next;
  });
}

/// What the first share has is then what all have found.
Attention::Values Attention::joinShares(Kernel &k, ValueRange state) {
  k.barrier(); // everyone is done with the last tile, or knows that there was none
  return addShares(k, share, shares, lane, lanes, Values(state));
}

} // namespace weft::grid
