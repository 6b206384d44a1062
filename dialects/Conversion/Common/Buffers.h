//===- Buffers.h - what kernels of every target ask of their buffers ------------------------------------*- C++ -*-===//
// Answers: can rows be counted by one number, and are the sizes of an attention such that a kernel can be made of it?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"

namespace weft {

/// The buffer with its `leading` dimensions as one, or null where their strides do not allow it.
mlir::Value collapseLeading(mlir::OpBuilder &b, mlir::Location loc, mlir::Value memref, int64_t leading);

/// Whether heads and widths are known and no width is over `most`, so many as fit `memory`; reports what is wrong if
/// not.
mlir::LogicalResult checkWidths(AttentionOp op, int64_t most, llvm::StringRef memory);

} // namespace weft
