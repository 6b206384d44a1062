//===- Targets.h - from lowered modules to files --------------------------------------------------------*- C++ -*-===//
// Answers: how does IR in phase `llvm`, with its weights, become an object, a shared library or an executable?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/checkpoint/Checkpoint.h"
#include "compiler/pipelines/Pipelines.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <string>
#include <vector>

namespace weft {

/// The packed weights of a module whose parameters have places (`weft.parameters`, phase `fused` and after).
/// Writes module's `weft.parameter_bytes` bytes to `path`. `progress(done, total)` is called now and then.
llvm::Error writeWeights(mlir::ModuleOp module, const Checkpoint *checkpoint, llvm::StringRef path,
                         const std::function<void(uint64_t, uint64_t)> &progress);

/// Code for one CPU level or one kind of GPU, in phase `llvm`.
struct LoweredCode {
  TargetLimits limits;
  mlir::ModuleOp module;
};

/// What code with these limits is for, in people's words: "x86-64-v4", "Vulkan (nvidia-32)".
std::string describe(const TargetLimits &limits);

enum class ArtefactKind { Object, SharedLibrary, Executable };

struct PackageOptions {
  std::string output;             ///< .o: object; .so: shared library and a header; else an executable
  std::string weightsOut;         ///< when not empty, the weights go to this file and not into the artefact
  unsigned optimizationLevel = 3; ///< of LLVM's code generator; 0 also leaves the IR as it is
  std::function<void(llvm::StringRef step, uint64_t done, uint64_t total)> progress;
};

/// `model` is the module in phase `fused` (its contract attributes and parameters describe the artefact); `codes` holds
/// one lowered module for each CPU level, and for each profile of GPUs. Files are written whole or not at all.
llvm::Error writeArtefact(mlir::ModuleOp model, llvm::ArrayRef<LoweredCode> codes, const Checkpoint *checkpoint,
                          const PackageOptions &options);

} // namespace weft
