//===- PhaseChecks.h - what is done after each phase ----------------------------------------------------*- C++ -*-===//
// Answers: did a phase leave anything behind that it should have lowered, and what does the module look like after it?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/pipelines/Pipelines.h"

namespace weft {

/// Fails with "phase 'tiled' leaked weft.layer_norm", at the op's place in the model, for the first op that the phase's
/// row in Phases.def does not allow.
mlir::LogicalResult checkLegality(mlir::ModuleOp module, Phase phase);

/// Writes <directory>/<number>-<phase>.mlir, with locations; nothing when `directory` is empty. The number is the
/// phase's among those of the target.
mlir::LogicalResult dumpPhase(mlir::ModuleOp module, Phase phase, Target target, llvm::StringRef directory);

} // namespace weft
