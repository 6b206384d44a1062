//===- LinearProducts.h - the sums of products in a tile of a matmul -------------------------------------*- C++
//-*-===//
// Answers: how do a matmul's loops and its innermost one share the knowledge of where columns lie?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToCpu/Rows.h"

namespace weft::cpu {

/// How the columns of the product lie in panels.
struct Slices {
  int64_t depth, columns, parts;
  int64_t words;    ///< along the depth: of 32 bits, in each of which several narrow weights of one column lie
  int64_t width;    ///< lanes of a vector: the native number, or less where a part of a panel is narrower
  int64_t vectors;  ///< vectors of each part in a slice
  int64_t perPanel; ///< slices in a panel
  int64_t count;    ///< slices that hold a column

  Slices(PackedLinearOp op, const CpuLimits &limits);
  int64_t sliceColumns() const { return vectors * width; }
  /// Slices that few rows take at once, and that rows stream by: their weights stay in the L2 cache.
  int64_t group() const;
  int64_t panelColumns() const { return perPanel * sliceColumns() * parts; }
  /// Vectors of accumulators that a row has in a slice.
  int64_t each() const { return parts * vectors; }
};

/// Where the input of a product is read.
enum class Activations {
  Kept,      ///< the input itself, in f32; narrow weights are widened
  Rounded,   ///< the workspace: words of activations, for instructions that multiply word by word
  FixedPoint ///< the workspace: words of digits, each of which is multiplied by a word of integer weights
};

class LinearProducts {
public:
  LinearProducts(PackedLinearOp op, const Slices &slices, Activations activations, const RowView &input,
                 const RowView *workspace)
      : op(op), loc(op.getLoc()), slices(slices), weightType(op.getWeightType()), activations(activations),
        input(input), workspace(workspace) {}

  /// The sums over K in f32: for each row, for each slice, for each part, its vectors.
  llvm::SmallVector<mlir::Value> emit(mlir::OpBuilder &b, llvm::ArrayRef<Row> tile,
                                      llvm::ArrayRef<mlir::Value> tileSlices);

private:
  /// A vector of columns: those of a panel that begin at `column`.
  struct Place {
    mlir::Value panel, column;
  };
  using Values = llvm::SmallVector<mlir::Value>;

  llvm::SmallVector<Place> placesOf(mlir::OpBuilder &b, llvm::ArrayRef<mlir::Value> tileSlices);
  mlir::Value loadWords(mlir::OpBuilder &b, const Place &place, mlir::Value word);
  mlir::Value addressOf(mlir::OpBuilder &b, const Place &place, mlir::Value word);
  mlir::Value loadScales(mlir::OpBuilder &b, const Place &place, mlir::Value group);
  mlir::Value widen(mlir::OpBuilder &b, mlir::Value words, int64_t element);
  mlir::Value dot(mlir::OpBuilder &b, mlir::Value sum, mlir::Value weights, mlir::Value activations);
  mlir::Value vectorOf(mlir::OpBuilder &b, int32_t number);

  Values sumWidened(mlir::OpBuilder &b, llvm::ArrayRef<Row> tile, llvm::ArrayRef<Place> places);
  Values sumWords(mlir::OpBuilder &b, llvm::ArrayRef<Row> tile, llvm::ArrayRef<Place> places, mlir::Value first,
                  mlir::Value last);
  void addWord(mlir::OpBuilder &b, llvm::ArrayRef<Row> tile, llvm::ArrayRef<Place> places, mlir::Value word,
               int64_t elements, Values &sums);
  Values sumDots(mlir::OpBuilder &b, llvm::ArrayRef<Row> tile, llvm::ArrayRef<Place> places);
  Values sumFixedPoint(mlir::OpBuilder &b, llvm::ArrayRef<Row> tile, llvm::ArrayRef<Place> places);
  Values sumDigits(mlir::OpBuilder &b, llvm::ArrayRef<Row> tile, llvm::ArrayRef<Place> places, mlir::Value group,
                   mlir::Value first, int64_t count);
  mlir::Value wordOfGroup(mlir::OpBuilder &b, mlir::Value group, int64_t place);
  mlir::Value numberOf(mlir::OpBuilder &b, llvm::ArrayRef<mlir::Value> ranks);
  mlir::Value lowerHalves(mlir::OpBuilder &b, mlir::Value words, int64_t part);
  mlir::Value loadRounded(mlir::OpBuilder &b, const Row &row, mlir::Value word);
  void scaleIntegers(mlir::OpBuilder &b, llvm::ArrayRef<Row> tile, llvm::ArrayRef<Place> places, Values &sums);

  mlir::VectorType floats(mlir::OpBuilder &b) { return mlir::VectorType::get({slices.width}, b.getF32Type()); }
  mlir::VectorType integers(mlir::OpBuilder &b) { return mlir::VectorType::get({slices.width}, b.getI32Type()); }

  PackedLinearOp op;
  mlir::Location loc;
  const Slices &slices;
  WeightType weightType;
  Activations activations;
  const RowView &input;
  const RowView *workspace;
};

/// sum + the products of 4 bytes in each lane.
mlir::Value dotBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value sum, mlir::Value unsignedBytes,
                     mlir::Value signedBytes); // LinearProducts.cpp

/// Rounds all rows of the input into the workspace.
void emitRounding(mlir::OpBuilder &b, PackedLinearOp op, const Rows &rows, const RowView &input,
                  const RowView &workspace, const CpuLimits &limits); // LinearActivations.cpp

} // namespace weft::cpu
