//===- AttentionInRegisters.cpp - attention whose rows stay in matrices -------------------------------------------===//
// Answers: how do scores become probabilities without leaving the registers of a subgroup?
//
//   for each tile of keys that the mask may admit
//     S = Q K^T;  s = scored and masked S                  a function of each element: its place says row and key
//     m' = max(m, s of the row);  f = exp(m - m')          all columns of m, f and l are equal
//     P = exp(s - m');  l = l f + sum of P's row
//     O = O f + P V                                        P, rounded to f16, is a left operand
//   result = O / l
//
// What lies in the place of a pair that is not admitted must not count, infinite or not: values that are not finite are
// 0 in the product. Where a tile holds some and there is a mask, products of what is admitted with what is +inf, -inf
// and NaN count how many of them a result has to show.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/AttentionMatrices.h"
#include "dialects/Matrix/IR/MatrixOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace weft::grid {

using Elementwise = gpu::MMAElementwiseOp;

void AttentionInRegisters::emitRows(Kernel &k) {
  Values state = {filled(k, minusInfinity), filled(k, 0.0f)}; // m and l
  state.append(shape.valueWidth / shape.matrix.columns, filled(k, 0.0f));
  writeMatrices(k, eachTile(k, state, [&](const Tile &tile, ValueRange state) { return addTile(k, tile, state); }));
}

//===-- matrices --------------------------------------------------------------------------------------------------===//

Value AttentionInRegisters::map(ValueRange matrices, Element element) {
  return matrix::MapOp::create(b, matrices, element);
}

Value AttentionInRegisters::ofRows(Value matrix, llvm::function_ref<Value(Value, Value)> combine) {
  return matrix::ReduceRowsOp::create(b, matrix, combine);
}

Value AttentionInRegisters::asLeft(Value matrix) { return matrix::ConvertOp::create(b, typeOf("AOp"), matrix); }

//===-- a tile of keys --------------------------------------------------------------------------------------------===//

/// A value as f16 holds it.
static Value rounded(Kernel &k, Value value) {
  Value half = arith::TruncFOp::create(k.b, k.b.getF16Type(), value);
  return arith::ExtFOp::create(k.b, k.b.getF32Type(), half);
}

AttentionInRegisters::Pair AttentionInRegisters::pairOf(Kernel &k, const Tile &tile, int64_t c, Value row,
                                                        Value column) {
  Value inTile = k.add(column, c * shape.matrix.columns), isThere = k.less(inTile, tile.size);
  Value lastKey = k.add(k.add(tile.begin, tile.size), -1);
  Pair pair = {placeOf(k, k.add(subgroupRow, row)), k.min(k.add(tile.begin, inTile), lastKey), Value()};
  pair.isAdmitted = admits(k, tile, pair.place, pair.key, isThere);
  return pair;
}

Value AttentionInRegisters::scored(Kernel &k, const Tile &tile, int64_t c, Value products) {
  return map(products, [&](Value row, Value column, ValueRange sums) {
    Pair pair = pairOf(k, tile, c, row, column);
    return k.select(pair.isAdmitted, score(k, sums, pair.place, pair.key), k.constant(minusInfinity));
  });
}

Attention::Values AttentionInRegisters::addTile(Kernel &k, const Tile &tile, ValueRange state) {
  Values scores = multiplyKeys(k, tile);
  k.barrier();
  bringValues(k, tile, [&](Value value) -> Value {
    if (!hasMask())
      return value;
    Value magnitude = math::AbsFOp::create(b, rounded(k, value));
    Value isFinite = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, magnitude, k.constant(-minusInfinity));
    return k.select(isFinite, value, k.constant(0.0f));
  });

  auto largest = [&](Value x, Value y) { return larger(k, x, y); };
  for (auto [c, matrix] : llvm::enumerate(scores))
    matrix = scored(k, tile, c, matrix);
  Value best = scores.front();
  for (Value matrix : ArrayRef(scores).drop_front())
    best = map({best, matrix}, [&](Value, Value, ValueRange pair) { return largest(pair[0], pair[1]); });
  Value maximum =
      map({ofRows(best, largest), state[0]}, [&](Value, Value, ValueRange pair) { return largest(pair[0], pair[1]); });

  auto above = [&](Value matrix) { // exp(matrix - m')
    return map({matrix, maximum},
               [&](Value, Value, ValueRange pair) { return exponential(k, minus(k, pair[0], finiteOr0(k, pair[1]))); });
  };
  Value factor = above(state[0]);
  Values lefts;
  Value sum;
  for (Value matrix : scores) {
    Value p = above(matrix);
    sum = sum ? combined(sum, p, Elementwise::ADDF) : p;
    lefts.push_back(asLeft(p));
  }
  sum = ofRows(sum, [&](Value x, Value y) { return plus(k, x, y); });
  sum = combined(combined(state[1], factor, Elementwise::MULF), sum, Elementwise::ADDF);
  Values results = llvm::map_to_vector(state.drop_front(2),
                                       [&](Value matrix) { return combined(matrix, factor, Elementwise::MULF); });

  k.barrier(); // the values have come
  results = addProducts(k, lefts, results);
  if (hasMask())
    results = k.choose(isFlagged(k), [&] { return addInfinite(k, tile, scores, results); }, [&] { return results; });
  Values next = {maximum, sum};
  next.append(results);
  return next;
}

