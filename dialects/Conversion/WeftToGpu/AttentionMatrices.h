//===- AttentionMatrices.h - attention by cooperative matrices ------------------------------------------*- C++ -*-===//
// Answers: how much of an attention does a workgroup hold whose subgroups multiply matrices, by which steps does it go
// through the keys, and where do scores become probabilities?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToGpu/Attention.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace weft::grid {

/// Each subgroup has a row of matrices: the queries and the results of as many rows of the attention.
struct MatrixAttentionShape {
  MatrixAttentionShape(AttentionOp op, const GpuLimits &limits);

  /// Whether the device and the attention are such that matrices compute it: weights of f16 allow to round, products
  /// are those of vectors, nothing asks for single probabilities, and all fits.
  bool fits(AttentionOp op, const GpuLimits &limits) const;
  /// Rows of halves and of sums are 16 bytes longer than they need to be: neighbours lie in different banks.
  static int64_t padded(int64_t elements) { return elements + 4; }
  int64_t sharedBytes() const;

  MatrixShape matrix;
  int64_t subgroups, threads;
  bool inRegisters;          ///< scores become probabilities in matrices, where these become left operands
  int64_t rows, keys;        ///< of a tile
  int64_t width, valueWidth; ///< of keys and values, with zeros up to whole matrices
  int64_t each;              ///< invocations that share a row of scores in memory
};

/// What attention by matrices does wherever scores become probabilities.

class MatrixAttention : public Attention {
public:
  MatrixAttention(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits,
                  const MatrixAttentionShape &shape);
  virtual ~MatrixAttention() = default;

  void emit();

protected:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;

  /// Goes through the tiles, and writes the results.
  virtual void emitRows(Kernel &k) = 0;

  /// Q K^T of the keys of a tile: matrices beside each other. After a barrier the place of the keys is free.
  Values multiplyKeys(Kernel &k, const Tile &tile);
  /// Brings `number` of each value to the place of the keys; zeros from the tile's end on.
  void bringValues(Kernel &k, const Tile &tile, llvm::function_ref<Value(Value)> number);
  /// Whether a value of the tile is not finite: known after a barrier, and only where there is a mask.
  Value isFlagged(Kernel &k);
  /// Adds to sums, which lie beside each other, the products of `left` with values from `key` on.
  Values addProduct(Kernel &k, Value left, Value key, ValueRange sums);
  /// `body` for 0, step, ... below `end`: written out where the profile says so.
  Values repeat(Kernel &k, int64_t end, int64_t step, ValueRange state,
                llvm::function_ref<Values(Value, ValueRange)> body);

  mlir::Type typeOf(llvm::StringRef use);
  Value filled(Kernel &k, float number);
  Value combined(Value x, Value y, mlir::gpu::MMAElementwiseOp operation);
  Value load(llvm::StringRef use, Value memory, Value row, Value column, bool transposed = false);
  void store(Value matrix, Value memory, Value row, Value column);

  MatrixAttentionShape shape;
  Value subgroupRow; ///< the first of this subgroup
  Value staged;      ///< keys or values, in workgroup memory

private:
  void emitGroup(Kernel &k);
  void allocateMatrices(Kernel &k);
  /// Brings rows of numbers to workgroup memory as pairs of halves: `load(row, element)`, zeros from `width` on.
  void bring(Kernel &k, Value memory, int64_t rows, int64_t width, int64_t paddedWidth,
             llvm::function_ref<Value(Value row, Value element)> load);
  void bringKeys(Kernel &k, const Tile &tile);

  Value queryPairs, flag; // workgroup memory
};

/// Scores pass through workgroup memory, where invocations have rows of them: AttentionInMemory.cpp.
class AttentionInMemory : public MatrixAttention {
  using MatrixAttention::MatrixAttention;

  void emitRows(Kernel &k) override;
  void allocateRows(Kernel &k);
  Values addTile(Kernel &k, const Tile &tile, ValueRange state);
  /// Scores become probabilities: `state` is the maximum and the sum of this invocation's row.
  Values updateRow(Kernel &k, const Tile &tile, ValueRange state);
  Values addProducts(Kernel &k, ValueRange results);
  Values addAdmitted(Kernel &k, ValueRange results);
  Values scaleRows(Kernel &k, Value factor, ValueRange results);
  void writeMatrices(Kernel &k, ValueRange results, const RowEnd &end);
  /// What `combine` makes of the numbers of the invocations that share a row.
  Value ofRow(Kernel &k, Value own, llvm::function_ref<Value(Value, Value)> combine);

  Value scores, probabilities, rowFactors, exchanged; // workgroup memory
  Value ownRow, lane;
  Place ownPlace;
};

/// Scores, probabilities, and each row's maximum and sum are matrices, too: AttentionInRegisters.cpp.
class AttentionInRegisters : public MatrixAttention {
  using MatrixAttention::MatrixAttention;

  void emitRows(Kernel &k) override;
  Values addTile(Kernel &k, const Tile &tile, ValueRange state);
  /// Where element (row, column) of matrix number `c` of a tile's scores stands.
  struct Pair {
    Place place;
    Value key, isAdmitted;
  };
  Pair pairOf(Kernel &k, const Tile &tile, int64_t c, Value row, Value column);
  Value scored(Kernel &k, const Tile &tile, int64_t c, Value products);
  Values addProducts(Kernel &k, ValueRange lefts, ValueRange results);
  Values addInfinite(Kernel &k, const Tile &tile, ValueRange scores, ValueRange results);
  void writeMatrices(Kernel &k, ValueRange state);

  using Element = llvm::function_ref<Value(Value row, Value column, ValueRange elements)>;
  Value map(ValueRange matrices, Element element);
  Value ofRows(Value matrix, llvm::function_ref<Value(Value, Value)> combine);
  Value asLeft(Value matrix);
};

/// By the one or the other, as the shape says.
void emitMatrixAttention(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits,
                         const MatrixAttentionShape &shape);

} // namespace weft::grid
