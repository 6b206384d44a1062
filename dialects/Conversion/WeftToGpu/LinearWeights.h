//===- LinearWeights.h - the packed weights of a product on a GPU ---------------------------------------*- C++ -*-===//
// Answers: how does a kernel read weights of f32, or of 16 bits, which lie two inputs of a column to a word?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToGpu/Kernel.h"

namespace weft::grid {

class PackedWeights {
public:
  explicit PackedWeights(PackedLinearOp op);

  /// One weight, in f32.
  mlir::Value load(Kernel &k, mlir::Value panelAt, mlir::Value input, mlir::Value inPanel) const;

  static constexpr int64_t pairColumns = 2;
  /// For each of `count` inputs from `first` on, a multiple of 4, the weights of two neighbouring columns, in f32.
  /// Where not all inputs are there, those beyond the last have any weights.
  llvm::SmallVector<mlir::Value> loadPairs(Kernel &k, mlir::Value panelAt, mlir::Value first, mlir::Value inPanel,
                                           int64_t count, bool areAllThere) const;
  /// Four weights of a word of two columns as they are stored, in 16 bits: the inputs of one, then of the other.
  mlir::Value loadHalves(Kernel &k, mlir::Value panelAt, mlir::Value word, mlir::Value inPanel) const;

  mlir::Value packed;
  mlir::Type element;
  int64_t panels, depth, panel, perWord, words;
};

} // namespace weft::grid
