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
    int64_t accumulators = limits.registers() / 2, ofValue = llvm::divideCeil(E, L);
    vectors = std::min<int64_t>(4, ofValue);
    valueRows = std::min<int64_t>(4, accumulators / vectors);
    // A row alone reads whole values, in the order in which they lie.
    vectorsOfRow = std::min<int64_t>(accumulators, ofValue);
    chains = std::min<int64_t>(4, accumulators / vectorsOfRow);
    // The queries of a tile of scores stay in registers where they fit.
    width = hasSimilarity() ? L : std::min<int64_t>(accumulators * L, llvm::alignTo(D, L));
    scoreRows = hasSimilarity() ? 1 : llvm::bit_floor(uint64_t(std::min<int64_t>(4, accumulators * L / width)));
  }

  void emit();

private:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Vectors = llvm::SmallVector<Value>;

  static constexpr int64_t rowsOfItem = 8, keysTogether = 4, mostKeys = 1024, mostCached = 24 << 20;

  /// Rows of one head in memory: the address of the first, and the bytes from each to the next.
  struct Rows {
    Value first, stride;
  };
  /// Where memory is asked for while keys or values are read. The addresses are those of row 0.
  struct Ahead {
    Value stride, ofOneRow;
    Value own, end, next; // of several rows: before `end`, and from there on, where what is read next begins
  };
  struct Item {
    Value batch, keyHead, firstRow, rows;
    HeadView key, value;
    QueryBlock block;
    EmittedBounds bounds;
    Value nextKeys; // the address of what is read after the last value
    Ahead ofKeys, ofValues;
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
  /// Keys or values that stay in half of a first-level cache: whole tiles.
  int64_t keysOfCache(int64_t width) { return llvm::alignTo(llvm::divideCeil(16384, 4 * width), L); }
  void emitItem(Value number, Value part, Value unit);
  Item describe(Value number);
  void eachBlock(const Item &item, llvm::function_ref<void(const Item &, const KeyBlock &)> body);
  Row rowOf(const Item &item, Value row);
  Position at(const Item &item, Value row, Value key);
  void start(const Item &item);
  void finishRows(const Item &item);
  Value isEmpty(Value row);
  void writeResult(const Item &item);

  //===-- DecodeAhead.cpp: what is read next ----------------------------------------------------------------------===//
  /// Of keys and of values memory is asked for so many positions ahead: 16 KB, many times what the machine sees coming.
  static int64_t rowsAhead(int64_t width) { return llvm::divideCeil(16384, 4 * width); }
  /// Where lines of some keys are read one after the other, whether the one is the line to ask for memory at.
  static bool asksFor(int64_t rows, int64_t key, int64_t line) { return rows > 1 || (key == 0 && line == 0); }
  Rows rowsOf(HeadView view);
  Value addressOf(const Rows &rows, Value row);
  void findNextKeys(Item &item, Value number, Value part, Value firstOfItem);
  void lookAhead(Item &item, const KeyBlock &block);
  Value baseAhead(const Ahead &ahead, Value first, int64_t rows);
  using AheadBody = llvm::function_ref<Vectors(Value from, Value to, Value base, ValueRange state)>;
  Vectors eachAhead(const Ahead &ahead, Value from, Value to, ValueRange start, AheadBody body);
  void askFor(const Ahead &ahead, Value base, Value row, Value element);

  //===-- DecodeScores.cpp: from queries and keys to scores, exponentials and probabilities -----------------------===//
  using TileBody =
      llvm::function_ref<Vectors(Value firstKey, ValueRange tile, llvm::ArrayRef<Position>, ValueRange state)>;
  void scoreBlock(const Item &item, const KeyBlock &block);
  void scorePart(const Item &item, const KeyBlock &part, Value begin);
  void exponentials(const KeyBlock &block, Value firstRow, int64_t rows);
  Vectors raiseMaxima(Value firstRow, int64_t rows);
  Vectors addExponentials(Value firstRow, Value key, ValueRange subtracted, ValueRange added);
  void addToSums(Value firstRow, ValueRange added);
  void probabilityBlock(const Item &item, const KeyBlock &block);
  Vectors eachTile(const Item &item, const KeyBlock &block, Value firstRow, int64_t rows, ValueRange start,
                   TileBody body);
  void eachRows(const Item &item, int64_t together, llvm::function_ref<void(Value firstRow, int64_t rows)> body);
  void sumTile(const Item &item, Value firstKey, Value firstRow, int64_t rows, ValueRange queries);
  /// Of how many rows of a tile the sums stand in one vector, from which those of four keys are still told apart.
  int64_t rowsOfVector(int64_t rows) { return std::min(rows, L / keysTogether); }
  Vectors tileSums(int64_t rows);
  Vectors loadQueries(Value firstRow, int64_t rows, Value d, int64_t count);
  Vectors sumsOverWidth(const Item &item, Value base, Value firstKey, Value firstRow, int64_t rows, ValueRange queries);
  Vectors addRun(const Item &item, Value base, Value firstKey, Value firstRow, ValueRange queries, Value d,
                 int64_t count, Vectors before);
  Vectors termsOf(const Item &item, Value query, Value key, Value row, Value d, int64_t count);
  Vectors maskTile(const Item &item, const KeyBlock &block, Value firstKey, Value firstRow, ValueRange tile,
                   float otherwise);

  //===-- DecodeValues.cpp: from probabilities and values to results ----------------------------------------------===//
  void addValues(const Item &item, const KeyBlock &block);
  void addValuesTogether(const Item &item, const KeyBlock &block, Value rows);
  void addKeysOfRows(const Item &item, const KeyBlock &block, Value firstRow, const Piece &piece, Value from, Value to,
                     ValueRange start);
  void addValuesOfRow(const Item &item, const KeyBlock &block, Value row, const Piece &piece);
  void addRow(const Item &item, const KeyBlock &block, Value row);
  Vectors startChains(Value row, const Piece &piece);
  Vectors addKeys(const Item &item, const KeyBlock &block, Value row, const Piece &piece, Value from, Value to,
                  ValueRange start);
  void finishChains(llvm::ArrayRef<Value> chainSums, Value row, const Piece &piece);
  void addAdmittedValues(const Item &item, const KeyBlock &block);
  void eachPiece(int64_t vectors, llvm::function_ref<void(const Piece &)> body);
  Vectors loadPiece(Value memref, Value row, const Piece &piece);
  Vectors startPiece(Value row, const Piece &piece);
  void storePiece(llvm::ArrayRef<Value> sums, Value row, const Piece &piece);

  //===-- DecodeParts.cpp: from parts of the keys to all of them --------------------------------------------------===//
  static constexpr int64_t leastOfPart = 1024, mostParked = 128 << 10; // keys; bytes
  int64_t lineOfParked() { return llvm::alignTo(E, L) + L; }
  void divideKeys();
  bool mayDivide();
  void eachRegion(Value items, llvm::function_ref<void(Value first, Value count)> body);
  void whenDivided(llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = nullptr);
  void takePart(Item &item, Value part);
  void parkPart(const Item &item, Value unit);
  void mergeItem(Value number, Value firstUnit);

  int64_t width, scoreRows;     // of a tile of scores: elements in one run, and rows
  int64_t vectors, valueRows;   // of a tile of results: vectors of elements, and rows
  int64_t vectorsOfRow, chains; // of a row alone: vectors of elements, and keys whose products are added up separately
  Value rowsPerHead, chunks;
  Value isCached; // may be: all keys and values
  int64_t units;  // parts of items that there is room for until they are merged
  Value parts;    // of the keys of each item
  Value parked;   // [unit][row]: a result, then its maximum, sum and factor
  // One entry or line for each row. `largest`: of each lane, whose maximum is the one in `maxima` once the block's
  // exponentials are due. `factors`: what a result is to be multiplied with next, or a second pass's exponential.
  Value queries, partials, scores, largest, results, maxima, rowSums, factors;
};

} // namespace weft::cpu
