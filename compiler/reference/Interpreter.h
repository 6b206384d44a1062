//===- Interpreter.h - the specification, executable ----------------------------------------------------*- C++ -*-===//
// Answers: what does this IR compute? Plain loops over tensors, every element in `Scalar` (double: the truth; float:
// the naive single-precision result that error bounds are measured against). Speaks the phases `model` and `fused`:
// weft, linalg.generic/fill/transpose/..., tensor, arith, math, func, scf.for.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/checkpoint/Checkpoint.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <vector>

namespace weft::reference {

/// A dense row-major tensor. Numbers of every element type are held as doubles (i32 and i1 exactly).
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> values;
  int64_t elements() const;
};

enum class Precision { F64, F32 /* every operation rounded to float */ };

struct Options {
  Precision precision = Precision::F64;
  /// The values of `weft.weight`; may be null for IR without any.
  const Checkpoint *checkpoint = nullptr;
  /// Called after each op that yields tensors, for `weft verify` and dumps; may be empty.
  std::function<void(mlir::Operation *, llvm::ArrayRef<Tensor>)> observe;
  /// Whether matmuls round their activations where they may, to bf16 or int8: code does that, the truth does not.
  bool roundActivations = false;
};

/// Runs a function. `arguments` are in the function's order; an `index` argument is a tensor of rank 0. States are
/// updated in place in `arguments`. The error names the op, its location and the reason.
llvm::Expected<std::vector<Tensor>> run(mlir::func::FuncOp function, llvm::MutableArrayRef<Tensor> arguments,
                                        const Options &options);

} // namespace weft::reference
