//===- Workspace.h - rows of rounded activations ----------------------------------------------------------*- C++
//-*-===//
// Answers: where in a row of a matmul's workspace do its numbers, their scale and their sum lie?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"
#include "llvm/Support/MathExtras.h"

namespace weft {

/// Words of a row: whole vectors, so that rounding needs no mask, and the scale and the sum behind them for int8. Rows
/// do not lie a multiple of 2 KiB apart: those that are read together would share the sets of the L1 cache.
inline int64_t workspaceWords(WeightType type, int64_t depth) {
  constexpr int64_t vector = 16, conflict = 512;
  int64_t words = llvm::alignTo(llvm::divideCeil(depth, perWord(type)), vector);
  if (type == WeightType::Int8)
    words += vector;
  return words % conflict == 0 ? words + vector : words;
}
inline int64_t workspaceScale(int64_t words) { return words - 2; }
inline int64_t workspaceSum(int64_t words) { return words - 1; }

} // namespace weft
