//===- AttentionMatrices.cpp - attention by cooperative matrices --------------------------------------------------===//
// Answers: by which steps does a workgroup whose subgroups multiply matrices go through the keys?
//
//   Q = scaled queries in f16                                         in workgroup memory
//   for each tile of keys that the mask may admit
//     K = keys in f16;  S = Q K^T
//     V = values in f16, in the place of K
//     P = probabilities of S, and O of the tiles before is scaled     AttentionInMemory.cpp, AttentionInRegisters.cpp
//     O = O + P V                                                     in registers
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/AttentionMatrices.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {

constexpr int64_t mostValues = 256;  // elements of a value: as many sums as registers hold
constexpr int64_t mostProducts = 32; // that are written out where the profile does not write out loops

static int64_t sizeOf(Value data, unsigned dim) { return cast<MemRefType>(data.getType()).getDimSize(dim); }

//===-- shape -----------------------------------------------------------------------------------------------------===//

MatrixAttentionShape::MatrixAttentionShape(AttentionOp op, const GpuLimits &limits)
    : matrix(limits.matrix), subgroups(limits.tile.ofAttention), threads(subgroups * limits.subgroup),
      inRegisters(limits.reducesMatrices && matrix.columns == matrix.depth), rows(subgroups * matrix.rows),
      keys(4 * matrix.columns) {
  if (!matrix)
    return;
  width = llvm::alignTo(sizeOf(op.getQuery(), 3), matrix.depth);
  valueWidth = llvm::alignTo(sizeOf(op.getValue(), 3), matrix.columns);
  each = limits.subgroup / matrix.rows;
  // No loop goes through probabilities in registers.
  auto isTooLong = [&] {
    int64_t products = keys / matrix.columns * (valueWidth / matrix.columns);
    return inRegisters && !limits.tile.unrolls && products > mostProducts;
  };
  while (keys > matrix.columns && (sharedBytes() > limits.sharedBytes || isTooLong()))
    keys /= 2;
}

int64_t MatrixAttentionShape::sharedBytes() const {
  int64_t words = rows * padded(width / 2) + keys * padded(std::max(width, valueWidth) / 2) + 1;
  if (!inRegisters)
    words += rows * padded(keys / 2) + rows * padded(keys) + rows * matrix.columns + threads;
  return 4 * words;
}

bool MatrixAttentionShape::fits(AttentionOp op, const GpuLimits &limits) const {
  if (!matrix || !op.getRoundsToF16() || !op.getSimilarity().empty() || op.getWeights() || !op.getWeigh().empty())
    return false;
  return (inRegisters || limits.subgroup % matrix.rows == 0) && matrix.depth % 2 == 0 && matrix.columns % 2 == 0 &&
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
  emitRows(k);
}

void MatrixAttention::allocateMatrices(Kernel &k) {
  auto padded = MatrixAttentionShape::padded;
  auto pair = VectorType::get({2}, b.getF16Type());
  queryPairs = k.shared({rows, padded(shape.width / 2)}, pair);
  staged = k.shared({keysOfTile, padded(std::max(shape.width, shape.valueWidth) / 2)}, pair);
  flag = k.shared({1}, b.getI32Type());
  subgroupRow = k.mul(gpu::SubgroupIdOp::create(b, b.getIndexType(), /*upper_bound=*/nullptr), shape.matrix.rows);
}

//===-- matrices --------------------------------------------------------------------------------------------------===//

Type MatrixAttention::typeOf(StringRef use) {
  const MatrixShape &m = shape.matrix;
  if (use == "COp")
    return gpu::MMAMatrixType::get({m.rows, m.columns}, b.getF32Type(), use);
  auto size = use == "AOp" ? std::array{m.rows, m.depth} : std::array{m.depth, m.columns};
  return gpu::MMAMatrixType::get(size, b.getF16Type(), use);
}

Value MatrixAttention::filled(Kernel &k, float number) {
  return gpu::SubgroupMmaConstantMatrixOp::create(b, typeOf("COp"), k.constant(number));
}

Value MatrixAttention::combined(Value x, Value y, gpu::MMAElementwiseOp operation) {
  return gpu::SubgroupMmaElementwiseOp::create(b, x.getType(), ValueRange{x, y}, operation);
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

void MatrixAttention::store(Value matrix, Value memory, Value row, Value column) {
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
void MatrixAttention::bringValues(Kernel &k, const Tile &tile, llvm::function_ref<Value(Value)> number) {
  Value lastKey = k.add(k.add(tile.begin, tile.size), -1);
  Value largest = k.constant(65504.0f);
  bring(k, staged, keysOfTile, E, shape.valueWidth, [&](Value row, Value element) {
    Value key = k.min(k.add(tile.begin, row), lastKey);
    Value value = k.load(op.getValue(), {batch, key, keyHead, element});
    if (hasMask()) {
      Value magnitude = math::AbsFOp::create(b, value);
      Value isNot = arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, magnitude, largest);
      k.when(isNot, [&] { k.store(arith::ConstantOp::create(b, b.getI32IntegerAttr(1)), flag, k.index(0)); });
    }
    return k.select(k.less(row, tile.size), number(value), k.constant(0.0f));
  });
}

Value MatrixAttention::isFlagged(Kernel &k) {
  return k.compare(arith::CmpIPredicate::ne, k.load(flag, k.index(0)),
                   arith::ConstantOp::create(b, b.getI32IntegerAttr(0)));
}

//===-- a tile of keys --------------------------------------------------------------------------------------------===//

Attention::Values MatrixAttention::multiplyKeys(Kernel &k, const Tile &tile) {
  k.barrier(); // all are done with the last tile
  bringKeys(k, tile);
  k.barrier();
  const MatrixShape &m = shape.matrix;
  const int64_t across = keysOfTile / m.columns;
  Values sums(across, filled(k, 0.0f));
  sums = repeat(k, shape.width, m.depth, sums, [&](Value element, ValueRange soFar) {
    Values next;
    Value left = load("AOp", queryPairs, subgroupRow, element);
    for (int64_t c = 0; c < across; ++c) {
      Value right = load("BOp", staged, k.index(c * m.columns), element, /*transposed=*/true);
      next.push_back(gpu::SubgroupMmaComputeOp::create(b, left, right, soFar[c], UnitAttr(), UnitAttr()));
    }
    return next;
  });
  return sums;
}

Attention::Values MatrixAttention::addProduct(Kernel &k, Value left, Value key, ValueRange sums) {
  Values next;
  for (auto [e, sum] : llvm::enumerate(sums)) {
    Value right = load("BOp", staged, key, k.index(e * shape.matrix.columns));
    next.push_back(gpu::SubgroupMmaComputeOp::create(b, left, right, sum, UnitAttr(), UnitAttr()));
  }
  return next;
}

void emitMatrixAttention(ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits,
                         const MatrixAttentionShape &shape) {
  if (shape.inRegisters)
    AttentionInRegisters(b, op, limits, shape).emit();
  else
    AttentionInMemory(b, op, limits, shape).emit();
}

} // namespace weft::grid
