//===- Sizes.h - arithmetic on sizes --------------------------------------------------------------------*- C++ -*-===//
// Answers: what is this size, exactly, and what is wrong with it if it is none? Nothing here wraps.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Diagnostics.h"
#include "compiler/frontend/Graph.h"

namespace weft::frontend {

/// The value of an expression over sizes; `lookup` gives that of a name, or none after reporting.
class SizeEvaluator {
public:
  using Lookup = std::function<std::optional<int64_t>(const NameExpr &)>;
  SizeEvaluator(Diagnostics &diagnostics, Lookup lookup) : diagnostics(diagnostics), lookup(std::move(lookup)) {}
  std::optional<int64_t> evaluate(const Expr &expr);

private:
  std::optional<int64_t> combine(const BinaryExpr &expr, int64_t left, int64_t right);
  Diagnostics &diagnostics;
  Lookup lookup;
};

/// "64 is not divisible by 7 (nearest divisors: 4 and 8)"
std::string notDivisible(int64_t number, int64_t divisor);

/// Product of sizes, none when it does not fit. `bytes` is that of one element, so that the tensor fits as well.
std::optional<int64_t> checkedProduct(llvm::ArrayRef<int64_t> sizes, int64_t bytes);

} // namespace weft::frontend
