//===- WeftOps.h - the weft dialect, executable ---------------------------------------------------------*- C++ -*-===//
// Answers: which function is the meaning of which weft op? Each follows the op's text in WeftOps.td line by line.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/reference/Frame.h"
#include "dialects/Weft/IR/WeftOps.h"

namespace weft::reference {

// Parameters.cpp
llvm::Error evaluate(WeightOp op, Frame &frame);
llvm::Error evaluate(PackOp op, Frame &frame);
llvm::Error evaluate(ParameterOp op, Frame &frame);
// Linear.cpp
llvm::Error evaluate(LinearOp op, Frame &frame);
llvm::Error evaluate(PackedLinearOp op, Frame &frame);
// Attention.cpp
llvm::Error evaluate(AttentionOp op, Frame &frame);
// Rows.cpp
llvm::Error evaluate(RmsNormOp op, Frame &frame);
/// The rows of `input`, normed in the precision of `result`. `scale` may be null.
Tensor rmsNorm(const Frame &frame, mlir::Value result, const Tensor &input, double eps, const Tensor *scale);
llvm::Error evaluate(LayerNormOp op, Frame &frame);
llvm::Error evaluate(SoftmaxOp op, Frame &frame);
llvm::Error evaluate(ArgmaxOp op, Frame &frame);
// Positions.cpp
llvm::Error evaluate(RotaryOp op, Frame &frame);
llvm::Error evaluate(LookupOp op, Frame &frame);
llvm::Error evaluate(CacheOp op, Frame &frame);

/// Fails unless an operand has the shape that the sizes of the others ask for. What is static was verified; what is
/// known only when running is checked here.
llvm::Error expectShape(mlir::Operation *op, llvm::StringRef name, const Tensor &tensor, llvm::ArrayRef<int64_t> shape);

/// An optional operand with one element per column.
llvm::Expected<const Tensor *> perColumn(mlir::Operation *op, llvm::StringRef name, mlir::Value operand,
                                         mlir::Value input, const Frame &frame);

/// Calls `kernel` with a number of the type to compute in: float where results are rounded, else double.
template <typename Kernel> auto inPrecision(const Frame &frame, mlir::Value result, Kernel kernel) {
  return frame.isSingle(result.getType()) ? kernel(float()) : kernel(double());
}

/// The shape without its last size, and what it counts.
inline llvm::ArrayRef<int64_t> leading(const Tensor &tensor) { return llvm::ArrayRef(tensor.shape).drop_back(); }
inline int64_t count(llvm::ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

} // namespace weft::reference
