//===- SumOfProducts.h - the factors of a contraction ---------------------------------------------------*- C++ -*-===//
// Answers: which op is a sum of products, what are its factors, and along which of its loops does each of them vary?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SmallBitVector.h"

namespace weft {

/// A scalar of an op's body that multiplies the rest of a product, or divides it.
struct Factor {
  mlir::Value scalar;
  bool divides;
  llvm::SmallBitVector loops; ///< along which it varies
};

/// A tensor, and the loop that each of its dimensions is.
struct LoopedTensor {
  mlir::Value tensor;
  llvm::SmallVector<unsigned> loops;
};

struct SumOfProducts {
  mlir::linalg::LinalgOp op;
  llvm::SmallVector<Factor> factors; ///< those that are no numbers
  double number = 1;                 ///< the product of those that are

  /// For an op on tensors that adds up f32 products from zero on, whatever its name.
  static std::optional<SumOfProducts> of(mlir::linalg::LinalgOp op);

  /// The loops along which some of the factors vary, outermost first: as an operand lies that has them all.
  llvm::SmallVector<unsigned> orderOf(llvm::ArrayRef<Factor> factors) const;

  /// The product of `number` and some of the factors over the loops that these vary along: an operand as it lies where
  /// that is all, else the result of a new op.
  LoopedTensor tensorOf(mlir::OpBuilder &b, llvm::ArrayRef<Factor> factors, double number) const;
};

} // namespace weft
