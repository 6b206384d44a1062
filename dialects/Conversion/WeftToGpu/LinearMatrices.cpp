//===- LinearMatrices.cpp - many rows of a product by cooperative matrices ----------------------------------------===//
// Answers: how do subgroups share a tile of rows x packed columns?
//
//   for each stretch of K                            both factors come to workgroup memory in f16, 0 beyond the last
//     each subgroup: sums += rows x columns          matrices of sums in f32, in registers
//   for each of a subgroup's rows of matrices        sums pass through workgroup memory, a band of rows at a time
//     each invocation: epilogue of some elements     all parts of a column lie in its panel, and so in the tile
//
// Rows and columns beyond the last are computed, of the last once more or of what lies in the panel, and not written.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Linear.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {
namespace {

/// The tile of a workgroup, from the shape of a matrix.
struct Tile {
  explicit Tile(const GpuLimits &limits)
      : matrix(limits.matrix), of(limits.tile), bandRows(of.subgroupsDown * matrix.rows), rows(bandRows * of.down),
        columns(of.subgroupsAcross * of.across * matrix.columns), stretch(of.steps * matrix.depth),
        threads(of.subgroupsDown * of.subgroupsAcross * limits.subgroup) {}

  // Rows of halves are 16 bytes longer than they need to be, and of sums as well: neighbours lie in different banks.
  int64_t pairsOfInput() const { return stretch / 2 + 4; }
  int64_t pairsOfWeights() const { return columns / 2 + 4; }
  int64_t sumsOfRow() const { return columns + 4; }
  int64_t sharedBytes() const {
    return 4 * (rows * pairsOfInput() + stretch * pairsOfWeights() + bandRows * sumsOfRow());
  }

  MatrixShape matrix;
  MatrixTile of;
  int64_t bandRows; ///< a row of matrices of every subgroup
  int64_t rows, columns, stretch, threads;
};

Value pairOf(Kernel &k, Value first, Value second) {
  auto two = VectorType::get({2}, k.b.getF16Type());
  auto half = [&](Value x) -> Value { return arith::TruncFOp::create(k.b, k.b.getF16Type(), x); };
  return vector::FromElementsOp::create(k.b, two, ValueRange{half(first), half(second)});
}

} // namespace

bool PackedLinear::hasMatrices() {
  if (!limits.matrix || !weights.element.isF16() || (norms() && !op.getWorkspace()))
    return false;
  if (depth == 0) // without a round, no loop would give matrices of 0
    return false;
  Tile tile(limits);
  return tile.columns % panel == 0 && panel % 2 == 0 && tile.stretch % 2 == 0 &&
         tile.sharedBytes() <= limits.sharedBytes;
}

