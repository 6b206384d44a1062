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

/// Surrounds every call of a kernel in a module of phase `tiled` by readings of the clock that counts cycles. The code
/// adds them up in an array `contract::ticks`, one element for each call that is returned.
std::vector<ProfiledCall> insertTicks(mlir::ModuleOp module);

} // namespace weft
