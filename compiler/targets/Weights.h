//===- Weights.h - packed weights, as a stream of bytes -------------------------------------------------*- C++ -*-===//
// Answers: in which steps are a module's parameters made from a checkpoint, and what is their hash?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/checkpoint/WholeFile.h"
#include "compiler/targets/Targets.h"
#include "dialects/Weft/IR/Weights.h"

namespace weft {

/// How the weights of one module are made. Holds no IR, so that they can be written while code is compiled.
class WeightsPlan {
public:
  /// Reads the module's recipes and compares each with the tensors of the checkpoint, which may be null where no weight
  /// is needed.
  static llvm::Expected<WeightsPlan> create(mlir::ModuleOp module, const Checkpoint *checkpoint);

  uint64_t bytes() const { return totalBytes; }
  /// Writes bytes() bytes and returns their hash as abi.h defines it.
  llvm::Expected<uint64_t> write(WholeFile &file, const std::function<void(uint64_t, uint64_t)> &progress) const;

private:
  struct Step {
    ParameterRecipe recipe;
    llvm::SmallVector<const CheckpointTensor *> weights;
    const CheckpointTensor *scale = nullptr;
  };
  std::vector<Step> steps; ///< in order of offset
  uint64_t totalBytes = 0;

  friend class WeightsWriter;
};

} // namespace weft
