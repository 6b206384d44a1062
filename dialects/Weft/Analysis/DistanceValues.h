//===- DistanceValues.h - what depends on the distance of query and key alone ---------------------------*- C++ -*-===//
// Answers: which parts of a score can be computed once for each distance, instead of once for each query and key?
//
// A relative bias looks up a number by q - k: of n queries and m keys, n * m are asked for and n + m - 1 differ.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/Block.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace weft {

class DistanceValues {
public:
  /// The block's arguments from `firstPosition` on are batch, head, query and key; those before it differ for each pair
  /// of query and key.
  DistanceValues(mlir::Block &body, unsigned firstPosition) : body(body), firstPosition(firstPosition) {}

  /// Whether the value is the same for pairs of one batch entry and head at one distance q - k: it may be computed with
  /// q = distance and k = 0.
  bool isOfDistance(mlir::Value value);

  /// f32 values of the distance that read memory or call a function, and that something else is made of: what a table
  /// of distances should hold.
  llvm::SmallVector<mlir::Value> worthTable();

private:
  /// query * q + key * k + (something of batch and head), where that is known; else a function of what `kind` says.
  struct Form {
    enum Kind { Uniform, Linear, Distance, Pair } kind;
    int64_t query = 0, key = 0;
  };
  Form of(mlir::Value value);
  Form compute(mlir::Value value);
  bool isCostly(mlir::Value value);

  mlir::Block &body;
  unsigned firstPosition;
  llvm::DenseMap<mlir::Value, Form> known;
};

} // namespace weft
