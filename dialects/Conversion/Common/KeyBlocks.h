//===- KeyBlocks.h - which keys a block of queries goes through -----------------------------------------*- C++ -*-===//
// Answers: into which blocks do the keys of some queries fall where a mask has to be asked block by block?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/Common/LoopBuilder.h"
#include "dialects/Weft/Analysis/MaskBounds.h"
#include "dialects/Weft/Analysis/MaskIntervals.h"

namespace weft {

/// Queries: positions and heads from the first to the last, of one batch entry.
struct QueryBlock {
  mlir::Value batch, firstHead, lastHead, firstQuery, lastQuery;
};

/// Keys begin ... end - 1 of a block and what the bounds say of them.
struct KeyBlock {
  mlir::Value begin, end;
  mlir::Value size;
  EmittedBounds bounds;
};

inline constexpr int64_t keysOfBlock = 256; ///< at most

/// How a target asks.
struct KeyQuestions {
  int64_t lanes = 1;       ///< of the vectors that tables are read in
  mlir::Type numbers = {}; ///< what formulas compute in, see BoundExpr::Values
};

/// Calls `body` once, in a loop over blocks of the keys begin ... end - 1 that together hold every key there that the
/// mask can admit for these queries. Blocks ascend and have 16 keys or more where there are as many. `state` is carried
/// from one to the next. `keys` is how many there are in all.
LoopBuilder::Values
eachTestedKeyBlock(LoopBuilder &k, mlir::Region &mask, const MaskIntervals &intervals, const QueryBlock &queries,
                   mlir::Value keys, mlir::Value begin, mlir::Value end, const KeyQuestions &questions,
                   mlir::ValueRange state,
                   llvm::function_ref<LoopBuilder::Values(const KeyBlock &, mlir::ValueRange)> body);

} // namespace weft
