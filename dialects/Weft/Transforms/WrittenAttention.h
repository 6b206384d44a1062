//===- WrittenAttention.h - attention by its equations --------------------------------------------------*- C++ -*-===//
// Answers: is a sum of products attention, of which queries, keys, values and scores, and if it is nearly, why not?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Transforms/MaskAndScore.h"
#include "dialects/Weft/Transforms/SumOfProducts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace weft {

/// Why a softmax between two sums of products stays what it is.
struct Refusal {
  std::string reason;
  mlir::Operation *culprit = nullptr; ///< where the reason lies, if that is not the sum itself
};

/// A set of axes. Axes are numbered: first the loops of the sum over the values, then the width of query and key.
using AxisSet = llvm::SmallBitVector;

/// sum over `key` of softmax(score of sum over the width of query * key) * value.
class WrittenAttention {
public:
  /// Null where the sum is no attention; with a reason if it has a softmax.
  static std::unique_ptr<WrittenAttention> match(mlir::linalg::LinalgOp op, Refusal &refusal);

  ElementFormula formulas;
  mlir::Value product;                      ///< the variable for query * key in formulas
  llvm::SmallVector<mlir::Value> positions; ///< the variables for positions, by axis

  SumOfProducts values;
  llvm::SmallVector<Factor> valueFactors;
  double valueNumber = 1;

  std::optional<SumOfProducts> scores; ///< none: the score is a formula of positions alone
  llvm::SmallVector<Factor> queryFactors, keyFactors;
  llvm::SmallVector<unsigned> scoreAxes; ///< by loop of `scores`

  MaskAndScore formula;

  unsigned key = 0;
  llvm::SmallVector<unsigned> queries; ///< the axes of the queries' positions; none where there is one query
  llvm::SmallVector<unsigned> heads;   ///< the other axes of queries alone
  llvm::SmallVector<unsigned> shared;  ///< those of queries, keys and values
  llvm::SmallVector<unsigned> width, valueWidth;

  /// Some row may be nothing but -inf: NaN by its formula, where attention gives zero.
  bool mayBeNaN = false;

  /// Where the sum is divided by that of the exponentials, in the body of the op that alone uses it; null where each
  /// of the exponentials is.
  mlir::arith::DivFOp division;

  /// The tensors of the three, each dimension with its axis. Without scores query and key are null.
  LoopedTensor queryTensor(mlir::OpBuilder &b) const { return sideOf(b, queryFactors); }
  LoopedTensor keyTensor(mlir::OpBuilder &b) const { return sideOf(b, keyFactors); }
  LoopedTensor valueTensor(mlir::OpBuilder &b) const { return values.tensorOf(b, valueFactors, valueNumber); }

  /// How long an axis is.
  mlir::OpFoldResult sizeOf(mlir::OpBuilder &b, unsigned axis) const;
  int64_t staticSizeOf(unsigned axis) const;

private:
  explicit WrittenAttention(SumOfProducts sum);

  LoopedTensor sideOf(mlir::OpBuilder &b, llvm::ArrayRef<Factor> factors) const;
  /// Where the sum meets a softmax; false where it does not, or not as it should.
  bool matchValues(Refusal &refusal);
  mlir::Value divisorOfSum();
  void matchScores();
  bool assignAxes(Refusal &refusal);
  bool hasOtherUses(Refusal &refusal);
  bool mayBeInfinite(mlir::Value formula);
  bool mayAdmitNothing();
  AxisSet axesOf(llvm::ArrayRef<Factor> factors, llvm::ArrayRef<unsigned> axisOfLoop) const;
  AxisSet axesOf(mlir::Value formula);

  mlir::Value score;                     ///< with its mask
  mlir::Operation *normalizer = nullptr; ///< of the probabilities
  /// One way to see a sum of products as that of queries and keys.
  struct Sides;
  std::optional<Sides> sidesOf(mlir::tensor::ExtractOp read);
};

} // namespace weft
