//===- Dispatches.h - how many kernels does a call launch? ----------------------------------------------*- C++ -*-===//
// Answers: how many dispatches is a call of an entry point on a GPU, and how many is each of its equal layers?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>
#include <vector>

namespace weft {

/// Of an entry point in phase `gpu`. Where there are several ways through the code, the longest counts.
struct Dispatches {
  std::vector<std::string> kernels; ///< in their order, one name for each dispatch outside of loops
  std::vector<int64_t> rounds;      ///< for each loop, the dispatches of a round
  /// The longest stretch that repeats itself: where it begins, its length and how often it comes; 0 for none.
  size_t begin = 0, length = 0, repeats = 0;

  static Dispatches of(mlir::func::FuncOp entry);
  /// "12 dispatches, 5 in each of 2 equal blocks: a, b, c, d, e"
  std::string text() const;
};

} // namespace weft
