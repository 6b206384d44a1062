//===- AttentionMatrices.cpp - attention by cooperative matrices --------------------------------------------------===//
// Answers: by which steps does a workgroup go through the keys?
//
//   Q = scaled queries in f16                                         in workgroup memory
//   for each tile of keys that the mask may admit
//     K = keys in f16;  S = Q K^T                                     matrices; S goes to workgroup memory
//     V = values in f16, in the place of K
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
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace weft::grid {

constexpr int16_t notAdmitted = std::numeric_limits<int16_t>::min(); // -0 in f16
constexpr int64_t mostValues = 256; // elements of a value: as many sums as registers hold

static int64_t sizeOf(Value data, unsigned dim) { return cast<MemRefType>(data.getType()).getDimSize(dim); }

//===-- shape -----------------------------------------------------------------------------------------------------===//

MatrixAttentionShape::MatrixAttentionShape(AttentionOp op, const GpuLimits &limits)
    : matrix(limits.matrix), subgroups(limits.tile.ofAttention), threads(subgroups * limits.subgroup),
      rows(subgroups * matrix.rows), keys(4 * matrix.columns) {
  if (!matrix)
    return;
  width = llvm::alignTo(sizeOf(op.getQuery(), 3), matrix.depth);
  valueWidth = llvm::alignTo(sizeOf(op.getValue(), 3), matrix.columns);
  each = limits.subgroup / matrix.rows;
  while (keys > matrix.columns && sharedBytes() > limits.sharedBytes)
    keys /= 2;
}

int64_t MatrixAttentionShape::sharedBytes() const {
  int64_t halves = rows * padded(width / 2) + keys * padded(std::max(width, valueWidth) / 2) + rows * padded(keys / 2);
  return 4 * (halves + rows * padded(keys) + rows * matrix.columns + threads + 1);
}

bool MatrixAttentionShape::fits(AttentionOp op, const GpuLimits &limits) const {
  if (!matrix || !op.getRoundsToF16() || !op.getSimilarity().empty() || op.getWeights() || !op.getWeigh().empty())
    return false;
  return limits.subgroup % matrix.rows == 0 && matrix.depth % 2 == 0 && matrix.columns % 2 == 0 &&
         keys % matrix.depth == 0 && valueWidth <= mostValues && sharedBytes() <= limits.sharedBytes;
}

MatrixAttention::MatrixAttention(ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits,
                                 const MatrixAttentionShape &shape)
    : Attention(b, op, limits, AttentionShape(shape.rows, shape.keys)), shape(shape) {}

void MatrixAttention::emit() {
  LoopBuilder host(b);
  launch(b, host.mul(host.mul(batches, G), blocks), shape.threads, [&](Kernel &k) { emitGroup(k); });
}

void MatrixAttention::emitGroup(Kernel &k) {
  placeGroup(k);
  allocateMatrices(k);
  bring(k, queryPairs, rows, D, shape.width, [&](Value row, Value element) -> Value {
    Place place = placeOf(k, row);
    Value query = k.load(op.getQuery(), {batch, place.query, place.head, element});
    return scaleOfQueries() == 1 ? query : times(k, query, k.constant(scaleOfQueries()));
  });
  rowsInGroup = queryBlock(k);
  range = boundsOf(k);

  Value none = gpu::SubgroupMmaConstantMatrixOp::create(b, typeOf("COp"), k.constant(0.0f));
  Values state = {k.constant(minusInfinity), k.constant(0.0f)}; // the row's maximum, and the sum of its probabilities
  state.append(shape.valueWidth / shape.matrix.columns, none);
  state = eachTile(k, state, [&](const Tile &tile, ValueRange state) { return addTile(k, tile, state); });

  Value sum = ofRow(k, state[1], [&](Value x, Value y) { return plus(k, x, y); });
  RowEnd end = endOfRow(k, state[0], sum, ownPlace.head);
  writeMatrices(k, ValueRange(state).drop_front(2), end);
}

void MatrixAttention::allocateMatrices(Kernel &k) {
  auto padded = MatrixAttentionShape::padded;
  auto pair = VectorType::get({2}, b.getF16Type());
  queryPairs = k.shared({rows, padded(shape.width / 2)}, pair);
  staged = k.shared({keysOfTile, padded(std::max(shape.width, shape.valueWidth) / 2)}, pair);
  scores = k.shared({rows, padded(keysOfTile)});
  probabilities = k.shared({rows, padded(keysOfTile / 2)}, pair);
  rowFactors = k.shared({rows, shape.matrix.columns});
  exchanged = k.shared({k.threads});
  flag = k.shared({1}, b.getI32Type());
  subgroupRow = k.mul(gpu::SubgroupIdOp::create(b, b.getIndexType(), /*upper_bound=*/nullptr), shape.matrix.rows);
  ownRow = k.divide(k.thread, shape.each);
  lane = k.remainder(k.thread, shape.each);
  ownPlace = placeOf(k, ownRow);
}

//===-- matrices --------------------------------------------------------------------------------------------------===//

Type MatrixAttention::typeOf(StringRef use) {
  const MatrixShape &m = shape.matrix;
  if (use == "COp")
    return gpu::MMAMatrixType::get({m.rows, m.columns}, b.getF32Type(), use);
  auto size = use == "AOp" ? std::array{m.rows, m.depth} : std::array{m.depth, m.columns};
  return gpu::MMAMatrixType::get(size, b.getF16Type(), use);
}

/// `column` counts elements, of which pairs of halves have two.
Value MatrixAttention::load(StringRef use, Value memory, Value row, Value column, bool transposed) {
  LoopBuilder k(b);
  auto type = cast<MemRefType>(memory.getType());
  if (isa<VectorType>(type.getElementType()))
    column = k.divide(column, 2);
  return gpu::SubgroupMmaLoadMatrixOp::create(b, typeOf(use), memory, ValueRange{row, column},
                                              b.getIndexAttr(type.getDimSize(1)),
                                              transposed ? b.getUnitAttr() : UnitAttr());
}

void MatrixAttention::store(Kernel &, Value matrix, Value memory, Value row, Value column) {
  int64_t length = cast<MemRefType>(memory.getType()).getDimSize(1);
  gpu::SubgroupMmaStoreMatrixOp::create(b, matrix, memory, ValueRange{row, column}, b.getIndexAttr(length),
                                        /*transpose=*/UnitAttr());
}

Attention::Values MatrixAttention::repeat(Kernel &k, int64_t end, int64_t step, ValueRange state,
                                          llvm::function_ref<Values(Value, ValueRange)> body) {
  if (!limits.tile.unrolls)
    return k.loop(k.index(0), k.index(end), k.index(step), state, body);
  Values next(state);
  for (int64_t i = 0; i < end; i += step)
    next = body(k.index(i), next);
  return next;
}

//===-- workgroup memory ------------------------------------------------------------------------------------------===//

void MatrixAttention::bring(Kernel &k, Value memory, int64_t rows, int64_t width, int64_t paddedWidth,
                            llvm::function_ref<Value(Value, Value)> load) {
  const int64_t pairs = paddedWidth / 2;
  auto two = VectorType::get({2}, b.getF16Type());
  k.loop(k.thread, k.index(rows * pairs), k.index(k.threads), [&](Value i) {
    Value row = k.divide(i, pairs), at = k.remainder(i, pairs);
    Values halves;
    for (int64_t n = 0; n < 2; ++n) {
      Value element = k.add(k.mul(at, 2), n);
      bool mayBeBeyond = width < paddedWidth;
      Value number = load(row, mayBeBeyond ? k.min(element, k.index(width - 1)) : element);
      if (mayBeBeyond)
        number = k.select(k.less(element, k.index(width)), number, k.constant(0.0f));
      halves.push_back(arith::TruncFOp::create(b, b.getF16Type(), number));
    }
    k.store(vector::FromElementsOp::create(b, two, halves), memory, {row, at});
  });
}

void MatrixAttention::bringKeys(Kernel &k, const Tile &tile) {
  Value lastKey = k.add(k.add(tile.begin, tile.size), -1);
  bring(k, staged, keysOfTile, D, shape.width, [&](Value row, Value element) {
    Value key = k.min(k.add(tile.begin, row), lastKey); // beyond the tile: the last once more
    return k.load(op.getKey(), {batch, key, keyHead, element});
  });
  Value isFirst = k.compare(arith::CmpIPredicate::eq, k.thread, k.index(0));
  k.when(isFirst, [&] { k.store(arith::ConstantOp::create(b, b.getI32IntegerAttr(0)), flag, k.index(0)); });
}

/// The flag is set where a value is not finite: by any number of invocations, all to the same.
void MatrixAttention::bringValues(Kernel &k, const Tile &tile) {
  Value lastKey = k.add(k.add(tile.begin, tile.size), -1);
  Value largest = k.constant(65504.0f);
  bring(k, staged, keysOfTile, E, shape.valueWidth, [&](Value row, Value element) {
    Value key = k.min(k.add(tile.begin, row), lastKey);
    Value number = k.load(op.getValue(), {batch, key, keyHead, element});
    if (hasMask()) {
      Value magnitude = math::AbsFOp::create(b, number);
      Value isNot = arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, magnitude, largest);
      k.when(isNot, [&] { k.store(arith::ConstantOp::create(b, b.getI32IntegerAttr(1)), flag, k.index(0)); });
    }
    return k.select(k.less(row, tile.size), number, k.constant(0.0f));
  });
}

