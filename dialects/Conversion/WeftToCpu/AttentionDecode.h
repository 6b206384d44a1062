//===- AttentionDecode.h - the loop nest of attention for few queries -----------------------------------*- C++ -*-===//
// Answers: which parts does the loop nest whose lanes are keys, then elements, consist of?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"

namespace weft::cpu {

class Decode : AttentionNest {
public:
  Decode(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits)
      : AttentionNest(b, op, limits, /*acrossHeads=*/true) {
    int64_t accumulators = limits.registers() / 2;
    vectors = std::min<int64_t>(4, llvm::divideCeil(E, L));
    chains = std::min<int64_t>(4, accumulators / vectors);
  }

  void emit();

private:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Vectors = llvm::SmallVector<Value>;

  static constexpr int64_t rowsOfItem = 8;

  struct Item {
    Value batch, keyHead, firstRow, rows;
    HeadView key, value;
    QueryBlock block;
    EmittedBounds bounds;
  };
  /// The query and head that a row of an item is.
  struct Row {
    Value query, head;
  };
  /// A part of the elements of a value: `count` of them from `first`, in vectors.
  struct Piece {
    Value first;
    int64_t count;
  };

  //===-- AttentionDecode.cpp: items, rows and blocks -------------------------------------------------------------===//
  void emitItem(Value number);
  Item describe(Value number);
  void eachBlock(const Item &item, llvm::function_ref<void(const KeyBlock &)> body);
  Row rowOf(const Item &item, Value row);
  Position at(const Item &item, Value row, Value key);
  void start(const Item &item);
  void finishRows(const Item &item);
  Value isEmpty(Value row);
  void writeResult(const Item &item);

  //===-- DecodeScores.cpp: from queries and keys to scores, exponentials and probabilities -----------------------===//
  using TileBody = llvm::function_ref<void(Value firstKey, Value row, Value score, const Position &)>;
  void scoreBlock(const Item &item, const KeyBlock &block);
  void exponentials(const Item &item, const KeyBlock &block);
  void probabilityBlock(const Item &item, const KeyBlock &block);
  void eachTile(const Item &item, const KeyBlock &block, TileBody body);
  Vectors sumsOverWidth(const Item &item, llvm::ArrayRef<Value> keys, Value row);
  Vectors addTerms(const Item &item, ValueRange keys, Value row, Value d, int64_t count, ValueRange sums);
  Value maskTile(const Item &item, const KeyBlock &block, Value firstKey, Value row, Value tile, float otherwise);

  //===-- DecodeValues.cpp: from probabilities and values to results ----------------------------------------------===//
  void addValues(const Item &item, const KeyBlock &block);
  void addValuesOfRows(const Item &item, const KeyBlock &block, Value firstRow, int64_t rows, const Piece &piece);
  void addValuesOfRow(const Item &item, const KeyBlock &block, Value row, const Piece &piece);
  void addAdmittedValues(const Item &item, const KeyBlock &block);
  void eachPiece(int64_t vectors, llvm::function_ref<void(const Piece &)> body);
  Vectors loadPiece(Value memref, Value row, const Piece &piece);
  Vectors startPiece(Value row, const Piece &piece);
  void storePiece(llvm::ArrayRef<Value> sums, Value row, const Piece &piece);

  int64_t vectors; // of value elements in a register tile
  int64_t chains;  // of additions in a register tile: as many rows, or as many keys of one row
  Value rowsPerHead, chunks;
  // One entry or line for each row. `factors`: what a result is to be multiplied with next, or a second pass's
  // exponential.
  Value queries, scores, results, tileMaxima, maxima, rowSums, factors;
};

} // namespace weft::cpu
