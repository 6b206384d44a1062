//===- Inspect.cpp - weft inspect -------------------------------------------------------------------------------===//
// Answers: what does the compiler make of a model, without making an artefact?
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Costs.h"
#include "compiler/driver/DeviceLimits.h"
#include "compiler/driver/Session.h"
#include "compiler/inspect/Dispatches.h"
#include "dialects/Weft/IR/ModelContract.h"

using namespace mlir;

namespace weft::driver {

static int roofline(const InspectOptions &options, const TargetLimits &limits) {
  std::vector<EntryCosts> entries;
  auto sizeOf = [](StringRef axis) -> int64_t { return axis == "batch" ? 1 : 128; };
  if (int code = entryCosts(options.model, options.types, limits, options.past, sizeOf, entries))
    return code;
  bool onGpu = limits.target == Target::Vulkan;
  MachineLimits machine;
  if (!onGpu)
    machine = measureMachine(1);
  else if (int code = measureDevice(options.target, machine))
    return code;
  printMachine(machine, onGpu ? options.target : "", llvm::outs());
  for (const EntryCosts &entry : entries) {
    llvm::outs() << "\n";
    std::string title = entry.name + " (" + entry.kind + "):" + entry.sizes;
    printRoofline(title, entry.costs, Roofline(machine, entry.costs), llvm::outs());
  }
  return Done;
}

static void printDispatches(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (auto kind = function->getAttrOfType<StringAttr>(contract::entry))
      llvm::outs() << function.getName() << " (" << kind.getValue() << "): " << Dispatches::of(function).text() << "\n";
}

int inspect(const InspectOptions &options) {
  std::vector<TargetLimits> limits;
  if (int code =
          Session::limits({options.target}, {options.cpu},
                          options.profile.empty() ? std::vector<std::string>() : std::vector{options.profile}, limits))
    return code;
  bool masks = options.mask || !options.maskSvg.empty();
  if (!options.inputs.empty() && !masks)
    return fail(Usage, "'" + options.inputs.front() + "' is an input, and only --mask looks at inputs");
  if (options.roofline)
    return roofline(options, limits.front());
  if (masks)
    return inspectMasks(options);
  if (options.phase.empty() && options.dumpDirectory.empty() && !options.remarks && !options.dispatches)
    return fail(Usage, "say what to look at: --phase, --dump-phases, --remarks, --dispatches, --roofline or --mask");
  if (options.dispatches && limits.front().target != Target::Vulkan)
    return fail(Usage, "code for a CPU has no dispatches; add --target vulkan");
  if (options.dispatches && (!options.phase.empty() || !options.dumpDirectory.empty()))
    return fail(Usage, "--dispatches counts in one phase; leave --phase and --dump-phases away");
  PipelineOptions pipeline;
  pipeline.limits = limits.front();
  pipeline.dumpDirectory = options.dumpDirectory;
  if (options.dumpDirectory.empty())
    pipeline.to = Phase::fused; // all that is remarked is by then
  if (!options.phase.empty())
    if (int code = findPhase(options.phase, pipeline.to, limits.front().target))
      return code;
  Session session;
  if (options.remarks)
    session.showRemarks();
  if (int code = session.open(options.model))
    return code;
  if (int code = session.types(options.types, limits, pipeline.types))
    return code;
  if (options.dispatches)
    pipeline.to = Phase::gpu;
  if (failed(runPipeline(session.module(), pipeline)))
    return BadInput;
  if (options.dispatches)
    printDispatches(session.module());
  if (!options.phase.empty()) {
    session.module()->print(llvm::outs(), OpPrintingFlags().useLocalScope());
    llvm::outs() << "\n";
  }
  return Done;
}

} // namespace weft::driver
