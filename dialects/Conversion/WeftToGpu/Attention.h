//===- Attention.h - the parts of attention on a GPU ----------------------------------------------------*- C++ -*-===//
// Answers: which parts does the kernel of a `weft.attention` consist of?
//
// Names, as in the op: S queries, T keys, H query heads, G key heads, D elements of a key, E of a value. A row is a
// query of one of the query heads that share a key head.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/Common/KeyBlocks.h"
#include "dialects/Conversion/WeftToGpu/Kernel.h"
#include <limits>

namespace weft::grid {

inline constexpr float minusInfinity = -std::numeric_limits<float>::infinity(); ///< the score of a refused key

/// How much of an attention a workgroup holds.
struct AttentionShape {
  AttentionShape(int64_t rows, int64_t keys) : rows(rows), keys(keys), isFew(false) {}
  /// With `isFew`, all rows that there are: 8 at most.
  AttentionShape(AttentionOp op, const GpuLimits &limits, int64_t mostRows, bool isFew);

  static constexpr int64_t stretch = 16; ///< of the width of keys that comes to workgroup memory at a time
  int64_t rows;
  int64_t keys;         ///< of a tile
  bool isFew;           ///< an invocation scores whole keys, for all rows: see AttentionFew.cpp
  bool isAlone = false; ///< of a subgroup that is its own workgroup: see AttentionSubgroups.cpp
  int64_t parts = 1;    ///< of the keys, each with a workgroup of its own: see AttentionParts.cpp
};

class Attention {
public:
  Attention(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits, const AttentionShape &shape);

  void emit();

protected:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Values = LoopBuilder::Values;

  struct Place {
    Value batch, head, query; ///< `query` is a number in the op's query: its position is past + query
    Value isInside;           ///< false for rows beyond the last, which are the last once more
  };
  /// Keys begin ... begin + size - 1.
  struct Tile {
    Value begin, size, isWhole;
  };
  /// A row that an invocation works on: its number in the workgroup, and its place.
  struct OwnRow {
    Value number;
    Place place;
  };
  /// What a row comes to when all its keys have been seen: see AttentionNest::RowEnd.
  struct RowEnd {
    Value empty, maximum, inverse, factor, lse;
  };

  //===-- Attention.cpp: rows, tiles, results ---------------------------------------------------------------------===//
  void emitGroup(Kernel &k);
  void placeGroup(Kernel &k);
  Place placeOf(Kernel &k, Value row);
  void allocate(Kernel &k);
  void readQueries(Kernel &k);
  QueryBlock queryBlock(Kernel &k);
  EmittedBounds boundsOf(Kernel &k);
  using TileBody = llvm::function_ref<Values(const Tile &, ValueRange)>;
  Values eachTile(Kernel &k, ValueRange state, TileBody body);
  Values eachTileOf(Kernel &k, const EmittedBounds &range, ValueRange state, TileBody body);
  /// What to subtract from scores: a maximum, or 0 where it is minus infinity since there are none.
  static Value finiteOr0(Kernel &k, Value maximum);
  RowEnd endOfRow(Kernel &k, Value maximum, Value sum, Value head);
  void writeResults(Kernel &k, ValueRange state, llvm::ArrayRef<RowEnd> ends);

  //===-- AttentionTile.cpp: one tile of keys ---------------------------------------------------------------------===//
  /// The scores of the pairs of this invocation, and whether they are admitted.
  struct Scores {
    Values scores, admitted;
  };
  Scores scoreTile(Kernel &k, const Tile &tile);
  Value score(Kernel &k, ValueRange sums, const Place &place, Value key);
  /// Whether a key that `isThere` is admitted.
  Value admits(Kernel &k, const Tile &tile, const Place &place, Value key, Value isThere);
  void addTerms(Kernel &k, const Place &place, Value query, Value key, Value element,
                llvm::MutableArrayRef<Value> sums);
  void updateMaxima(Kernel &k, const Scores &scores);
  /// From `candidates` of [rows, count] the maxima of rows, what to subtract from scores, and the factors of what was
  /// added up before. All invocations have to have written theirs.
  void agreeOnMaxima(Kernel &k, Value candidates, int64_t count);
  Value nothing(); ///< what stands for a pair that is not admitted
  Value isSomething(Kernel &k, Value p);
  void storePairs(Kernel &k, const Scores &scores, llvm::function_ref<Value(int64_t, Value)> numberOf);
  Value probability(Kernel &k, const OwnRow &row, Value score, Value key);
  void writeWeights(Kernel &k, const Scores &scores, Value key);
  Values addValues(Kernel &k, const Tile &tile, ValueRange state, bool rescales, bool withValues);

  //===-- AttentionFew.cpp: many keys for few rows ----------------------------------------------------------------===//
  void emitFew(Kernel &k);
  void allocateFew(Kernel &k);
  Values scoreKeys(Kernel &k, const Tile &tile);
  Value query(Kernel &k, const Place &place, Value element); ///< scaled
  Values totals(Kernel &k, Value key);
  void weighKeys(Kernel &k, const Tile &tile, ValueRange admitted);
  Values pairsOf(Kernel &k, Value key);
  void keepPairs(Kernel &k, Value key, llvm::ArrayRef<Value> ofRows);
  Values addFewValues(Kernel &k, const Tile &tile, ValueRange state);
  Values joinShares(Kernel &k, ValueRange state);

  //===-- AttentionParts.cpp: parts of the keys beside each other -------------------------------------------------===//
  void cutRange(Kernel &k);
  void writePart(Kernel &k, ValueRange state);
  void launchMerge();

  //===-- AttentionSubgroups.cpp: few rows by a subgroup alone ----------------------------------------------------===//
  void emitAlone(Kernel &k);
  void allocateAlone(Kernel &k);
  Values addKey(Kernel &k, const Tile &tile, ValueRange state);
  Values joinInvocations(Kernel &k, ValueRange state);

  bool hasMask() { return !op.getMask().empty(); }
  bool hasSecondPass() { return op.getWeights() || !op.getWeigh().empty(); }
  float scale() { return static_cast<float>(op.getScale().convertToDouble()); }
  float scaleOfQueries();

  mlir::ImplicitLocOpBuilder &b;
  AttentionOp op;
  GpuLimits limits;
  int64_t rows, keysOfTile, H, G, D, E, sums;
  bool isFew, isAlone;
  int64_t parts;
  MaskBounds bounds;
  std::optional<MaskIntervals> intervals;        ///< where they say more than the bounds
  Value batches, S, T, past, rowsOfHead, blocks; // of the host

  // Of the kernel that is being emitted.
  Value batch, keyHead, firstRow;
  Value part;                                           ///< of the keys
  Value queries, keys, pairs, found;                    // workgroup memory: [rows, D], a stretch of keys, [rows, keys]
  Value maxima, subtracted, factors, rowSums, inverses; // [rows] each
  EmittedBounds range;
  QueryBlock rowsInGroup;
  // An invocation has one key of a tile in several rows, and then some elements of values in several rows.
  Value ownKey;
  llvm::SmallVector<OwnRow> pairRows, valueRows;
  Values elements;
  bool areAllElements = false; ///< else some are beyond the last
  // For few rows.
  Value lane, share; ///< an invocation adds up some elements of values, over a share of the keys of a tile
  int64_t lanes, shares;
  Values ownQueries;    ///< for few rows: all of their elements, where they are not too many
  Value isFirstElement; ///< one of those that share a row
  Value hasValueRow;
};

} // namespace weft::grid
