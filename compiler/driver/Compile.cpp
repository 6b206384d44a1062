//===- Compile.cpp - weft compile, weft check -------------------------------------------------------------------===//
#include "compiler/driver/Session.h"
#include "compiler/targets/Targets.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace weft::driver {

/// Prints the module to a file, whole or not at all, or to stdout.
static int emit(ModuleOp module, StringRef path) {
  std::error_code error;
  llvm::ToolOutputFile file(path.empty() ? "-" : path, error, llvm::sys::fs::OF_Text);
  if (error)
    return fail(BadInput, "cannot write '" + path + "': " + error.message());
  module->print(file.os(), OpPrintingFlags().enableDebugInfo(path != "" && path != "-").useLocalScope());
  file.os() << "\n";
  file.keep();
  return Done;
}

static int emitPhase(Session &session, const CompileOptions &options, const TargetLimits &limits) {
  std::optional<Phase> to = phaseNamed(options.emit);
  if (!to)
    return fail(Usage, "there is no phase '" + options.emit + "'");
  if (*to < session.phase())
    return fail(Usage, "the input is in phase '" + name(session.phase()) + "', which comes after '" + options.emit + "'");
  PipelineOptions pipeline;
  pipeline.limits = limits;
  pipeline.from = session.phase();
  pipeline.to = *to;
  pipeline.dumpDirectory = options.dumpDirectory;
  if (failed(runPipeline(session.module(), pipeline)))
    return BadInput;
  return emit(session.module(), options.output);
}

int compile(const CompileOptions &options) {
  Progress progress(!options.quiet);
  progress.step("reading the model");
  Session session;
  if (int code = session.open(options.model))
    return code;
  std::vector<TargetLimits> limits;
  if (int code = Session::limits(options.cpus, limits))
    return code;
  if (!options.emit.empty())
    return emitPhase(session, options, limits.back());
  if (session.phase() > Phase::fused)
    return fail(Usage, "an artefact is made from phase 'model' or 'fused'; from '" + name(session.phase()) +
                           "' on only --emit is possible");
  std::string output = options.output;
  if (output.empty())
    output = llvm::sys::path::stem(options.model.file).str();

  // All levels share the model and its weights up to `fused`; code paths fork here.
  PipelineOptions pipeline;
  pipeline.limits = limits.back();
  pipeline.from = session.phase();
  pipeline.to = Phase::fused;
  pipeline.dumpDirectory = options.dumpDirectory;
  progress.step("fusing");
  if (failed(runPipeline(session.module(), pipeline)))
    return BadInput;
  std::vector<OwningOpRef<ModuleOp>> lowered;
  std::vector<LoweredCode> codes;
  for (const TargetLimits &level : limits) {
    progress.step("lowering for " + level.cpu);
    lowered.push_back(session.module().clone());
    pipeline.limits = level;
    pipeline.from = Phase::fused;
    pipeline.to = Phase::llvm;
    pipeline.dumpDirectory = level.cpu == limits.back().cpu ? options.dumpDirectory : "";
    if (failed(runPipeline(*lowered.back(), pipeline)))
      return BadInput;
    codes.push_back({level, *lowered.back()});
  }
  PackageOptions package;
  package.output = output;
  package.weightsOut = options.weightsOut;
  package.optimizationLevel = options.optimization;
  package.progress = [&](StringRef step, uint64_t done, uint64_t total) { progress.step(step, done, total); };
  if (llvm::Error error = writeArtefact(session.module(), codes, session.checkpoint(), package))
    return report(std::move(error));
  return Done;
}

int check(const ModelOptions &options) {
  Session session;
  return session.open(options);
}

} // namespace weft::driver
