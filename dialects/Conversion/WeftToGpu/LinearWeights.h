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

  //===-- four weights at a time: stepColumns() columns of stepInputs() inputs
  //-------------------------------------===//
  int64_t stepInputs() const { return perWord; }
  int64_t stepColumns() const { return 4 / perWord; }
  int64_t steps() const { return words; }
  /// Four weights in f32: the inputs of the first column, then those of the next. Inputs beyond the last are 0.
  mlir::Value loadStep(Kernel &k, mlir::Value panelAt, mlir::Value step, mlir::Value inPanel) const;
  /// The same as they are stored: of 16 bits.
  mlir::Value loadHalves(Kernel &k, mlir::Value panelAt, mlir::Value word, mlir::Value inPanel) const;

  mlir::Value packed;
  mlir::Type element;
  int64_t panels, depth, panel, perWord, words;
};

} // namespace weft::grid