//===-- a tile of keys --------------------------------------------------------------------------------------------===//

Attention::Values MatrixAttention::addTile(Kernel &k, const Tile &tile, ValueRange state) {
  k.barrier(); // all are done with the last tile
  bringKeys(k, tile);
  k.barrier();
  multiplyKeys(k);
  k.barrier();
  bringValues(k, tile);
  Values next = updateRow(k, tile, state.take_front(2));
  Value factor = next.pop_back_val();
  Values results = scaleRows(k, factor, state.drop_front(2));
  if (!hasMask()) {
    next.append(addProducts(k, results));
    return next;
  }
  Value isOdd = k.compare(arith::CmpIPredicate::ne, k.load(flag, k.index(0)),
                          arith::ConstantOp::create(b, b.getI32IntegerAttr(0)));
  next.append(k.choose(isOdd, [&] { return addAdmitted(k, results); }, [&] { return addProducts(k, results); }));
  return next;
}

void MatrixAttention::multiplyKeys(Kernel &k) {
  const MatrixShape &m = shape.matrix;
  const int64_t across = keysOfTile / m.columns;
  Values sums(across, gpu::SubgroupMmaConstantMatrixOp::create(b, typeOf("COp"), k.constant(0.0f)));
  sums = repeat(k, shape.width, m.depth, sums, [&](Value element, ValueRange soFar) {
    Values next;
    Value left = load("AOp", queryPairs, subgroupRow, element);
    for (int64_t c = 0; c < across; ++c) {
      Value right = load("BOp", staged, k.index(c * m.columns), element, /*transposed=*/true);
      next.push_back(gpu::SubgroupMmaComputeOp::create(b, left, right, soFar[c], UnitAttr(), UnitAttr()));
    }
    return next;
  });
  for (int64_t c = 0; c < across; ++c)
    store(k, sums[c], scores, subgroupRow, k.index(c * m.columns));
}

