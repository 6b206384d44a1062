//===- Phases.cpp - names of phases and limits of targets -------------------------------------------------------===//
#include "compiler/pipelines/Pipelines.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

namespace weft {

llvm::StringRef name(Phase phase) {
  switch (phase) {
#define PHASE(id, description, legal)                                                                                  \
  case Phase::id:                                                                                                      \
    return #id;
#include "compiler/pipelines/Phases.def"
  }
  llvm_unreachable("every phase is in Phases.def");
}

llvm::StringRef description(Phase phase) {
  switch (phase) {
#define PHASE(id, text, legal)                                                                                         \
  case Phase::id:                                                                                                      \
    return text;
#include "compiler/pipelines/Phases.def"
  }
  llvm_unreachable("every phase is in Phases.def");
}

llvm::ArrayRef<Phase> allPhases() {
  static constexpr Phase all[] = {
#define PHASE(id, description, legal) Phase::id,
#include "compiler/pipelines/Phases.def"
  };
  return all;
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
      cpu = "x86-64-v4";
    else
      cpu = "x86-64-v3";
  }
  // A panel of 32 columns for both: one set of weights then serves the code of every level in an artefact.
  if (cpu == "x86-64-v4")
    return TargetLimits{"x86-64-v4", 16, 32};
  if (cpu == "x86-64-v3")
    return TargetLimits{"x86-64-v3", 8, 32};
  return std::nullopt;
}

} // namespace weft
