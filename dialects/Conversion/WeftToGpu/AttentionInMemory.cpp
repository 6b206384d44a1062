//===- AttentionInMemory.cpp - attention by matrices whose rows pass through memory -------------------------------===//
// Answers: how do scores become probabilities where subgroups multiply matrices, and do nothing else with them?
//
//   for each tile of keys that the mask may admit
//     S = Q K^T                                                       matrices; S goes to workgroup memory
//     s = scored and masked S;  m' = max(m, s);  P = exp(s - m')      one or several invocations have a row
//     O = O exp(m - m') + P V                                         matrices of sums, in registers
//   result = O / l
//
// O is scaled by a matrix of equal columns, which passes through workgroup memory: no invocation knows which elements
// of a matrix it has. A pair that is not admitted has -0 for P, and its value must not count even where it is infinite
// or NaN: where a tile holds such a value and there is a mask, products are added up one by one.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/AttentionMatrices.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {

constexpr int16_t notAdmitted = std::numeric_limits<int16_t>::min(); // -0 in f16

void AttentionInMemory::emitRows(Kernel &k) {
  allocateRows(k);
  Values state = {k.constant(minusInfinity), k.constant(0.0f)}; // the row's maximum, and the sum of its probabilities
  state.append(shape.valueWidth / shape.matrix.columns, filled(k, 0.0f));
  state = eachTile(k, state, [&](const Tile &tile, ValueRange state) { return addTile(k, tile, state); });

  Value sum = ofRow(k, state[1], [&](Value x, Value y) { return plus(k, x, y); });
  RowEnd end = endOfRow(k, state[0], sum, ownPlace.head);
  writeMatrices(k, ValueRange(state).drop_front(2), end);
}

void AttentionInMemory::allocateRows(Kernel &k) {
  auto padded = MatrixAttentionShape::padded;
  scores = k.shared({rows, padded(keysOfTile)});
  probabilities = k.shared({rows, padded(keysOfTile / 2)}, VectorType::get({2}, b.getF16Type()));
  rowFactors = k.shared({rows, shape.matrix.columns});
  exchanged = k.shared({k.threads});
  ownRow = k.divide(k.thread, shape.each);
  lane = k.remainder(k.thread, shape.each);
  ownPlace = placeOf(k, ownRow);
}

//===-- a tile of keys --------------------------------------------------------------------------------------------===//

Attention::Values AttentionInMemory::addTile(Kernel &k, const Tile &tile, ValueRange state) {
  for (auto [c, products] : llvm::enumerate(multiplyKeys(k, tile)))
    store(products, scores, subgroupRow, k.index(c * shape.matrix.columns));
  k.barrier();
  bringValues(k, tile, [](Value number) { return number; });
  Values next = updateRow(k, tile, state.take_front(2));
  Value factor = next.pop_back_val();
  Values results = scaleRows(k, factor, state.drop_front(2));
  if (!hasMask()) {
    next.append(addProducts(k, results));
    return next;
  }
  next.append(k.choose(isFlagged(k), [&] { return addAdmitted(k, results); }, [&] { return addProducts(k, results); }));
  return next;
}

Value AttentionInMemory::ofRow(Kernel &k, Value own, llvm::function_ref<Value(Value, Value)> combine) {
  if (shape.each == 1)
    return own;
  k.store(own, exchanged, k.thread);
  k.barrier();
  Value first = k.mul(ownRow, shape.each), all = k.load(exchanged, first);
  for (int64_t i = 1; i < shape.each; ++i)
    all = combine(all, k.load(exchanged, k.add(first, i)));
  return all;
}

/// The new maximum and sum, and the factor of what was added up before.
Attention::Values AttentionInMemory::updateRow(Kernel &k, const Tile &tile, ValueRange state) {
  auto two = VectorType::get({2}, b.getF16Type());
  Value lastKey = k.add(k.add(tile.begin, tile.size), -1);
  auto half = [&](int16_t bits) -> Value {
    return arith::ConstantOp::create(
        b, b.getFloatAttr(b.getF16Type(), APFloat(APFloat::IEEEhalf(), APInt(16, bits, true))));
  };
  Value yes = half(0), no = half(notAdmitted);
  auto eachPair = [&](ValueRange soFar, llvm::function_ref<Values(Value, ValueRange)> body) {
    return k.loop(lane, k.index(keysOfTile / 2), k.index(shape.each), soFar, body);
  };
  Values best = eachPair(k.constant(minusInfinity), [&](Value pair, ValueRange soFar) {
    Value most = soFar[0];
    Values marks;
    for (int64_t n = 0; n < 2; ++n) {
      Value inTile = k.add(k.mul(pair, 2), n), isThere = k.less(inTile, tile.size);
      Value key = k.min(k.add(tile.begin, inTile), lastKey);
      Values sum = {k.load(scores, {ownRow, inTile})};
      Value isAdmitted = admits(k, tile, ownPlace, key, isThere);
      Value number = k.select(isAdmitted, score(k, sum, ownPlace, key), k.constant(minusInfinity));
      k.store(number, scores, {ownRow, inTile});
      marks.push_back(k.select(isAdmitted, yes, no));
      most = larger(k, number, most);
    }
    k.store(vector::FromElementsOp::create(b, two, marks), probabilities, {ownRow, pair});
    return Values{most};
  });
  auto largest = [&](Value x, Value y) { return larger(k, x, y); };
  Value maximum = larger(k, ofRow(k, best[0], largest), state[0]);
  Value isNone = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, maximum, k.constant(minusInfinity));
  Value subtract = k.select(isNone, k.constant(0.0f), maximum);
  Value factor = exponential(k, minus(k, state[0], subtract));
  Values sum = eachPair(times(k, state[1], factor), [&](Value pair, ValueRange soFar) {
    Value marks = k.load(probabilities, {ownRow, pair}), sum = soFar[0];
    Values halves;
    for (int64_t n = 0; n < 2; ++n) {
      Value number = k.load(scores, {ownRow, k.add(k.mul(pair, 2), n)});
      Value p = exponential(k, minus(k, number, subtract));
      Value bits = arith::BitcastOp::create(b, b.getI16Type(), vector::ExtractOp::create(b, marks, n));
      Value isAdmitted =
          k.compare(arith::CmpIPredicate::eq, bits, arith::ConstantOp::create(b, b.getI16IntegerAttr(0)));
      sum = k.select(isAdmitted, plus(k, sum, p), sum);
      halves.push_back(k.select(isAdmitted, arith::TruncFOp::create(b, b.getF16Type(), p).getResult(), no));
    }
    k.store(vector::FromElementsOp::create(b, two, halves), probabilities, {ownRow, pair});
    return Values{sum};
  });
  return {maximum, sum[0], factor};
}

