//===- BoundNode.h - what a BoundExpr is made of --------------------------------------------------------*- C++ -*-===//
// Answers: what do evaluating (BoundExpr.cpp) and emitting (EmitBounds.cpp) walk over? Nobody else includes this.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Analysis/BoundExpr.h"

namespace weft {

struct BoundExpr::Node {
  Kind kind;
  int64_t number;        // the constant, factor or divisor
  mlir::Value value;     // of Uniform
  mlir::Operation *load; // of Least and Most
  llvm::SmallVector<BoundExpr, 3> operands;
  int64_t least, most; // the value lies between them, both included
  bool ofKeyBlock;     // depends on the first or last key

  std::pair<int64_t, int64_t> bounds() const;

  /// Calls `compute(node, operands)` for the node of an expression and what it is made of. Nodes are shared, so each is
  /// computed once; a tree walk would be exponential in the number of disjunctions.
  template <typename Result, typename Compute>
  static Result visit(const BoundExpr &expr, llvm::DenseMap<const void *, Result> &done, Compute compute) {
    const Node &node = *expr.node;
    if (auto found = done.find(&node); found != done.end())
      return found->second;
    llvm::SmallVector<Result, 3> operands;
    for (const BoundExpr &operand : node.operands)
      operands.push_back(visit<Result>(operand, done, compute));
    return done[&node] = compute(node, operands);
  }
};

} // namespace weft
