//===- Attention.cpp - attention on a GPU: rows, tiles of keys, results -------------------------------------------===//
// Answers: by which loops does a workgroup see the keys of its rows?
//
//   for each (batch, key head, block of rows)                         a workgroup
//     Q = scaled queries                                              in workgroup memory
//     for each tile of 32 to 128 keys that the mask may admit
//       s = Q K^T, scored and masked                                  an invocation has one key in several rows
//       m' = max(m, rows of s);  p = exp(s - m')
//       l = l exp(m - m') + sum of p;  O = O exp(m - m') + p V        an invocation has some elements in several rows
//     result = O / l
//
// For few rows, AttentionFew.cpp goes through the same steps with tiles of hundreds of keys, and AttentionSubgroups.cpp
// with tiles of as many keys as a subgroup has invocations. AttentionParts.cpp gives parts of the keys to workgroups.
//
// Where someone asks for probabilities the first pass leaves out O, and a second one computes p = weigh(exp(s - m) /
// l). Which keys are seen at all follows from the mask's bounds. Rows of several heads share what is read of their
// keys.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Common/Buffers.h"
#include "dialects/Conversion/WeftToGpu/AttentionMatrices.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;

namespace weft::grid {

static int64_t sizeOf(Value data, unsigned dim) { return cast<MemRefType>(data.getType()).getDimSize(dim); }

constexpr int64_t mostElements = 2048;        // of a key or a value
constexpr int64_t manyRows = 16, fewRows = 4; // of a workgroup, where there are as many
constexpr int64_t mostFewRows = 8;            // where they are all of one query
constexpr int64_t mostAlone = 256;            // elements of queries or of results that an invocation keeps, of all rows

LogicalResult checkAttention(AttentionOp op, const GpuLimits &) {
  return checkWidths(op, mostElements, "the memory of a workgroup");
}

AttentionShape::AttentionShape(AttentionOp op, const GpuLimits &limits, int64_t mostRows, bool isFew)
    : rows(mostRows), keys(128), isFew(isFew) {
  // Queries take at most half of the memory; sums of values at most 32 registers of an invocation.
  int64_t D = sizeOf(op.getQuery(), 3), E = sizeOf(op.getValue(), 3);
  auto isTooMuch = [&] {
    return (!isFew && rows * D * 4 > limits.sharedBytes / 2) || rows * E > 32 * limits.invocations;
  };
  while (rows > 1 && isTooMuch())
    rows /= 2;
  // Few rows need many keys for all invocations to have work between two barriers.
  if (isFew && limits.subgroupsAlone && rows * std::max(D, E) <= mostAlone) {
    isAlone = true;
    keys = limits.subgroup;
    return;
  }
  if (isFew) {
    if (op.getWorkspace())
      parts = cast<MemRefType>(op.getWorkspace().getType()).getDimSize(0);
    keys = parts > 1 ? limits.invocations : 512;
    auto bytes = [&] {
      return 4 * rows * (keys + limits.invocations + 3) + (4 + bytesToAddShares) * limits.invocations;
    };
    while (keys > limits.invocations && bytes() > limits.sharedBytes)
      keys /= 2;
    return;
  }
  // One pair of a row and a key for each invocation, or more where a tile would be small.
  auto numbers = [&] { return rows * D + keys * (stretch + 1) + rows * keys + limits.invocations + 6 * rows; };
  while (keys > 32 && (rows * keys > limits.invocations || 4 * numbers() > limits.sharedBytes))
    keys /= 2;
}

Attention::Attention(ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits, const AttentionShape &shape)
    : b(b), op(op), limits(limits), rows(shape.rows), keysOfTile(shape.keys), H(sizeOf(op.getQuery(), 2)),
      G(sizeOf(op.getKey(), 2)), D(sizeOf(op.getQuery(), 3)), E(sizeOf(op.getValue(), 3)), sums(op.getSums()),
      isFew(shape.isFew), isAlone(shape.isAlone), parts(shape.parts),
      bounds(MaskBounds::of(op.getMask(), /*acrossHeads=*/H != G)) {
  bool useful = false;
  if (!bounds.exact)
    intervals = MaskIntervals::of(op.getMask(), /*acrossHeads=*/H != G, &useful);
  if (!useful)
    intervals.reset();
  LoopBuilder host(b);
  batches = host.sizeOf(op.getQuery(), 0);
  S = host.sizeOf(op.getQuery(), 1);
  T = host.sizeOf(op.getKey(), 1);
  past = op.getPast() ? Value(op.getPast()) : host.index(0);
  rowsOfHead = host.mul(S, H / G);
  blocks = host.ceilDivide(rowsOfHead, rows);
}

void Attention::emit() {
  LoopBuilder host(b);
  Value groups = host.mul(host.mul(host.mul(batches, G), blocks), parts);
  if (isAlone)
    launchSubgroups(b, groups, limits, [&](Kernel &k) { emitGroup(k); });
  else
    launch(b, groups, limits.invocations, [&](Kernel &k) { emitGroup(k); });
  if (parts > 1)
    launchMerge();
}

void Attention::placeGroup(Kernel &k) {
  // Later blocks of rows first: under a causal mask they take longest, and a long one should not be the last.
  part = k.remainder(k.group, parts);
  Value group = k.divide(k.group, parts);
  Value block = k.sub(k.add(blocks, -1), k.remainder(group, blocks)), rest = k.divide(group, blocks);
  batch = k.divide(rest, G);
  keyHead = k.remainder(rest, G);
  firstRow = k.mul(block, rows);
}

void Attention::emitGroup(Kernel &k) {
  placeGroup(k);
  if (isAlone)
    return emitAlone(k);
  if (isFew)
    return emitFew(k);
  allocate(k);
  readQueries(k);
  rowsInGroup = queryBlock(k);
  range = boundsOf(k);

  Values state(valueRows.size() * elements.size() + valueRows.size(), k.constant(0.0f)); // O, then l
  state = eachTile(k, state, [&](const Tile &tile, ValueRange state) {
    Scores scores = scoreTile(k, tile);
    updateMaxima(k, scores);
    storePairs(k, scores, [&](int64_t row, Value score) {
      return exponential(k, minus(k, score, k.load(subtracted, pairRows[row].number)));
    });
    return addValues(k, tile, state, /*rescales=*/true, /*withValues=*/!hasSecondPass());
  });

  SmallVector<RowEnd> ends;
  for (auto [i, row] : llvm::enumerate(valueRows)) {
    Value sum = state[valueRows.size() * elements.size() + i];
    ends.push_back(endOfRow(k, k.load(maxima, row.number), sum, row.place.head));
  }
  if (hasSecondPass()) {
    k.barrier(); // everyone has read the maxima
    for (auto [row, end] : llvm::zip(valueRows, ends))
      k.when(isFirstElement, [&, &row = row, &end = end] {
        k.store(end.maximum, subtracted, row.number);
        k.store(end.inverse, inverses, row.number);
        k.store(k.select(end.empty, k.constant(0.0f), k.constant(1.0f)), rowSums, row.number);
      });
    k.barrier();
    state = eachTile(k, state, [&](const Tile &tile, ValueRange state) {
      Scores scores = scoreTile(k, tile);
      Value key = k.add(tile.begin, ownKey);
      storePairs(k, scores, [&](int64_t row, Value score) { return probability(k, pairRows[row], score, key); });
      writeWeights(k, scores, key);
      return addValues(k, tile, state, /*rescales=*/false, /*withValues=*/true);
    });
  }
  writeResults(k, state, ends);
}

//===-- rows ------------------------------------------------------------------------------------------------------===//

Attention::Place Attention::placeOf(Kernel &k, Value row) {
  Value number = k.add(firstRow, row), isInside = k.less(number, rowsOfHead);
  number = k.min(number, k.add(rowsOfHead, -1));
  Value head = k.add(k.mul(keyHead, H / G), k.remainder(number, H / G));
  return {batch, head, k.divide(number, H / G), isInside};
}

void Attention::allocate(Kernel &k) {
  queries = k.shared({rows, D});
  keys = k.shared({keysOfTile, AttentionShape::stretch + 1});
  pairs = k.shared({rows, keysOfTile});
  found = k.shared({k.threads});
  maxima = k.shared({rows});
  subtracted = k.shared({rows});
  factors = k.shared({rows});
  if (hasSecondPass()) {
    rowSums = k.shared({rows});
    inverses = k.shared({rows});
  }

  /// Rows first, first + apart, ...: as many as give every row to someone.
  auto divide = [&](SmallVector<OwnRow> &own, Value first, int64_t apart) {
    own.clear();
    for (int64_t row = 0; row < rows; row += apart) {
      Value number = k.min(k.add(first, row), k.index(rows - 1));
      own.push_back({number, placeOf(k, number)});
    }
  };
  ownKey = k.remainder(k.thread, keysOfTile);
  divide(pairRows, k.divide(k.thread, keysOfTile), k.threads / keysOfTile);
  int64_t across = std::min<int64_t>(k.threads, llvm::PowerOf2Ceil(E));
  Value element = k.remainder(k.thread, across), first = k.divide(k.thread, across);
  divide(valueRows, first, k.threads / across);
  areAllElements = E % across == 0;
  hasValueRow = k.less(first, k.index(rows));
  isFirstElement = k.both(hasValueRow, k.compare(arith::CmpIPredicate::eq, element, k.index(0)));
  elements.clear();
  for (int64_t e = 0; e < E; e += across)
    elements.push_back(k.add(element, e));
}

float Attention::scaleOfQueries() {
  int exponent;
  bool isPowerOfTwo = std::abs(std::frexp(scale(), &exponent)) == 0.5f;
  return isPowerOfTwo && op.getSimilarity().empty() ? scale() : 1.0f;
}

void Attention::readQueries(Kernel &k) {
  k.loop(k.thread, k.index(rows * D), k.index(k.threads), [&](Value i) {
    Value row = k.divide(i, D), d = k.remainder(i, D);
    Place place = placeOf(k, row);
    k.store(query(k, place, d), queries, {row, d});
  });
  k.when(k.less(k.thread, k.index(rows)), [&] { k.store(k.constant(minusInfinity), maxima, k.thread); });
  k.barrier();
}

//===-- tiles -----------------------------------------------------------------------------------------------------===//

QueryBlock Attention::queryBlock(Kernel &k) {
  Place first = placeOf(k, k.index(0)), last = placeOf(k, k.index(rows - 1));
  QueryBlock block = {batch, first.head, last.head, k.add(past, first.query), k.add(past, last.query)};
  if (H != G) { // rows of several queries have all heads of the group
    Value oneQuery = k.compare(arith::CmpIPredicate::eq, first.query, last.query), firstOfGroup = k.mul(keyHead, H / G);
    block.firstHead = k.select(oneQuery, first.head, firstOfGroup);
    block.lastHead = k.select(oneQuery, last.head, k.add(firstOfGroup, H / G - 1));
  }
  return block;
}

// In 64 bits, which formulas of masks may need on their way to a position, and an index of a kernel does not have.
EmittedBounds Attention::boundsOf(Kernel &k) {
  if (!hasMask() || intervals)
    return {k.index(0), T, k.index(0), hasMask() ? k.index(0) : T};
  auto wide = [&](Value x) -> Value { return arith::IndexCastOp::create(b, b.getI64Type(), x); };
  auto narrow = [&](Value x) -> Value { return arith::IndexCastOp::create(b, b.getIndexType(), x); };
  EmittedBounds wideBounds = emitBounds(b, b.getLoc(), bounds, op.getMask(), batch, rowsInGroup.firstHead,
                                        wide(rowsInGroup.firstQuery), wide(rowsInGroup.lastQuery), wide(T));
  return {narrow(wideBounds.begin), narrow(wideBounds.end), narrow(wideBounds.wholeBegin), narrow(wideBounds.wholeEnd)};
}

Attention::Values Attention::eachTile(Kernel &k, ValueRange state, TileBody body) {
  if (!intervals)
    return eachTileOf(k, range, state, body);
  KeyQuestions questions = {/*lanes=*/1, b.getI64Type()};
  return eachTestedKeyBlock(
      k, op.getMask(), *intervals, rowsInGroup, T, range.begin, range.end, questions, state,
      [&](const KeyBlock &block, ValueRange state) { return eachTileOf(k, block.bounds, state, body); });
}

Attention::Values Attention::eachTileOf(Kernel &k, const EmittedBounds &range, ValueRange state, TileBody body) {
  return k.loop(range.begin, range.end, k.index(keysOfTile), state, [&](Value begin, ValueRange state) {
    Value end = k.min(k.add(begin, keysOfTile), range.end);
    Value isWhole = k.both(k.compare(arith::CmpIPredicate::sge, begin, range.wholeBegin),
                           k.compare(arith::CmpIPredicate::sle, end, range.wholeEnd));
    return body({begin, k.sub(end, begin), isWhole}, state);
  });
}

//===-- results ---------------------------------------------------------------------------------------------------===//

static Value isEqual(LoopBuilder &k, Value x, Value y) {
  return arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, x, y);
}

