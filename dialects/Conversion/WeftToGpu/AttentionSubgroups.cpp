//===- AttentionSubgroups.cpp - attention on a GPU: few rows by subgroups alone -----------------------------------===//
// Answers: how does one subgroup attend for few rows, without a barrier?
//
// Each invocation goes through every n-th key alone, for all rows, with a maximum, a sum and a result of its own; at
// the end, these are combined by shuffles.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Attention.h"

using namespace mlir;

namespace weft::grid {

void Attention::emitAlone(Kernel &k) {
  allocateAlone(k);
  rowsInGroup = queryBlock(k);
  range = boundsOf(k);
  Values state(rows * (E + 1), k.constant(0.0f)); // O, then l, then m
  state.append(rows, k.constant(minusInfinity));
  state = eachTile(k, state, [&](const Tile &tile, ValueRange state) { return addKey(k, tile, state); });
  Values joined = joinInvocations(k, state);
  SmallVector<RowEnd> ends;
  for (auto [i, row] : llvm::enumerate(pairRows))
    ends.push_back(endOfRow(k, joined[rows * (E + 1) + i], joined[rows * E + i], row.place.head));

  // Of what all of them have, each writes every n-th element.
  Values own;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t first = 0; first < E; first += k.threads) {
      Value element = joined[row * E + first];
      for (int64_t i = 1; i < std::min(k.threads, E - first); ++i)
        element =
            k.select(k.compare(arith::CmpIPredicate::eq, k.thread, k.index(i)), joined[row * E + first + i], element);
      own.push_back(element);
    }
  writeResults(k, own, ends);
}

void Attention::allocateAlone(Kernel &k) {
  const int64_t atOnce = 2 * k.threads;
  Value factor = k.constant(scaleOfQueries());
  pairRows.clear();
  ownQueries.clear();
  for (int64_t row = 0; row < rows; ++row) {
    Place place = placeOf(k, k.index(row));
    pairRows.push_back({k.index(row), place});
    for (int64_t first = 0; first < D; first += atOnce) {
      Spread some(k, op.getQuery(), std::min(atOnce, D - first),
                  [&](Value i) { return Values{batch, place.query, place.head, k.add(i, first)}; });
      if (scaleOfQueries() != 1)
        for (Value &number : some.own)
          number = times(k, number, factor);
      llvm::append_range(ownQueries, some.all(k));
    }
  }
  valueRows = pairRows;
  hasValueRow = arith::ConstantOp::create(b, b.getBoolAttr(true));
  isFirstElement = k.compare(arith::CmpIPredicate::eq, k.thread, k.index(0));
  areAllElements = E % k.threads == 0;
  elements.clear();
  for (int64_t first = 0; first < E; first += k.threads)
    elements.push_back(k.add(k.thread, first));
}

/// What this invocation knows of each row, with one key more.
Attention::Values Attention::addKey(Kernel &k, const Tile &tile, ValueRange state) {
  Values next(state), admitted, ps, factors;
  Value isThere = k.less(k.thread, tile.size);
  Value key = k.add(tile.begin, k.min(k.thread, k.add(tile.size, -1))); // beyond the tile: the last once more
  Values total = totals(k, key);
  for (auto [i, row] : llvm::enumerate(pairRows)) {
    Value &sum = next[rows * E + i], &maximum = next[rows * (E + 1) + i], before = maximum;
    Value number = score(k, ValueRange(total).slice(i * sums, sums), row.place, key);
    admitted.push_back(admits(k, tile, row.place, key, isThere));
    number = k.select(admitted[i], number, k.constant(minusInfinity));
    maximum = larger(k, number, before);
    Value subtract = finiteOr0(k, maximum);
    ps.push_back(exponential(k, minus(k, number, subtract)));
    factors.push_back(exponential(k, minus(k, before, subtract)));
    sum = fma(k, sum, factors[i], ps[i]);
  }
  const int64_t atOnce = E % 4 == 0 ? 4 : E % 2 == 0 ? 2 : 1;
  for (int64_t first = 0; first < E; first += atOnce) {
    Values values = loadNeighbours(k, op.getValue(), {batch, key, keyHead, k.index(first)}, atOnce);
    for (int64_t i = 0; i < rows; ++i)
      for (auto [e, value] : llvm::enumerate(values)) {
        // The value of a pair that is not admitted may be infinite or NaN.
        Value &sum = next[i * E + first + e], scaled = times(k, sum, factors[i]);
        sum = k.select(admitted[i], fma(k, ps[i], value, scaled), scaled);
      }
  }
  return next;
}

/// What all of them know together.
Attention::Values Attention::joinInvocations(Kernel &k, ValueRange state) {
  Values joined(state);
  for (int64_t i = 0; i < rows; ++i) {
    Value &maximum = joined[rows * (E + 1) + i], own = maximum;
    maximum = combineAll(k, own, [&](Value x, Value y) { return larger(k, x, y); });
    Value factor = exponential(k, minus(k, own, finiteOr0(k, maximum)));
    auto join = [&](Value &sum) { sum = sumOfAll(k, times(k, sum, factor)); };
    join(joined[rows * E + i]);
    for (Value &element : MutableArrayRef(joined).slice(i * E, E))
      join(element);
  }
  return joined;
}

} // namespace weft::grid
