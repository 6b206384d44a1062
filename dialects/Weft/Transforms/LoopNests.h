//===- LoopNests.h - what a structured op iterates over and combines ------------------------------------*- C++ -*-===//
// Answers: which loops does an op have, how often do they run, and what does it combine over those that reduce?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace weft {

/// Whether all ops of the body may be computed anywhere and as often as wanted, and are one value each.
bool hasPureBody(mlir::linalg::LinalgOp op);

/// The ops of a block that some of its values need, in their order.
llvm::SmallVector<mlir::Operation *> opsFor(mlir::Block &block, mlir::ValueRange values);

/// The loops along which an op reduces.
llvm::SmallVector<unsigned> reductionLoops(mlir::linalg::LinalgOp op);

/// The value of the body that an op with one result combines over its reduction loops: what is added up, or of what the
/// largest is taken. Null for all other ops, and for those that do not start from the neutral element.
mlir::Value addedUp(mlir::linalg::LinalgOp op);
mlir::Value largestOf(mlir::linalg::LinalgOp op);

/// The size of a dimension, by the ops that made the tensor; null where they do not tell.
mlir::OpFoldResult knownSize(mlir::Value tensor, int64_t dim);

/// How often a loop runs.
mlir::OpFoldResult loopSize(mlir::OpBuilder &b, mlir::linalg::LinalgOp op, unsigned loop);

} // namespace weft