Value MatrixAttention::ofRow(Kernel &k, Value own, llvm::function_ref<Value(Value, Value)> combine) {
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
Attention::Values MatrixAttention::updateRow(Kernel &k, const Tile &tile, ValueRange state) {
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
Attention::Values MatrixAttention::scaleRows(Kernel &k, Value factor, ValueRange results) {
  k.loop(lane, k.index(shape.matrix.columns), k.index(shape.each),
         [&](Value column) { k.store(factor, rowFactors, {ownRow, column}); });
  k.barrier();
  Value factors = load("COp", rowFactors, subgroupRow, k.index(0));
  return llvm::map_to_vector(results, [&](Value matrix) -> Value {
    return gpu::SubgroupMmaElementwiseOp::create(b, matrix.getType(), ValueRange{matrix, factors},
                                                 gpu::MMAElementwiseOp::MULF);
  });
}

Attention::Values MatrixAttention::addProducts(Kernel &k, ValueRange results) {
  const MatrixShape &m = shape.matrix;
  return repeat(k, keysOfTile, m.depth, results, [&](Value key, ValueRange soFar) {
    Values next;
    Value left = load("AOp", probabilities, subgroupRow, key);
    for (auto [e, sum] : llvm::enumerate(soFar)) {
      Value right = load("BOp", staged, key, k.index(e * m.columns));
      next.push_back(gpu::SubgroupMmaComputeOp::create(b, left, right, sum, UnitAttr(), UnitAttr()));
    }
    return next;
  });
}

/// The same, one product after another, and only those of pairs that are admitted.
Attention::Values MatrixAttention::addAdmitted(Kernel &k, ValueRange results) {
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
    next.push_back(gpu::SubgroupMmaElementwiseOp::create(b, matrix.getType(), ValueRange{matrix, products},
                                                         gpu::MMAElementwiseOp::ADDF));
    k.barrier();
  }
  return next;
}

//===-- results ---------------------------------------------------------------------------------------------------===//

// Rows that admit nothing are 0, whatever 0 * value has made of them.
void MatrixAttention::writeMatrices(Kernel &k, ValueRange results, const RowEnd &end) {
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
      store(k, scaled[first + c / columns], scores, subgroupRow, k.index(c));
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
