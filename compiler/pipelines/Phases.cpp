//===- Phases.cpp - names of phases and limits of targets -------------------------------------------------------===//
#include "compiler/pipelines/Pipelines.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

namespace weft {

llvm::StringRef name(Target target) { return target == Target::Cpu ? "cpu" : "vulkan"; }

llvm::StringRef name(Phase phase) {
  switch (phase) {
#define PHASE(id, targets, description, legal)                                                                         \
  case Phase::id:                                                                                                      \
    return #id;
#include "compiler/pipelines/Phases.def"
  }
  llvm_unreachable("every phase is in Phases.def");
}

llvm::StringRef description(Phase phase) {
  switch (phase) {
#define PHASE(id, targets, text, legal)                                                                                \
  case Phase::id:                                                                                                      \
    return text;
#include "compiler/pipelines/Phases.def"
  }
  llvm_unreachable("every phase is in Phases.def");
}

llvm::ArrayRef<Phase> allPhases() {
  static constexpr Phase all[] = {
#define PHASE(id, targets, description, legal) Phase::id,
#include "compiler/pipelines/Phases.def"
  };
  return all;
}

namespace targets {
constexpr bool All(Target) { return true; }
constexpr bool Cpu(Target target) { return target == Target::Cpu; }
constexpr bool Vulkan(Target target) { return target == Target::Vulkan; }
} // namespace targets

bool isPhaseOf(Phase phase, Target target) {
  switch (phase) {
#define PHASE(id, of, text, legal)                                                                                     \
  case Phase::id:                                                                                                      \
    return targets::of(target);
#include "compiler/pipelines/Phases.def"
  }
  llvm_unreachable("every phase is in Phases.def");
}

std::optional<Phase> phaseNamed(llvm::StringRef wanted) {
  for (Phase phase : allPhases())
    if (name(phase) == wanted)
      return phase;
  return std::nullopt;
}

std::optional<TargetLimits> limitsFor(llvm::StringRef cpu) {
  if (cpu == "native") {
    llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
    auto all = [&](std::initializer_list<const char *> wanted) {
      return llvm::all_of(wanted, [&](const char *feature) { return features.lookup(feature); });
    };
    if (all({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
      cpu = all({"avx512bf16", "avx512vnni"}) ? "x86-64-v4-bf16" : "x86-64-v4";
    else
      cpu = "x86-64-v3";
  }
  // A panel of 32 columns for all: one set of weights then serves the code of every level in an artefact.
  if (cpu == "x86-64-v4-bf16")
    return TargetLimits{.cpu = "x86-64-v4-bf16", .lanes = 16, .panel = 32, .dots = true};
  if (cpu == "x86-64-v4")
    return TargetLimits{.cpu = "x86-64-v4", .lanes = 16, .panel = 32};
  if (cpu == "x86-64-v3")
    return TargetLimits{.cpu = "x86-64-v3", .lanes = 8, .panel = 32};
  return std::nullopt;
}

TargetLimits vulkanLimits(const GpuProfile &profile) {
  return {.cpu = "x86-64-v3", .lanes = 8, .panel = 32, .target = Target::Vulkan, .profile = &profile};
}

std::string cpuNames() { return "native, x86-64-v3, x86-64-v4 and x86-64-v4-bf16"; }

} // namespace weft
