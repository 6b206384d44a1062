//===- PhaseChecks.cpp - what is done after each phase ----------------------------------------------------------===//
#include "compiler/pipelines/PhaseChecks.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace weft {

static StringRef legalDialects(Phase phase) {
  switch (phase) {
#define PHASE(id, targets, description, legal)                                                                         \
  case Phase::id:                                                                                                      \
    return legal;
#include "compiler/pipelines/Phases.def"
  }
  llvm_unreachable("every phase is in Phases.def");
}

LogicalResult checkLegality(ModuleOp module, Phase phase) {
  SmallVector<StringRef> legal;
  legalDialects(phase).split(legal, ' ');
  WalkResult result = module.walk([&](Operation *op) {
    if (llvm::is_contained(legal, op->getName().getDialectNamespace()))
      return WalkResult::advance();
    op->emitError("phase '") << name(phase) << "' leaked " << op->getName() << "; only " << legalDialects(phase)
                             << " may be left (this is a defect of weft)";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult dumpPhase(ModuleOp module, Phase phase, Target target, StringRef directory) {
  if (directory.empty())
    return success();
  if (std::error_code error = llvm::sys::fs::create_directories(directory))
    return module.emitError("cannot make the folder '") << directory << "': " << error.message();
  SmallString<128> path(directory);
  auto isBefore = [&](Phase other) { return other <= phase && isPhaseOf(other, target); };
  llvm::sys::path::append(path, Twine(llvm::count_if(allPhases(), isBefore)) + "-" + name(phase) + ".mlir");
  std::error_code error;
  llvm::ToolOutputFile file(path, error, llvm::sys::fs::OF_Text);
  if (error)
    return module.emitError("cannot write '") << path << "': " << error.message();
  module->print(file.os(), OpPrintingFlags().enableDebugInfo(/*enable=*/true, /*prettyForm=*/false).useLocalScope());
  file.os() << "\n";
  file.os().flush();
  if (file.os().has_error())
    return module.emitError("cannot write '") << path << "': " << file.os().error().message();
  file.keep();
  return success();
}

} // namespace weft
