//===- Rounding.h - numbers in narrow types ---------------------------------------------------------------*- C++
//-*-===//
// Answers: what do weights and activations become that the IR rounds?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/reference/WeftOps.h"

namespace weft::reference {

double roundToBF16(double single);
double roundToF16(double single);

/// The integers that numbers of one group become, and their scale: both as the text of `weft.pack` says.
struct Multiples {
  double scale;
  std::vector<double> integers;
};
llvm::Expected<Multiples> quantize(mlir::Operation *op, WeightType type, llvm::ArrayRef<double> numbers);

/// What the packed matrix of a product stands for, [P, K, panel], from its elements and scales.
std::vector<double> dequantize(WeightType type, const Tensor &packed, const Tensor *scales, int64_t depth);

/// A matmul's input with its rows rounded, where the op says so or allows it.
Tensor roundActivations(PackedLinearOp op, const Tensor &input);

} // namespace weft::reference
