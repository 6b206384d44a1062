//===- MaskIntervals.h - what a mask makes of a block of queries and a block of keys --------------------*- C++ -*-===//
// Answers: does the mask admit none of a block's pairs, all of them, or must each be tested?
//
// Every integer of the formula is evaluated to the interval that it lies in, and every condition to what it can be,
// when q and k run over their blocks. What is linear in q and k - the distance q - k - is one value, so that its
// interval is exact; floors and residues by a positive number are followed from period to period, and a table gives the
// least and the largest of the entries that it can be read at. Whatever else there is can be anything.
//
// It says more than MaskBounds of masks that are no interval of keys (global and local, blocks along the diagonal), and
// of those that read tables by position (documents, padding); it costs some scalar operations for each block of keys.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Analysis/BoundExpr.h"
#include "mlir/IR/Region.h"

namespace weft {

struct MaskIntervals {
  /// 1 when each query of the block admits each key of the block for sure, else 0.
  BoundExpr whole;
  /// 0 when no query of the block admits a key of the block for sure, else 1.
  BoundExpr some;

  /// For a mask region as `weft.attention` has it, not empty; arguments after its four can be anything. `acrossHeads`
  /// is as for MaskBounds. `useful` is told whether a part of the formula that MaskBounds does not solve exactly can be
  /// known to hold, or not to hold, for a block.
  static MaskIntervals of(mlir::Region &mask, bool acrossHeads = false, bool *useful = nullptr);
};

/// More entries of a table than this are not looked through for one block: then they can be anything.
inline constexpr int64_t mostTableEntries = 4096;

} // namespace weft
