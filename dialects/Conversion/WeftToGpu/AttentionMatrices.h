//===- AttentionMatrices.h - attention by cooperative matrices ------------------------------------------*- C++ -*-===//
// Answers: how much of an attention does a workgroup hold whose subgroups multiply matrices, and by which steps does it
// go through the keys?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToGpu/Attention.h"

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
  int64_t rows, keys;        ///< of a tile
  int64_t width, valueWidth; ///< of keys and values, with zeros up to whole matrices
  int64_t each;              ///< invocations that share a row of scores
};

class MatrixAttention : public Attention {
public:
  MatrixAttention(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits,
                  const MatrixAttentionShape &shape);

  void emit();

private:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;

  void emitGroup(Kernel &k);
  void allocateMatrices(Kernel &k);
  /// Brings rows of numbers to workgroup memory as pairs of halves: `load(row, element)`, zeros from `width` on.
  void bring(Kernel &k, Value memory, int64_t rows, int64_t width, int64_t paddedWidth,
             llvm::function_ref<Value(Value row, Value element)> load);
  void bringKeys(Kernel &k, const Tile &tile);
  void bringValues(Kernel &k, const Tile &tile);
  Values addTile(Kernel &k, const Tile &tile, ValueRange state);
  void multiplyKeys(Kernel &k);
  /// Scores become probabilities: `state` is the maximum and the sum of this invocation's row.
  Values updateRow(Kernel &k, const Tile &tile, ValueRange state);
  Values addProducts(Kernel &k, ValueRange results);
  Values addAdmitted(Kernel &k, ValueRange results);
  Values scaleRows(Kernel &k, Value factor, ValueRange results);
  void writeMatrices(Kernel &k, ValueRange results, const RowEnd &end);
  /// What `combine` makes of the numbers of the invocations that share a row.
  Value ofRow(Kernel &k, Value own, llvm::function_ref<Value(Value, Value)> combine);
  /// `body` for 0, step, ... below `end`: written out where the profile says so.
  Values repeat(Kernel &k, int64_t end, int64_t step, ValueRange state,
                llvm::function_ref<Values(Value, ValueRange)> body);

  mlir::Type typeOf(llvm::StringRef use);
  Value load(llvm::StringRef use, Value memory, Value row, Value column, bool transposed = false);
  void store(Kernel &k, Value matrix, Value memory, Value row, Value column);

  MatrixAttentionShape shape;
  Value queryPairs, staged, scores, probabilities, rowFactors, exchanged, flag; // workgroup memory
  Value subgroupRow;                                                            ///< the first of this subgroup
  Value ownRow, lane;
  Place ownPlace;
};

} // namespace weft::grid
