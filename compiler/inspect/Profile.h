//===- Profile.h - time spent in each kernel ------------------------------------------------------------*- C++ -*-===//
// Answers: how does compiled code count the time of its kernels, and which kernel does a count belong to?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace weft {

/// A call of a kernel in an entry point.
struct ProfiledCall {
  std::string entry;  ///< the function
  std::string kernel; ///< what it was made of, as in "packed_linear"
  std::string place;  ///< file:line in the model
};

/// Makes a module of phase `tiled` or `gpu` count the time of its kernels, in an array `contract::ticks` with one
/// element for each call that is returned: cycles of this machine, or nanoseconds of a GPU.
std::vector<ProfiledCall> insertTicks(mlir::ModuleOp module);

} // namespace weft
