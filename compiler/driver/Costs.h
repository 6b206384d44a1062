//===- Costs.h - what the entry points of a model cost --------------------------------------------------*- C++ -*-===//
// Answers: what does a model ask of the machine, for given sizes of its axes?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/driver/Session.h"
#include "compiler/inspect/Roofline.h"

namespace weft::driver {

struct EntryCosts {
  std::string name, kind; ///< of the function; "sequence" or "step"
  std::string sizes;      ///< " seq=128 batch=1", and " past=..." of a step
  std::vector<KernelCost> costs;
};

/// The costs of all entry points, where `sizeOf` fixes the axes whose sizes are known when running. Of attention over
/// whole sequences, operations are those of the pairs that its mask admits, where it reads nothing but positions.
/// Returns Done or an exit code, after reporting.
int entryCosts(const ModelOptions &model, const TypeOptions &types, const TargetLimits &limits, int64_t past,
               llvm::function_ref<int64_t(llvm::StringRef axis)> sizeOf, std::vector<EntryCosts> &entries);

} // namespace weft::driver
