//===- Compile.cpp - weft compile, weft check -------------------------------------------------------------------===//
#include "compiler/checkpoint/WholeFile.h"
#include "compiler/driver/Session.h"
#include "compiler/inspect/Profile.h"
#include "compiler/targets/Targets.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace weft::driver {

/// Prints the module: for people on stdout, and with locations, for --from, in a file.
static int print(ModuleOp module, StringRef path) {
  OpPrintingFlags flags = OpPrintingFlags().useLocalScope();
  if (path.empty()) {
    module->print(llvm::outs(), flags);
    llvm::outs() << "\n";
    return Done;
  }
  auto file = WholeFile::create(path);
  if (!file)
    return report(file.takeError());
  module->print(file->stream(), flags.enableDebugInfo());
  file->stream() << "\n";
  if (llvm::Error error = file->commit())
    return report(std::move(error));
  return Done;
}

static int emitPhase(Session &session, const CompileOptions &options, Phase to, const TargetLimits &limits,
                     const NumberTypes &types) {
  if (to < session.phase())
    return fail(Usage, "'" + options.model.file + "' is in phase '" + name(session.phase()) + "', which comes after '" +
                           options.emit + "'");
  PipelineOptions pipeline;
  pipeline.limits = limits;
  pipeline.types = types;
  pipeline.from = session.phase();
  pipeline.to = to;
  pipeline.dumpDirectory = options.dumpDirectory;
  if (failed(runPipeline(session.module(), pipeline)))
    return BadInput;
  return print(session.module(), options.output);
}

/// The name of the artefact where none is given: that of the model, without its extension, in the current folder.
static std::string outputFor(const CompileOptions &options) {
  return options.output.empty() ? llvm::sys::path::stem(options.model.file).str() : options.output;
}

int compile(const CompileOptions &options) {
  std::vector<TargetLimits> limits;
  if (int code = Session::limits(options.targets, options.cpus, options.profiles, limits))
    return code;
  Phase emitted = Phase::llvm;
  if (!options.emit.empty()) {
    if (limits.size() > 1 && limits.front().target == Target::Vulkan)
      return fail(Usage, "--emit shows the code of one profile, but --vulkan-profile names " + Twine(limits.size()));
    if (limits.size() > 1 && limits.back().target == Target::Vulkan)
      return fail(Usage, "--emit shows the code of one target, but --target names " + Twine(options.targets.size()));
    if (limits.size() > 1)
      return fail(Usage, "--emit shows the code of one CPU level, but --cpu names " + Twine(limits.size()));
    if (int code = findPhase(options.emit, emitted, limits.back().target))
      return code;
    if (!options.weightsOut.empty())
      return fail(Usage, "--emit prints IR and writes no weights; leave --weights-out away");
  }
  if (options.profile && limits.size() > 1)
    return fail(Usage, "--profile counts the time of one piece of code, but there would be " + Twine(limits.size()) +
                           "; name one --target, and one --cpu or --vulkan-profile");
  std::string output = outputFor(options);
  if (options.emit.empty() && llvm::sys::fs::equivalent(output, options.model.file))
    return fail(Usage, "'" + output + "' is the model itself; name the artefact with -o OUT");

  Progress progress(!options.quiet);
  progress.step("reading the model");
  Session session;
  if (int code = session.open(options.model))
    return code;
  NumberTypes types;
  if (int code = session.types(options.types, limits, types))
    return code;
  if (!options.emit.empty())
    return emitPhase(session, options, emitted, limits.back(), types);
  if (session.phase() > Phase::fused)
    return fail(Usage, "an artefact is made from phase 'model' or 'fused'; from '" + name(session.phase()) +
                           "' on only --emit is possible");
  // All levels share the model and its weights up to `fused`; code paths fork here.
  PipelineOptions pipeline;
  pipeline.limits = limits.back();
  pipeline.types = types;
  pipeline.from = session.phase();
  pipeline.to = Phase::fused;
  pipeline.dumpDirectory = options.dumpDirectory;
  progress.step("fusing");
  if (failed(runPipeline(session.module(), pipeline)))
    return BadInput;
  std::vector<OwningOpRef<ModuleOp>> lowered;
  std::vector<LoweredCode> codes;
  for (const TargetLimits &level : limits) {
    progress.step("lowering for " + describe(level));
    lowered.push_back(session.module().clone());
    pipeline.limits = level;
    pipeline.from = Phase::fused;
    // Of CPUs, the best.
    bool isLast = &level == &limits.back() || (&level)[1].target != level.target;
    pipeline.dumpDirectory = isLast ? options.dumpDirectory : "";
    if (options.profile) {
      pipeline.to = level.target == Target::Vulkan ? Phase::gpu : Phase::tiled;
      if (failed(runPipeline(*lowered.back(), pipeline)))
        return BadInput;
      *options.profile = insertTicks(*lowered.back());
      pipeline.from = pipeline.to;
    }
    pipeline.to = Phase::llvm;
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