Attention::Value Attention::finiteOr0(Kernel &k, Value maximum) {
  return k.select(isEqual(k, maximum, k.constant(minusInfinity)), k.constant(0.0f), maximum);
}

// The sink comes last: until then a sum of 0 says that the row has no key to attend to, whatever the sink is.
Attention::RowEnd Attention::endOfRow(Kernel &k, Value maximum, Value sum, Value head) {
  RowEnd end;
  end.empty = isEqual(k, sum, k.constant(0.0f));
  if (op.getSink()) {
    Value sink = k.load(op.getSink(), head), ofKeys = maximum;
    maximum = finiteOr0(k, larger(k, sink, ofKeys));
    end.factor = exponential(k, minus(k, ofKeys, maximum));
    sum = plus(k, times(k, sum, end.factor), exponential(k, minus(k, sink, maximum)));
  } else {
    maximum = finiteOr0(k, maximum);
  }
  end.maximum = maximum;
  end.inverse = over(k, k.constant(1.0f), sum);
  end.factor = end.factor ? times(k, end.factor, end.inverse) : end.inverse;
  if (op.getLse())
    end.lse = plus(k, maximum, math::LogOp::create(b, sum));
  return end;
}

// Rows that admit nothing are 0, whatever 0 * value has made of them.
void Attention::writeResults(Kernel &k, ValueRange state, ArrayRef<RowEnd> ends) {
  for (auto [i, row] : llvm::enumerate(valueRows)) {
    const RowEnd &end = ends[i];
    Place place = row.place;
    k.when(k.both(place.isInside, hasValueRow), [&, i = i] {
      for (auto [j, element] : llvm::enumerate(elements)) {
        Value sum = state[i * elements.size() + j];
        Value result = k.select(end.empty, k.constant(0.0f), hasSecondPass() ? sum : times(k, sum, end.factor));
        auto write = [&, element = element] {
          k.store(result, op.getOut(), {batch, place.query, place.head, element});
        };
        if (areAllElements)
          write();
        else
          k.when(k.less(element, k.index(E)), write);
      }
      if (op.getLse())
        k.when(isFirstElement,
               [&] { k.store(end.lse, op.getOuts()[op.getLseNumber()], {batch, place.query, place.head}); });
    });
  }
}

