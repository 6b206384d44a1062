//===- Probabilities.h - a softmax, however it is written -----------------------------------------------*- C++ -*-===//
// Answers: which factors of a product are, together, a softmax over one axis, and of which scores?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Transforms/ElementFormula.h"

namespace weft {

/// A part of a product, as a formula.
struct FormulaFactor {
  mlir::Value value;
  bool divides;
  unsigned owner; ///< whatever the caller counts
};

/// softmax(score) over the positions of a key: `number` times it is the product of `factors`.
struct Probabilities {
  mlir::Value score;
  double number = 1;
  llvm::SmallVector<unsigned, 2> factors;
  mlir::Operation *normalizer = nullptr; ///< the softmax, or the sum of what is exponential
};

/// Takes a product of formulas apart. What is a number is multiplied into `number`.
void takeApart(mlir::Value product, bool divides, unsigned owner, llvm::SmallVectorImpl<FormulaFactor> &factors,
               double &number);

/// A softmax among the factors of a product: the op, or exp(s) / sum exp(s), whatever is subtracted from s. What is not
/// an exponential may be one: `if c then 1 else 0` is exp(if c then 0 else -inf).
std::optional<Probabilities> findProbabilities(ElementFormula &formulas, llvm::ArrayRef<FormulaFactor> factors,
                                               mlir::Value key);

/// Whether a softmax over the positions of `key` is somewhere inside of a formula.
mlir::Operation *softmaxInside(ElementFormula &formulas, mlir::Value formula, mlir::Value key);

} // namespace weft
