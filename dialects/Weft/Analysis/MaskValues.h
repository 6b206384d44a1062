//===- MaskValues.h - the integers inside a mask region -------------------------------------------------*- C++ -*-===//
// Answers: which values of a mask are the same for a whole block, and which are linear in the positions q and k?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Analysis/BoundExpr.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Region.h"

namespace weft {

/// query * q + key * k + rest
struct LinearForm {
  int64_t query = 0, key = 0;
  BoundExpr rest = BoundExpr::constant(0);

  LinearForm times(int64_t factor) const { return {query * factor, key * factor, rest * factor}; }
  LinearForm plus(const LinearForm &other) const { return {query + other.query, key + other.key, rest + other.rest}; }
  LinearForm plus(int64_t value) const { return {query, key, rest + value}; }
};

class MaskValues {
public:
  /// With `acrossHeads` a block has queries of several heads.
  MaskValues(mlir::Block &body, bool acrossHeads) : body(body), firstVarying(acrossHeads ? 1 : 2) {}

  /// Whether a value may differ within a block: it depends on q or k, or it is computed by something that cannot be
  /// copied to a place before the loops.
  bool varies(mlir::Value value);

  /// Positions and what formulas make of them must fit 32 bits, as they must in the lanes of a vector.
  std::optional<LinearForm> linear(mlir::Value value);

  mlir::Block &body;

private:
  std::optional<LinearForm> computeLinear(mlir::Value value);

  unsigned firstVarying; // of the arguments batch, head, query, key
  llvm::DenseMap<mlir::Operation *, bool> knownVarying;
  llvm::DenseMap<mlir::Value, std::optional<LinearForm>> knownLinear;
};

/// Copies of values that do not vary, with `batch` and `head` in place of the region's arguments: for
/// BoundExpr::Values.
class UniformCopies {
public:
  UniformCopies(mlir::OpBuilder &b, mlir::Region &mask, mlir::Value batch, mlir::Value head);
  mlir::Value operator()(mlir::Value value);

private:
  mlir::OpBuilder &b;
  mlir::Region &mask;
  mlir::IRMapping copies;
};

} // namespace weft
