//===- AttentionTile.cpp - attention on a GPU: one tile of keys ---------------------------------------------------===//
// Answers: how do the invocations of a workgroup turn queries and keys into probabilities, and these into sums?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Attention.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;

namespace weft::grid {

// What stands for a pair that is not admitted: as a number it adds nothing, and its value is not looked at, which may
// be infinite or NaN.
constexpr int32_t notAdmitted = std::numeric_limits<int32_t>::min(); // -0.0f

//===-- scores ----------------------------------------------------------------------------------------------------===//

/// Adds the terms of one element to the sums of a pair.
void Attention::addTerms(Kernel &k, const Place &place, Value query, Value key, Value element,
                         MutableArrayRef<Value> sums) {
  if (op.getSimilarity().empty()) {
    sums.front() = fma(k, query, key, sums.front());
    return;
  }
  Values terms = inlineBlock(k, op.getSimilarity().front(), {query, key, batch, place.head, element});
  for (auto [sum, term] : llvm::zip_equal(sums, terms))
    sum = plus(k, sum, term);
}

Value Attention::score(Kernel &k, ValueRange sumsOfPair, const Place &place, Value key) {
  Values arguments(sumsOfPair);
  if (float rest = scale() / scaleOfQueries(); rest != 1)
    for (Value &sum : arguments)
      sum = times(k, sum, k.constant(rest));
  if (op.getScore().empty())
    return arguments.front();
  arguments.append({batch, place.head, k.add(past, place.query), key});
  return inlineBlock(k, op.getScore().front(), arguments).front();
}

Value Attention::admits(Kernel &k, const Tile &tile, const Place &place, Value key, Value isThere) {
  if (!hasMask())
    return isThere;
  auto always = [&]() -> Values { return {isThere}; };
  auto tested = [&]() -> Values {
    Values position = {batch, place.head, k.add(past, place.query), key};
    return {k.both(isThere, inlineBlock(k, op.getMask().front(), position).front())};
  };
  return k.choose(tile.isWhole, always, tested).front();
}

Attention::Scores Attention::scoreTile(Kernel &k, const Tile &tile) {
  constexpr int64_t stretch = AttentionShape::stretch;
  Value lastKey = k.add(k.add(tile.begin, tile.size), -1);
  Values start(pairRows.size() * sums, k.constant(0.0f));
  Values total = k.loop(k.index(0), k.index(D), k.index(stretch), start, [&](Value first, ValueRange soFar) {
    Value width = D % stretch ? k.min(k.index(stretch), k.sub(k.index(D), first)) : k.index(stretch);
    k.barrier();
    k.loop(k.thread, k.index(keysOfTile * stretch), k.index(k.threads), [&](Value i) {
      Value d = k.remainder(i, stretch), row = k.divide(i, stretch);
      Value element = D % stretch ? k.min(k.add(first, d), k.index(D - 1)) : k.add(first, d);
      Value key = k.min(k.add(tile.begin, row), lastKey); // beyond the tile: the last once more
      k.store(k.load(op.getKey(), {batch, key, keyHead, element}), keys, {row, d});
    });
    k.barrier();
    return k.loop(width, soFar, [&](Value d, ValueRange soFar) {
      Values next(soFar);
      Value key = k.load(keys, {ownKey, d}), element = k.add(first, d);
      for (auto [i, row] : llvm::enumerate(pairRows))
        addTerms(k, row.place, k.load(queries, {row.number, element}), key, element,
                 MutableArrayRef(next).slice(i * sums, sums));
      return next;
    });
  });

  Scores result;
  Value isThere = k.less(ownKey, tile.size), key = k.min(k.add(tile.begin, ownKey), lastKey);
  for (auto [i, row] : llvm::enumerate(pairRows)) {
    Value number = score(k, ValueRange(total).slice(i * sums, sums), row.place, key);
    result.admitted.push_back(admits(k, tile, row.place, key, isThere));
    result.scores.push_back(k.select(result.admitted.back(), number, k.constant(minusInfinity)));
  }
  return result;
}

void Attention::updateMaxima(Kernel &k, const Scores &scores) {
  for (auto [row, score] : llvm::zip(pairRows, scores.scores))
    k.store(score, pairs, {row.number, ownKey});
  agreeOnMaxima(k, pairs, keysOfTile);
}

void Attention::agreeOnMaxima(Kernel &k, Value candidates, int64_t count) {
  k.barrier();
  // Several invocations look at a row, then one at what they found.
  int64_t each = std::min<int64_t>(k.threads / rows, 16);
  Value row = k.divide(k.thread, each);
  k.when(k.less(row, k.index(rows)), [&] {
    Values best =
        k.loop(k.remainder(k.thread, each), k.index(count), k.index(each), k.constant(minusInfinity),
               [&](Value i, ValueRange soFar) { return Values{larger(k, k.load(candidates, {row, i}), soFar[0])}; });
    k.store(best.front(), found, k.thread);
  });
  k.barrier();
  k.when(k.less(k.thread, k.index(rows)), [&] {
    Value before = k.load(maxima, k.thread), first = k.mul(k.thread, each);
    Value maximum = k.loop(k.index(each), before, [&](Value i, ValueRange soFar) {
                       return Values{larger(k, k.load(found, k.add(first, i)), soFar[0])};
                     }).front();
    Value isNone = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, maximum, k.constant(minusInfinity));
    Value subtract = k.select(isNone, k.constant(0.0f), maximum);
    k.store(maximum, maxima, k.thread);
    k.store(subtract, subtracted, k.thread);
    k.store(exponential(k, minus(k, before, subtract)), factors, k.thread);
  });
  k.barrier();
}

