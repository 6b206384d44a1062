//===- Dimensions.h - several dimensions as one, and one as several -------------------------------------*- C++ -*-===//
// Answers: how do the many axes of a value become the few dimensions that an op has, and many again?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace weft {

/// Makes one dimension of the next counts[i] dimensions each; of none, a dimension of size 1. `sizes` are those of the
/// dimensions as they are.
mlir::Value joinDimensions(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor, llvm::ArrayRef<unsigned> counts,
                           llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// The inverse: `sizes` are those of the dimensions as they become.
mlir::Value splitDimensions(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor, llvm::ArrayRef<unsigned> counts,
                            llvm::ArrayRef<mlir::OpFoldResult> sizes);

} // namespace weft
