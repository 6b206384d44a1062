//===- AttentionBuilder.h - equations as one op ---------------------------------------------------------*- C++ -*-===//
// Answers: how do the tensors and formulas of an attention that is written out become those of a `weft.attention`?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Transforms/WrittenAttention.h"

namespace weft {

/// Makes the op before the sum over the values, and gives what that sum gives, in the same layout.
mlir::Value buildAttention(mlir::OpBuilder &b, WrittenAttention &attention);

} // namespace weft