Attention::Values AttentionInRegisters::addProducts(Kernel &k, ValueRange lefts, ValueRange results) {
  Values next(results);
  for (auto [c, left] : llvm::enumerate(lefts))
    next = addProduct(k, left, k.index(c * shape.matrix.depth), next);
  return next;
}

/// Adds to each result what admitted keys have that is not finite.
Attention::Values AttentionInRegisters::addInfinite(Kernel &k, const Tile &tile, ValueRange scores,
                                                    ValueRange results) {
  Values admitted;
  for (auto [c, matrix] : llvm::enumerate(scores))
    admitted.push_back(asLeft(map(matrix, [&, c = c](Value row, Value column, ValueRange) {
      return k.select(pairOf(k, tile, c, row, column).isAdmitted, k.constant(1.0f), k.constant(0.0f));
    })));
  // 0: +inf, 1: -inf, 2: NaN.
  return k.loop(k.index(3), results, [&](Value kind, ValueRange results) {
    auto is = [&](int64_t number) { return k.compare(arith::CmpIPredicate::eq, kind, k.index(number)); };
    Value sought = k.select(is(1), k.constant(minusInfinity), k.constant(-minusInfinity));
    Value shown = k.select(is(2), k.constant(std::numeric_limits<float>::quiet_NaN()), sought);
    k.barrier(); // all are done with what lies there
    bringValues(k, tile, [&](Value value) {
      Value number = rounded(k, value);
      Value isSought = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, number, sought);
      Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, number, number);
      return k.select(k.select(is(2), isNaN, isSought), k.constant(1.0f), k.constant(0.0f));
    });
    k.barrier();
    Values next, counts(results.size(), filled(k, 0.0f));
    for (auto [count, result] : llvm::zip_equal(addProducts(k, admitted, counts), results))
      next.push_back(map({result, count}, [&](Value, Value, ValueRange pair) {
        Value isShown = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, pair[1], k.constant(0.0f));
        return k.select(isShown, plus(k, pair[0], shown), pair[0]);
      }));
    return next;
  });
}

//===-- results ---------------------------------------------------------------------------------------------------===//

/// From the registers to where the results lie: an element is written by the invocation that has it. Rows that admit
/// nothing are 0; their factor is -1, which none other is.
void AttentionInRegisters::writeMatrices(Kernel &k, ValueRange state) {
  Value factor = map({state[0], state[1]}, [&](Value row, Value column, ValueRange pair) {
    Place place = placeOf(k, k.add(subgroupRow, row));
    RowEnd end = endOfRow(k, pair[0], pair[1], place.head);
    if (op.getLse()) {
      Value isFirst = k.compare(arith::CmpIPredicate::eq, column, k.index(0));
      k.when(k.both(isFirst, place.isInside),
             [&] { k.store(end.lse, op.getOuts()[op.getLseNumber()], {batch, place.query, place.head}); });
    }
    return k.select(end.empty, k.constant(-1.0f), end.factor);
  });
  for (auto [e, matrix] : llvm::enumerate(state.drop_front(2)))
    map({matrix, factor}, [&, e = e](Value row, Value column, ValueRange pair) {
      Place place = placeOf(k, k.add(subgroupRow, row));
      Value element = k.add(column, e * shape.matrix.columns);
      Value isEmpty = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, pair[1], k.constant(0.0f));
      Value result = k.select(isEmpty, k.constant(0.0f), times(k, pair[0], pair[1]));
      k.when(k.both(place.isInside, k.less(element, k.index(E))),
             [&] { k.store(result, op.getOut(), {batch, place.query, place.head, element}); });
      return pair[0];
    });
}

} // namespace weft::grid
