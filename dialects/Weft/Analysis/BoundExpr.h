//===- BoundExpr.h - integer expressions of a block of queries and keys ---------------------------------*- C++ -*-===//
// Answers: how is a bound such as "last query + 1" written once, and both evaluated on numbers and emitted as IR?
//
// An expression is an immutable node shared by its users. Its variables are those of a block of queries and of a block
// of keys: positions of the first and the last, the heads that the queries belong to, the number of keys, and values
// that are the same for the whole block ("uniform"). Positions, sizes and heads are at least 0 and below 2^31, which is
// what folding knows of them.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <memory>

namespace weft {

class BoundExpr {
public:
  enum class Kind {
    Constant,
    FirstQuery,
    LastQuery,
    FirstKey,
    LastKey,
    FirstHead,
    LastHead,
    Keys,
    Uniform,
    Add,
    Scale,
    Multiply,
    FloorDiv,
    Quotient,
    Min,
    Max,
    Choose,
    Least,
    Most
  };

  static BoundExpr constant(int64_t value);
  static BoundExpr firstQuery() { return variable(Kind::FirstQuery); }
  static BoundExpr lastQuery() { return variable(Kind::LastQuery); }
  static BoundExpr firstKey() { return variable(Kind::FirstKey); }
  static BoundExpr lastKey() { return variable(Kind::LastKey); }
  static BoundExpr firstHead() { return variable(Kind::FirstHead); }
  static BoundExpr lastHead() { return variable(Kind::LastHead); }
  static BoundExpr keys() { return variable(Kind::Keys); }
  /// An integer, index or i1 value that does not vary within a block.
  static BoundExpr uniform(mlir::Value value);

  BoundExpr operator+(const BoundExpr &other) const;
  BoundExpr operator+(int64_t value) const { return *this + constant(value); }
  BoundExpr operator*(int64_t factor) const;
  BoundExpr operator*(const BoundExpr &other) const;
  BoundExpr operator-() const { return *this * -1; }
  BoundExpr operator-(const BoundExpr &other) const { return *this + -other; }
  BoundExpr floorDiv(int64_t divisor) const; ///< divisor > 0
  /// Rounded towards zero; `divisor` counts as 1 where it is less.
  BoundExpr quotient(const BoundExpr &divisor) const;

  static BoundExpr min(const BoundExpr &a, const BoundExpr &b);
  static BoundExpr max(const BoundExpr &a, const BoundExpr &b);
  /// `condition >= 0 ? yes : no`
  static BoundExpr choose(const BoundExpr &condition, const BoundExpr &yes, const BoundExpr &no);

  /// The least and the largest entry of a table among those that `load` (memref.load or tensor.extract) can read when
  /// its indices lie within `box`: for each, the first and the last.
  static BoundExpr least(mlir::Operation *load, llvm::ArrayRef<std::pair<BoundExpr, BoundExpr>> box);
  static BoundExpr most(mlir::Operation *load, llvm::ArrayRef<std::pair<BoundExpr, BoundExpr>> box);

  /// Whether it is known to be the same expression, and where it is known to lie.
  static bool same(const BoundExpr &a, const BoundExpr &b);
  int64_t lower() const;
  int64_t upper() const;

  /// What the variables stand for when evaluating.
  struct Numbers {
    int64_t firstQuery = 0, lastQuery = 0, keys = 0;
    llvm::function_ref<int64_t(mlir::Value)> uniform;
    int64_t firstKey = 0, lastKey = 0, firstHead = 0, lastHead = 0;
    /// The least and the largest entry, by the load and its box.
    using Entries = std::pair<int64_t, int64_t>;
    llvm::function_ref<Entries(mlir::Operation *, llvm::ArrayRef<int64_t> first, llvm::ArrayRef<int64_t> last)> table =
        nullptr;
  };
  int64_t evaluate(const Numbers &numbers) const;

  /// What they stand for when emitting: values of `type`, and an integer, index or i1 value for each uniform one. All
  /// arithmetic is in `type`, which needs 64 bits: index where that has as many.
  struct Values {
    mlir::Value firstQuery, lastQuery, keys;
    llvm::function_ref<mlir::Value(mlir::Value)> uniform;
    mlir::Value firstKey = {}, lastKey = {}, firstHead = {}, lastHead = {};
    using Entries = std::pair<mlir::Value, mlir::Value>;
    llvm::function_ref<Entries(mlir::Operation *, mlir::ValueRange first, mlir::ValueRange last)> table = nullptr;
    mlir::Type type = {}; ///< null: index
  };
  /// What has been emitted already, by node and by table.
  struct Emitted {
    llvm::DenseMap<const void *, mlir::Value> values;
    llvm::DenseMap<mlir::Operation *, Values::Entries> tables;
  };
  /// Emits the expressions in order; what they share is emitted once, and what `emitted` holds not again.
  static llvm::SmallVector<mlir::Value> emit(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<BoundExpr> exprs,
                                             const Values &values, Emitted emitted = Emitted());
  /// Emits the parts of the expressions that do not depend on a block of keys, to be used by `emit` in a loop over such
  /// blocks. `values.firstKey` and `lastKey` may be null.
  static Emitted emitForAllKeys(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<BoundExpr> exprs,
                                const Values &values);

private:
  struct Node;
  class Emission;
  explicit BoundExpr(std::shared_ptr<const Node> node) : node(std::move(node)) {}
  static BoundExpr variable(Kind kind);
  static BoundExpr make(Kind kind, int64_t number, llvm::ArrayRef<BoundExpr> operands, mlir::Value value = {},
                        mlir::Operation *load = nullptr);
  static BoundExpr entry(Kind kind, mlir::Operation *load, llvm::ArrayRef<std::pair<BoundExpr, BoundExpr>> box);
  std::optional<int64_t> asConstant() const;

  std::shared_ptr<const Node> node;
};

} // namespace weft
