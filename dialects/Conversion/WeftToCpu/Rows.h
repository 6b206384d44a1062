//===- Rows.h - the row-wise view of a kernel's operands ------------------------------------------------*- C++ -*-===//
// Answers: how do kernels over `[..., N]` walk rows and columns, whatever the rank, the strides and the sizes?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToCpu/Emitters.h"

namespace weft::cpu {

/// One row: its number among all rows, and its index in each leading dimension.
struct Row {
  mlir::Value index;
  llvm::SmallVector<mlir::Value> coordinates;
};

/// The rows of a kernel: the leading dimensions of its result, flattened.
class Rows {
public:
  Rows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value result, unsigned leading);
  mlir::Value count() const { return total; }
  /// Coordinates cost a division for each dimension but the first; where nobody uses them they fold away.
  Row at(mlir::OpBuilder &b, mlir::Location loc, mlir::Value index) const;

private:
  llvm::SmallVector<mlir::Value> sizes;
  mlir::Value total;
};

/// A memref seen as rows. Leading dimensions that lie densely in memory become one, so that the distance between rows
/// is a constant; otherwise elements are found by their coordinates.
class RowView {
public:
  RowView(mlir::OpBuilder &b, mlir::Location loc, mlir::Value memref, unsigned leading);
  mlir::Value memref() const { return buffer; }
  llvm::SmallVector<mlir::Value> indices(const Row &row, mlir::ValueRange inner) const;

private:
  mlir::Value buffer;
  bool flat;
};

/// Where a vector lies: `column` of the row, with the lanes that are inside (null: all of them).
struct Lanes {
  mlir::Value column;
  mlir::Value mask;
};

mlir::Value loadLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::VectorType type, mlir::Value memref,
                      mlir::ValueRange indices, mlir::Value mask);
void storeLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value vector, mlir::Value memref,
                mlir::ValueRange indices, mlir::Value mask);

/// `body` for every vector of the columns [0, columns), the last one with a mask unless it is known to be full.
void forEachVector(mlir::OpBuilder &b, mlir::Location loc, mlir::Value columns, unsigned lanes,
                   llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, Lanes)> body);

using AccumulateFn = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, Lanes, mlir::Value accumulator)>;
using CombineFn = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::Value, mlir::Value)>;

/// Accumulates over the columns [0, columns), in four vectors at a time so that one addition need not wait for another,
/// and combines these to one vector. `start` is neutral for `combine`. The order is fixed by `columns` and the lanes.
mlir::Value accumulateColumns(mlir::OpBuilder &b, mlir::Location loc, mlir::Value columns, mlir::Value start,
                              AccumulateFn accumulate, CombineFn combine);

/// The sum of all lanes.
mlir::Value sumOfLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value vector);

} // namespace weft::cpu