void PackedLinear::launchMatrices(const Rows &rows) {
  const Tile tile(limits);
  const MatrixShape &matrix = tile.matrix;
  const int64_t columnTiles = llvm::divideCeil(panels * panel, tile.columns);
  auto typeOf = [&](int64_t down, int64_t across, Type element, StringRef use) {
    return gpu::MMAMatrixType::get({down, across}, element, use);
  };
  Type ofInput = typeOf(matrix.rows, matrix.depth, b.getF16Type(), "AOp");
  Type ofWeights = typeOf(matrix.depth, matrix.columns, b.getF16Type(), "BOp");
  Type ofSums = typeOf(matrix.rows, matrix.columns, b.getF32Type(), "COp");

  LoopBuilder host(b);
  Value rowTiles = host.ceilDivide(rows.count(), tile.rows);
  launch(b, host.mul(rowTiles, columnTiles), tile.threads, [&](Kernel &k) {
    // Neighbouring workgroups share rows, as in launchTiles.
    Value firstRow = k.mul(k.divide(k.group, columnTiles), tile.rows);
    Value firstColumn = k.mul(k.remainder(k.group, columnTiles), tile.columns); // of packed ones
    Value subgroup = gpu::SubgroupIdOp::create(b, b.getIndexType(), /*upper_bound=*/nullptr);
    Value down = k.divide(subgroup, tile.of.subgroupsAcross), across = k.remainder(subgroup, tile.of.subgroupsAcross);
    Value ownRow = k.mul(down, tile.of.down * matrix.rows), ownColumn = k.mul(across, tile.of.across * matrix.columns);
    RowView input(k, op.getInput(), leading), output(k, op.getOuts(), leading);
    auto pair = VectorType::get({2}, b.getF16Type());
    Value inputs = k.shared({tile.rows, tile.pairsOfInput()}, pair);
    Value staged = k.shared({tile.stretch, tile.pairsOfWeights()}, pair);
    Value band = k.shared({tile.bandRows, tile.sumsOfRow()});
    Value lastRow = k.add(rows.count(), -1), zero = k.constant(0.0f);
    auto stage = [&](int64_t count, llvm::function_ref<void(Value)> bring) {
      k.loop(k.thread, k.index(count), k.index(k.threads), bring);
    };

    // Rows that are normed have been rounded as well: see emitNormedWords.
    std::optional<RowView> normed;
    if (norms())
      normed.emplace(k, op.getWorkspace(), leading);
    auto bringInputs = [&](Value start) {
      const int64_t pairs = tile.stretch / 2, words = llvm::divideCeil(depth, 2);
      stage(tile.rows * pairs, [&](Value i) {
        Value tileRow = k.divide(i, pairs), at = k.remainder(i, pairs), first = k.add(start, k.mul(at, 2));
        Value row = k.min(k.add(firstRow, tileRow), lastRow);
        SmallVector<Value> coordinates = rows.at(k, row), numbers;
        if (normed) {
          Value word = k.add(k.divide(start, 2), at), inside = k.min(word, k.index(words - 1));
          Value bits = k.load(normed->memref, normed->at(row, coordinates, inside));
          if (depth % tile.stretch)
            bits = k.select(k.less(word, k.index(words)), bits, arith::ConstantIntOp::create(b, b.getI32Type(), 0));
          Value one = vector::FromElementsOp::create(b, VectorType::get({1}, b.getI32Type()), bits);
          return k.store(vector::BitCastOp::create(b, pair, one), inputs, {tileRow, at});
        }
        for (int64_t n = 0; n < 2; ++n) {
          Value inner = k.add(first, n), inside = k.min(inner, k.index(depth - 1));
          Value x = k.load(input.memref, input.at(row, coordinates, inside));
          numbers.push_back(depth % tile.stretch ? k.select(k.less(inner, k.index(depth)), x, zero) : x);
        }
        k.store(pairOf(k, numbers[0], numbers[1]), inputs, {tileRow, at});
      });
    };
    // A word has two inputs of a column: two words become a pair of columns of each input.
    auto bringWeights = [&](Value start) {
      const int64_t pairs = tile.columns / 2;
      stage(tile.stretch / 2 * pairs, [&](Value i) {
        Value at = k.divide(i, pairs), columnPair = k.remainder(i, pairs), word = k.add(k.divide(start, 2), at);
        Value wanted = k.add(firstColumn, k.mul(columnPair, 2));
        Value panelAt = k.min(k.divide(wanted, panel), k.index(panels - 1));
        Value four =
            weights.loadHalves(k, panelAt, k.min(word, k.index(weights.words - 1)), k.remainder(wanted, panel));
        if (depth % tile.stretch) {
          Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(four.getType()));
          four = k.select(k.less(word, k.index(weights.words)), four, zeros);
        }
        for (int64_t n = 0; n < 2; ++n) {
          Value columnsOfInput = vector::ShuffleOp::create(b, four, four, ArrayRef<int64_t>{n, n + 2});
          k.store(columnsOfInput, staged, {k.add(k.mul(at, 2), n), columnPair});
        }
      });
    };
    auto load = [&](Type type, Value memory, int64_t pairsOfRow, Value row, Value column) -> Value {
      return gpu::SubgroupMmaLoadMatrixOp::create(b, type, memory, ValueRange{row, k.divide(column, 2)},
                                                  b.getIndexAttr(pairsOfRow), /*transpose=*/UnitAttr());
    };

    Value none = gpu::SubgroupMmaConstantMatrixOp::create(b, ofSums, zero);
    SmallVector<Value> sums(tile.of.down * tile.of.across, none);
    sums = k.loop(k.index(0), k.index(depth), k.index(tile.stretch), sums, [&](Value start, ValueRange soFar) {
      k.barrier();
      bringInputs(start);
      bringWeights(start);
      k.barrier();
      SmallVector<Value> next(soFar);
      for (int64_t step = 0; step < tile.of.steps; ++step) {
        Value inner = k.index(step * matrix.depth);
        SmallVector<Value> left;
        for (int64_t r = 0; r < tile.of.down; ++r)
          left.push_back(load(ofInput, inputs, tile.pairsOfInput(), k.add(ownRow, r * matrix.rows), inner));
        for (int64_t c = 0; c < tile.of.across; ++c) {
          Value right = load(ofWeights, staged, tile.pairsOfWeights(), inner, k.add(ownColumn, c * matrix.columns));
          for (int64_t r = 0; r < tile.of.down; ++r) {
            Value &sum = next[r * tile.of.across + c];
            sum = gpu::SubgroupMmaComputeOp::create(b, left[r], right, sum, UnitAttr(), UnitAttr());
          }
        }
      }
      return next;
    });

    const int64_t outputs = tile.columns / parts;
    for (int64_t r = 0; r < tile.of.down; ++r) {
      if (r > 0)
        k.barrier(); // everyone has read the last band
      for (int64_t c = 0; c < tile.of.across; ++c)
        gpu::SubgroupMmaStoreMatrixOp::create(
            b, sums[r * tile.of.across + c], band,
            ValueRange{k.mul(down, matrix.rows), k.add(ownColumn, c * matrix.columns)},
            b.getIndexAttr(tile.sumsOfRow()), /*transpose=*/UnitAttr());
      k.barrier();
      stage(tile.bandRows * outputs, [&](Value i) {
        Value bandRow = k.divide(i, outputs), own = k.remainder(i, outputs);
        Value ofSubgroup = k.mul(k.divide(bandRow, matrix.rows), tile.of.down * matrix.rows);
        Value row = k.add(k.add(firstRow, ofSubgroup), k.add(k.remainder(bandRow, matrix.rows), r * matrix.rows));
        Value inTile = k.mul(k.divide(own, partWidth()), panel), inPart = k.remainder(own, partWidth());
        Value column = k.add(k.divide(k.mul(k.remainder(k.group, columnTiles), tile.columns), parts), own);
        k.when(k.both(k.less(row, rows.count()), k.less(column, k.index(columns))), [&] {
          SmallVector<Value> ofParts;
          for (int64_t part = 0; part < parts; ++part)
            ofParts.push_back(k.load(band, {bandRow, k.add(k.add(inTile, inPart), part * partWidth())}));
          finish(k, output, row, rows.at(k, row), column, ofParts);
        });
      });
    }
  });
}

} // namespace weft::grid
