//===- LinearWeights.h - the packed weights of a product on a GPU ---------------------------------------*- C++ -*-===//
// Answers: how does a kernel read weights, of which narrow ones lie some inputs of a column to a word?
//
// An integer is cut out of its word by two shifts. A scale that 32 inputs share is multiplied into their weights, which
// f32 holds exactly; one that all of a column share is left to the sums.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToGpu/Kernel.h"

namespace weft::grid {

class PackedWeights {
public:
  explicit PackedWeights(PackedLinearOp op);

  /// The weights of a column for `count` inputs from `first` on, in f32: all of a word's, or one, or a power of two
  /// between; `first` is a multiple of it.
  llvm::SmallVector<mlir::Value> load(Kernel &k, mlir::Value panelAt, mlir::Value first, mlir::Value inPanel,
                                      int64_t count) const;

  static constexpr int64_t pairColumns = 2;
  /// For each of `count` inputs from `first` on, multiples of what a word has, the weights of two neighbouring columns,
  /// in f32. Where not all inputs are there, those beyond the last have any weights.
  llvm::SmallVector<mlir::Value> loadPairs(Kernel &k, mlir::Value panelAt, mlir::Value first, mlir::Value inPanel,
                                           int64_t count, bool areAllThere) const;
  /// Four weights of a word of two columns as they are stored, in 16 bits: the inputs of one, then of the other.
  mlir::Value loadHalves(Kernel &k, mlir::Value panelAt, mlir::Value word, mlir::Value inPanel) const;

  /// Whether sums have still to be multiplied by scales of their columns, and by which.
  bool hasColumnScales() const { return scales && !hasGroups(); }
  mlir::Value columnScale(Kernel &k, mlir::Value panelAt, mlir::Value inPanel) const;

  mlir::Value packed, scales; ///< scales are null where there are none
  mlir::Type element;
  int64_t panels, depth, panel, perWord, words;

private:
  bool isInteger() const { return element.isInteger(); }
  bool hasGroups() const { return wordsOfGroup > 0; }
  mlir::Value loadWords(Kernel &k, mlir::Value panelAt, mlir::Value word, mlir::Value inPanel, int64_t columns) const;
  mlir::Value integers(Kernel &k, mlir::Value words, mlir::Value at) const;

  int64_t wordsOfGroup; ///< that share a scale; 0: there is none, or one for all
};

} // namespace weft::grid
