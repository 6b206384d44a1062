//===- PackedLinearBuilder.h - how fusions make a packed_linear -----------------------------------------*- C++ -*-===//
// Answers: which elementwise ops can an epilogue hold, and how is a packed_linear put together from formulas?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

namespace weft {

/// Packs weights at the builder's place; the result's type follows from them. `scale` may be null.
mlir::Value packWeights(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange weights, mlir::Value scale,
                        int64_t panel, int64_t parts, bool inOut);

/// Success if an epilogue can compute `formula` while its operands in `accumulators` are in registers: one f32 element
/// from one element of each operand, by arithmetic alone. The reason for a failure goes to the rewriter's listener.
mlir::LogicalResult fitsEpilogue(mlir::RewriterBase &rewriter, mlir::linalg::GenericOp formula,
                                 llvm::ArrayRef<mlir::Value> accumulators);

/// A packed_linear in the making: formulas are appended to its epilogue and bring their operands along.
class PackedLinearBuilder {
public:
  PackedLinearBuilder(mlir::RankedTensorType result, int64_t parts);

  /// The sum of products of one part, for the element that the epilogue is at.
  mlir::Value accumulator(int64_t part) { return epilogue.getArgument(part); }
  /// `sum` + bias[column], or `sum` where there is no bias.
  mlir::Value addBias(mlir::Location loc, mlir::Value sum, mlir::Value bias);
  /// The value of another op's epilogue on this one's accumulators. Both have as many parts.
  mlir::Value append(PackedLinearOp other);
  /// The value of a formula that fits (see fitsEpilogue), where `known` gives operands that are in registers.
  mlir::Value append(mlir::linalg::GenericOp formula, const llvm::DenseMap<mlir::Value, mlir::Value> &known);
  /// Makes the op, whose epilogue gives `value`.
  PackedLinearOp finish(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value input, mlir::Value packed,
                        mlir::Value value);

private:
  mlir::OpBuilder atEnd();
  mlir::Value extra(mlir::Value tensor, mlir::AffineMap map);
  mlir::Value inlineBody(mlir::Block &body, mlir::IRMapping mapping);

  mlir::RankedTensorType result;
  int64_t parts;
  mlir::Region region;
  mlir::Block &epilogue;
  llvm::SmallVector<mlir::Value> extras;
  llvm::SmallVector<mlir::AffineMap> maps;
};

} // namespace weft