/// Those of this invocation's pairs, which `pairs` holds.
void Attention::writeWeights(Kernel &k, const Scores &scores, Value key) {
  if (!op.getWeights())
    return;
  Value weights = op.getOuts()[op.getWeightsNumber()];
  for (auto [i, row] : llvm::enumerate(pairRows))
    k.when(k.both(scores.admitted[i], row.place.isInside), [&, &row = row] {
      k.store(k.load(pairs, {row.number, ownKey}), weights, {batch, row.place.query, row.place.head, key});
    });
}

void emitAttention(ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits) {
  LoopBuilder host(b);
  if (op.getWeights() && !op.getMask().empty()) {
    // The second pass writes the weights of admitted keys alone.
    Value weights = op.getOuts()[op.getWeightsNumber()];
    SmallVector<Value> sizes;
    Value items = host.index(1);
    for (int64_t d = 0; d < 4; ++d) {
      sizes.push_back(host.sizeOf(weights, d));
      items = host.mul(items, sizes.back());
    }
    launchItems(b, items, limits,
                [&](Kernel &k, Value item) { k.store(k.constant(0.0f), weights, unflatten(k, item, sizes)); });
  }
  int64_t ratio = sizeOf(op.getQuery(), 2) / sizeOf(op.getKey(), 2);
  Value queriesOfHead = host.mul(host.sizeOf(op.getQuery(), 1), ratio);
  auto isAtMost = [&](int64_t rows) {
    return host.compare(arith::CmpIPredicate::sle, queriesOfHead, host.index(rows));
  };
  auto emitFor = [&](int64_t rows, bool isFew) {
    return [&, rows, isFew] { Attention(b, op, limits, AttentionShape(op, limits, rows, isFew)).emit(); };
  };
  bool hasTwoPasses = op.getWeights() || !op.getWeigh().empty();
  int64_t ofOneQuery = llvm::PowerOf2Ceil(ratio);
  SmallVector<int64_t> counts;
  for (int64_t rows : {ofOneQuery, fewRows})
    if (rows <= mostFewRows && (counts.empty() || rows > counts.back()))
      counts.push_back(rows);
  MatrixAttentionShape matrices(op, limits);
  auto emitMany = [&] {
    if (!matrices.fits(op, limits))
      return emitFor(manyRows, /*isFew=*/false)();
    host.when(isAtMost(rowsForMatrices - 1), emitFor(manyRows, /*isFew=*/false),
              [&] { emitMatrixAttention(b, op, limits, matrices); });
  };
  std::function<void(size_t)> emitFrom = [&](size_t i) {
    if (i == counts.size())
      return emitMany();
    host.when(isAtMost(counts[i]), emitFor(counts[i], !hasTwoPasses), [&] { emitFrom(i + 1); });
  };
  emitFrom(0);
}

} // namespace weft::grid
