//===- BoundExpr.h - integer expressions of a block of queries ------------------------------------------*- C++ -*-===//
// Answers: how is a bound such as "last query + 1" written once, and both evaluated on numbers and emitted as IR?
//
// An expression is an immutable node shared by its users. Its variables are those of a block of queries: the positions
// of the first and of the last query, the number of keys, and values that are the same for the whole block ("uniform").
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <memory>

namespace weft {

class BoundExpr {
public:
  enum class Kind { Constant, FirstQuery, LastQuery, Keys, Uniform, Add, Scale, FloorDiv, Min, Max, Choose };

  static BoundExpr constant(int64_t value);
  static BoundExpr firstQuery();
  static BoundExpr lastQuery();
  static BoundExpr keys();
  /// An integer, index or i1 value that does not vary within a block.
  static BoundExpr uniform(mlir::Value value);

  BoundExpr operator+(const BoundExpr &other) const;
  BoundExpr operator+(int64_t value) const { return *this + constant(value); }
  BoundExpr operator*(int64_t factor) const;
  BoundExpr operator-() const { return *this * -1; }
  BoundExpr operator-(const BoundExpr &other) const { return *this + -other; }
  BoundExpr floorDiv(int64_t divisor) const; ///< divisor > 0

  static BoundExpr min(const BoundExpr &a, const BoundExpr &b);
  static BoundExpr max(const BoundExpr &a, const BoundExpr &b);
  /// `condition >= 0 ? yes : no`
  static BoundExpr choose(const BoundExpr &condition, const BoundExpr &yes, const BoundExpr &no);

  /// What the variables stand for when evaluating; keys >= 0.
  struct Numbers {
    int64_t firstQuery, lastQuery, keys;
    llvm::function_ref<int64_t(mlir::Value)> uniform;
  };
  int64_t evaluate(const Numbers &numbers) const;

  /// What they stand for when emitting: index values, and an integer, index or i1 value for each uniform one.
  struct Values {
    mlir::Value firstQuery, lastQuery, keys;
    llvm::function_ref<mlir::Value(mlir::Value)> uniform;
  };
  /// Emits the expressions in order; what they share is emitted once.
  static llvm::SmallVector<mlir::Value> emit(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<BoundExpr> exprs,
                                             const Values &values);

private:
  struct Node;
  explicit BoundExpr(std::shared_ptr<const Node> node) : node(std::move(node)) {}
  static BoundExpr make(Kind kind, int64_t number, llvm::ArrayRef<BoundExpr> operands, mlir::Value value = {});
  static bool same(const BoundExpr &a, const BoundExpr &b);
  static bool atMost(const BoundExpr &a, const BoundExpr &b);
  std::optional<int64_t> asConstant() const;

  template <typename Result, typename Compute>
  static Result visit(const BoundExpr &expr, llvm::DenseMap<const void *, Result> &done, Compute compute);

  std::shared_ptr<const Node> node;
};

} // namespace weft
