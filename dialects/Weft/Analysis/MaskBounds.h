//===- MaskBounds.h - which keys a block of queries can see ---------------------------------------------*- C++ -*-===//
// Answers: given the formula of a mask, which keys must a loop over a block of queries visit, and for which of them is
// there nothing to test?
//
// Understood are comparisons (signed, = and !=) of linear forms in q and k with and without values that are the same
// for the whole block (batch, head, lengths, table entries by batch or head), of their minima and maxima, and `and`,
// `or`, `not`, `select` of them. Anything else - a residue, a comparison of table entries by position - is taken to
// admit any key, and none for sure; so are the keys between two intervals. MaskIntervals.h looks at those.
// Positions and what formulas make of them must fit 32 bits, as they must in the lanes of a vector.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Analysis/BoundExpr.h"
#include "mlir/IR/Region.h"

namespace weft {

/// Keys begin ... end - 1; none where end <= begin.
struct KeyInterval {
  BoundExpr begin, end;
};

struct MaskBounds {
  /// A key outside is admitted by no query of the block.
  KeyInterval admitted;
  /// A key inside is admitted by every query of the block.
  KeyInterval whole;
  /// Whether all is said: no block of keys inside `admitted` is empty, and none outside `whole` is whole, but for
  /// blocks at the ends of these intervals, and those that all parts of an `and` admit, though not for one query.
  bool exact;

  /// For a mask region as `weft.attention` has it; an empty region admits everything. The intervals hold for the batch
  /// entry and head that the uniform values are computed for - with `acrossHeads` for any head - and satisfy
  /// 0 <= admitted.begin <= whole.begin <= whole.end <= admitted.end <= keys.
  static MaskBounds of(mlir::Region &mask, bool acrossHeads = false);
};

/// The same as values, for one block of queries.
struct EmittedBounds {
  mlir::Value begin, end, wholeBegin, wholeEnd;
};

/// Emits the bounds; what they need of the region's own computations (a length, an entry of a table) is copied with
/// `batch` and `head` in place of its arguments. Queries, keys and results are of one type, as BoundExpr::Values has
/// it.
EmittedBounds emitBounds(mlir::OpBuilder &b, mlir::Location loc, const MaskBounds &bounds, mlir::Region &mask,
                         mlir::Value batch, mlir::Value head, mlir::Value firstQuery, mlir::Value lastQuery,
                         mlir::Value keys);

} // namespace weft
