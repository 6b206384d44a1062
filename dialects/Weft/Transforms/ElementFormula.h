//===- ElementFormula.h - one element of a tensor as a formula ------------------------------------------*- C++ -*-===//
// Answers: what does one element of a tensor consist of, once all elementwise ops that lead to it are one formula?
//
// Formulas are scalar ops in one block of their own. Equal ops are one op and constants are folded, so that equal
// formulas mostly are one value. What is not computed elementwise is read by a `tensor.extract`.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Transforms/LoopNests.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseSet.h"
#include <map>

namespace weft {

class ElementFormula {
public:
  explicit ElementFormula(mlir::MLIRContext *context);

  /// A variable of the formulas: a position along an axis, or a score.
  mlir::Value addVariable(mlir::Type type);

  /// The element of a tensor at a position.
  mlir::Value element(mlir::Value tensor, llvm::ArrayRef<mlir::Value> position);
  /// A value of an op's body, where its loops are at `position`.
  mlir::Value inside(mlir::linalg::LinalgOp op, mlir::Value value, llvm::ArrayRef<mlir::Value> position);
  /// The same formula with another value in place of one of its own.
  mlir::Value substitute(mlir::Value formula, mlir::Value from, mlir::Value to);

  template <typename Op, typename... Arguments> mlir::Value create(mlir::Location loc, Arguments &&...arguments) {
    return insert(Op::create(b, loc, std::forward<Arguments>(arguments)...));
  }
  mlir::Value number(mlir::Location loc, double value);
  mlir::Value index(mlir::Location loc, int64_t value);
  mlir::Value truth(mlir::Location loc, bool value);
  mlir::Value negation(mlir::Location loc, mlir::Value condition);

  /// The ops of a formula, operands before users.
  llvm::SmallVector<mlir::Operation *> opsOf(mlir::Value formula) { return opsFor(region.front(), formula); }
  bool dependsOn(mlir::Value formula, mlir::Value variable);

  /// Whether the op is part of a formula itself, or its body is.
  bool isPart(mlir::Operation *op) const { return op->getParentRegion() == &region; }
  bool isInlined(mlir::Operation *op) const { return inlined.contains(op); }

private:
  struct SameOp : llvm::DenseMapInfo<mlir::Operation *> {
    static unsigned getHashValue(mlir::Operation *op);
    static bool isEqual(mlir::Operation *a, mlir::Operation *b);
  };

  mlir::Value insert(mlir::Operation *op);
  mlir::Value folded(mlir::Operation *op);
  mlir::Value chosen(mlir::Operation *op);

  mlir::Region region;
  mlir::OpBuilder b;
  llvm::DenseSet<mlir::Operation *, SameOp> known;
  std::map<std::vector<const void *>, mlir::Value> elements; ///< by tensor and position
  llvm::DenseSet<mlir::Operation *> inlined;
  unsigned depth = 0, created = 0;
};

} // namespace weft
