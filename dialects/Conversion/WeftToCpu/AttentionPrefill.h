//===- AttentionPrefill.h - the loop nest of attention for many queries ---------------------------------*- C++ -*-===//
// Answers: which parts does the loop nest whose lanes are queries consist of?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"
#include "dialects/Weft/Analysis/DistanceValues.h"

namespace weft::cpu {

class Prefill : AttentionNest {
public:
  Prefill(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits)
      : AttentionNest(b, op, limits, /*acrossHeads=*/false), shape(limits, op) {
    if (!op.getScore().empty())
      ofDistance = DistanceValues(op.getScore().front(), sums).worthTable();
  }

  void emit();

private:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Vectors = llvm::SmallVector<Value>;
  using Tile = llvm::SmallVector<Vectors>; ///< for each of shape.rows keys, the vectors of queries

  static constexpr int64_t mostVectors = 2; // of queries in a work item
  static constexpr int64_t blocksOfGroup = 8;

  /// What a block of queries is and what is known of it so far.
  struct Item {
    Value batch, head, firstQuery, queries; // queries: how many of the 2 L there are
    HeadView query, key, value, result;
    QueryBlock block;
    EmittedBounds bounds;
    Vectors positions; // of the queries, as lanes
  };
  /// One for each vector of queries.
  using RowEnds = llvm::SmallVector<RowEnd>;

  Position at(const Item &item, int64_t vector, Value key) {
    return {item.batch, item.head, item.positions[vector], key};
  }
  Value column(int64_t vector) { return index((firstVector + vector) * L); }

  //===-- AttentionPrefill.cpp: items and blocks ------------------------------------------------------------------===//
  void emitItem(Value number);
  void emitQueries(const Item &item);
  Item describe(Value number);
  void readQueries(const Item &item);
  using ItemBody = llvm::function_ref<Vectors(const Item &, const KeyBlock &, ValueRange)>;
  Vectors eachBlock(const Item &item, ValueRange carried, ItemBody body);
  Vectors eachBlockOf(const Item &item, ValueRange carried, ItemBody body);
  Item withoutFirstVector(const Item &item, Value begin);
  Vectors untilWithoutNaN(llvm::ArrayRef<mlir::Type> types, llvm::function_ref<Vectors(Value careful)> pass);
  Vectors addBlock(const Item &item, const KeyBlock &block, ValueRange state, Value careful);
  RowEnds endsOfRows(const Item &item, ValueRange state);
  void writeResult(const Item &item, const RowEnds &ends);
  void writeLse(const Item &item, const RowEnds &ends);

  //===-- PrefillScores.cpp: from queries and keys to scores, exponentials and probabilities ----------------------===//
  using TileBody = llvm::function_ref<Vectors(Value firstKey, ValueRange)>;
  using SumBody = llvm::function_ref<Vectors(Value d, ValueRange)>;
  Vectors scoreBlock(const Item &item, const KeyBlock &block, ValueRange maxima);
  Vectors exponentials(const KeyBlock &block, ValueRange subtracted);
  void probabilityBlock(const Item &item, const KeyBlock &block, const RowEnds &ends);
  Vectors eachTile(const KeyBlock &block, ValueRange carried, TileBody body);
  Tile scoreTile(const Item &item, const KeyBlock &block, Value firstKey);
  void prefetchLines(const Item &item, Value firstKey, Value d);
  Vectors sumOverWidth(SumBody body);
  Vectors addProducts(const Item &item, Value firstKey, Value d, ValueRange queries, ValueRange sums);
  Vectors addTerms(const Item &item, Value firstKey, Value d, ValueRange queries, ValueRange sums);
  Tile maskTile(const Item &item, const KeyBlock &block, Value firstKey, Tile tile, float otherwise);
  void storeTile(const Tile &tile, const KeyBlock &block, Value firstKey);
  void tabulateDistances(const Item &item, const KeyBlock &block);
  mlir::IRMapping tabulated(const KeyBlock &block, int64_t vector, Value key);

  //===-- PrefillValues.cpp: from probabilities and values to results ---------------------------------------------===//
  void clearResult();
  Value resultHasNaN();
  Vectors addScoredValues(const Item &item, const KeyBlock &block, ValueRange subtracted, ValueRange factors,
                          Value careful);
  void addValues(const Item &item, const KeyBlock &block, Value careful);
  void addValueTiles(const Item &item, const KeyBlock &block, ValueRange factors, int64_t first);
  void addValueTile(const Item &item, const KeyBlock &block, ValueRange factors, Value first, int64_t rows);
  Vectors addFirstTile(const Item &item, const KeyBlock &block, ValueRange factors, int64_t rows,
                       ValueRange subtracted);
  Vectors tileOfResult(ValueRange factors, Value first, int64_t rows);
  Vectors addKey(const Item &item, Value key, Value first, ValueRange p, ValueRange tile);
  void storeTileOfResult(llvm::ArrayRef<Value> tile, Value first);
  void addAdmittedValues(const Item &item, const KeyBlock &block, ValueRange factors);
  Value rescaled(Value e, int64_t vector, ValueRange factors);
  void clearWeightsOf(const Item &item);
  void writeWeights(const Item &item, const KeyBlock &block);

  PrefillShape shape;
  int64_t firstVector = 0, vectors = mostVectors; // of queries in the item whose code is made
  Value blocks;                                   // of queries in a head
  Value queriesT, scoresT, resultT, staging;
  Vectors ofDistance; // values of the score region that are computed once for each distance of a block
  Value distances;    // [ofDistance][distances of a block]
};

} // namespace weft::cpu