//===-- probabilities ---------------------------------------------------------------------------------------------===//

Value Attention::nothing() {
  return arith::BitcastOp::create(b, b.getF32Type(), arith::ConstantOp::create(b, b.getI32IntegerAttr(notAdmitted)));
}

Value Attention::isSomething(Kernel &k, Value p) {
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), p);
  return k.compare(arith::CmpIPredicate::ne, bits, arith::ConstantOp::create(b, b.getI32IntegerAttr(notAdmitted)));
}

void Attention::storePairs(Kernel &k, const Scores &scores, llvm::function_ref<Value(int64_t, Value)> numberOf) {
  Value none = nothing();
  for (auto [i, row] : llvm::enumerate(pairRows)) {
    Value number = k.select(scores.admitted[i], numberOf(i, scores.scores[i]), none);
    k.store(number, pairs, {row.number, ownKey});
  }
  k.barrier();
}

// Rows that are empty have a weight of 0 for every key, whatever `weigh` makes of 0.
Value Attention::probability(Kernel &k, const OwnRow &row, Value score, Value key) {
  const Place &place = row.place;
  Value p = exponential(k, minus(k, score, k.load(subtracted, row.number)));
  p = times(k, p, k.load(inverses, row.number));
  if (!op.getWeigh().empty()) {
    Values arguments = {p, batch, place.head, k.add(past, place.query), key};
    p = inlineBlock(k, op.getWeigh().front(), arguments).front();
  }
  Value zero = k.constant(0.0f);
  Value isEmpty = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, k.load(rowSums, row.number), zero);
  return k.select(isEmpty, zero, p);
}

//===-- values ----------------------------------------------------------------------------------------------------===//

/// `state`: the elements of each row, then the sum of each row's probabilities.
Attention::Values Attention::addValues(Kernel &k, const Tile &tile, ValueRange state, bool rescales, bool withValues) {
  size_t perRow = elements.size(), sumsAt = valueRows.size() * perRow;
  Values next(state);
  if (rescales)
    for (auto [i, row] : llvm::enumerate(valueRows)) {
      Value factor = k.load(factors, row.number);
      next[sumsAt + i] = times(k, next[sumsAt + i], factor);
      for (size_t e = 0; e < perRow && withValues; ++e)
        next[i * perRow + e] = times(k, next[i * perRow + e], factor);
    }
  return k.loop(tile.size, next, [&](Value key, ValueRange state) {
    Values next(state), values;
    if (withValues)
      for (Value element : elements) {
        Value inside = k.min(element, k.index(E - 1));
        values.push_back(k.load(op.getValue(), {batch, k.add(tile.begin, key), keyHead, inside}));
      }
    for (auto [i, row] : llvm::enumerate(valueRows)) {
      Value p = k.load(pairs, {row.number, key});
      next[sumsAt + i] = plus(k, next[sumsAt + i], p);
      Value counts;
      if (hasMask() && withValues)
        counts = isSomething(k, p);
      for (auto [e, value] : llvm::enumerate(values)) {
        Value sum = fma(k, p, value, next[i * perRow + e]);
        next[i * perRow + e] = counts ? k.select(counts, sum, next[i * perRow + e]) : sum;
      }
    }
    return next;
  });
}

} // namespace weft::grid