/// Multiplies each row by the factor of its invocation; all have arrived when it returns.
Attention::Values AttentionInMemory::scaleRows(Kernel &k, Value factor, ValueRange results) {
  k.loop(lane, k.index(shape.matrix.columns), k.index(shape.each),
         [&](Value column) { k.store(factor, rowFactors, {ownRow, column}); });
  k.barrier();
  Value factors = load("COp", rowFactors, subgroupRow, k.index(0));
  return llvm::map_to_vector(
      results, [&](Value matrix) -> Value { return combined(matrix, factors, gpu::MMAElementwiseOp::MULF); });
}

Attention::Values AttentionInMemory::addProducts(Kernel &k, ValueRange results) {
  return repeat(k, keysOfTile, shape.matrix.depth, results, [&](Value key, ValueRange soFar) {
    return addProduct(k, load("AOp", probabilities, subgroupRow, key), key, soFar);
  });
}

/// The same, one product after another, and only those of pairs that are admitted.
Attention::Values AttentionInMemory::addAdmitted(Kernel &k, ValueRange results) {
  const int64_t columns = shape.matrix.columns;
  auto halfOf = [&](Value memory, Value row, Value element) -> Value {
    Value pair = k.load(memory, {row, k.divide(element, 2)});
    Value isSecond = k.compare(arith::CmpIPredicate::ne, k.remainder(element, 2), k.index(0));
    return k.select(isSecond, vector::ExtractOp::create(b, pair, 1), vector::ExtractOp::create(b, pair, 0));
  };
  auto wide = [&](Value half) -> Value { return arith::ExtFOp::create(b, b.getF32Type(), half); };
  Values next;
  for (auto [e, matrix] : llvm::enumerate(results)) {
    k.loop(lane, k.index(columns), k.index(shape.each), [&, e = e](Value column) {
      Values sum = k.loop(k.index(keysOfTile), k.constant(0.0f), [&](Value key, ValueRange soFar) {
        Value p = halfOf(probabilities, ownRow, key), value = halfOf(staged, key, k.add(column, e * columns));
        Value bits = arith::BitcastOp::create(b, b.getI16Type(), p);
        Value counts =
            k.compare(arith::CmpIPredicate::ne, bits, arith::ConstantOp::create(b, b.getI16IntegerAttr(notAdmitted)));
        return Values{k.select(counts, fma(k, wide(p), wide(value), soFar[0]), soFar[0])};
      });
      k.store(sum[0], scores, {ownRow, column});
    });
    k.barrier();
    Value products = load("COp", scores, subgroupRow, k.index(0));
    next.push_back(combined(matrix, products, gpu::MMAElementwiseOp::ADDF));
    k.barrier();
  }
  return next;
}

//===-- results ---------------------------------------------------------------------------------------------------===//

// Rows that admit nothing are 0, whatever 0 * value has made of them.
void AttentionInMemory::writeMatrices(Kernel &k, ValueRange results, const RowEnd &end) {
  const int64_t columns = shape.matrix.columns;
  k.barrier(); // all are done with the last tile
  Values scaled = scaleRows(k, end.factor, results);
  k.barrier();
  k.when(k.compare(arith::CmpIPredicate::eq, lane, k.index(0)), [&] {
    k.store(k.select(end.empty, k.constant(1.0f), k.constant(0.0f)), rowFactors, {ownRow, k.index(0)});
    if (op.getLse())
      k.when(ownPlace.isInside,
             [&] { k.store(end.lse, op.getOuts()[op.getLseNumber()], {batch, ownPlace.query, ownPlace.head}); });
  });
  const int64_t together = keysOfTile / columns; // matrices that a row of scores has room for
  for (size_t first = 0; first < scaled.size(); first += together) {
    const int64_t width = std::min<int64_t>(together, scaled.size() - first) * columns;
    for (int64_t c = 0; c < width; c += columns)
      store(scaled[first + c / columns], scores, subgroupRow, k.index(c));
    k.barrier();
    k.loop(k.thread, k.index(rows * width), k.index(k.threads), [&](Value i) {
      Value row = k.divide(i, width), column = k.remainder(i, width), element = k.add(column, first * columns);
      Place place = placeOf(k, row);
      k.when(k.both(place.isInside, k.less(element, k.index(E))), [&] {
        Value isEmpty = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, k.load(rowFactors, {row, k.index(0)}),
                                              k.constant(0.0f));
        Value result = k.select(isEmpty, k.constant(0.0f), k.load(scores, {row, column}));
        k.store(result, op.getOut(), {batch, place.query, place.head, element});
      });
    });
    k.barrier();
  }
}

} // namespace weft::grid
