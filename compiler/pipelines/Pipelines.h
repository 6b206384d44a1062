//===- Pipelines.h - the phases of a compilation --------------------------------------------------------*- C++ -*-===//
// Answers: which steps lead from a model to code, and how do I stop at, start from or look at one of them?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/Common/GpuProfile.h"
#include "dialects/Weft/IR/WeightType.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace weft {

/// Whose code a phase makes.
enum class Target { Cpu, Vulkan };
llvm::StringRef name(Target target); ///< "cpu" or "vulkan"

/// What the early phases may know of a target: numbers, no code paths.
struct TargetLimits {
  std::string cpu = "x86-64-v4"; ///< a name of `--cpu`; for a GPU, of the machine that launches its kernels
  unsigned lanes = 16;           ///< f32 lanes of a native vector
  unsigned panel = 32;           ///< columns of a packed weight panel, a multiple of `lanes`
  bool dots = false;             ///< dot products of bf16 and of int8, in words of 32 bits
  Target target = Target::Cpu;
  const GpuProfile *profile = &genericProfile(); ///< of the GPU
};
/// The limits for a `--cpu` name ("native" asks this machine); none for an unknown name.
std::optional<TargetLimits> limitsFor(llvm::StringRef cpu);
/// The names that limitsFor knows, for messages.
std::string cpuNames();
/// Those for devices of a profile. The panel is that of CPUs: one set of weights serves both.
TargetLimits vulkanLimits(const GpuProfile &profile = genericProfile());

/// Whether code with these limits multiplies matrices of f16.
inline bool hasMatrices(const TargetLimits &limits) {
  return limits.target == Target::Vulkan && limits.profile->matrix;
}

/// How numbers are stored.
struct NumberTypes {
  WeightType weights = WeightType::F32;
  bool int8Activations = false; ///< with weights of int8
};

enum class Phase {
#define PHASE(id, targets, description, legal) id,
#include "compiler/pipelines/Phases.def"
};
llvm::StringRef name(Phase phase);
llvm::StringRef description(Phase phase);
std::optional<Phase> phaseNamed(llvm::StringRef name);
llvm::ArrayRef<Phase> allPhases();
/// Whether code for the target passes through the phase.
bool isPhaseOf(Phase phase, Target target);

struct PipelineOptions {
  TargetLimits limits;
  NumberTypes types;
  Phase from = Phase::model; ///< the phase that the module is in already
  Phase to = Phase::llvm;    ///< the phase to stop after
  std::string dumpDirectory; ///< when not empty: one file <phase>.mlir per phase reached
};

/// Takes the module from `from` to `to`, both phases of the target, checking after each phase that only its legal ops
/// are left. Reports through MLIR's diagnostics.
mlir::LogicalResult runPipeline(mlir::ModuleOp module, const PipelineOptions &options);

/// Registers every dialect, interface and translation that Weft's IR needs. Shared by all tools.
void registerWeft(mlir::DialectRegistry &registry);
/// Registers Weft's passes, for weft-opt.
void registerWeftPasses();

} // namespace weft
