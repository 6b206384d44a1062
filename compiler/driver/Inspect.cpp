//===- Inspect.cpp - weft inspect -------------------------------------------------------------------------------===//
// Answers: what does the compiler make of a model, without making an artefact?
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Session.h"
#include "compiler/inspect/Roofline.h"
#include "dialects/Weft/IR/ModelContract.h"

using namespace mlir;

namespace weft::driver {

static int roofline(const InspectOptions &options, const TargetLimits &limits) {
  // With every axis fixed all shapes are numbers, but for those of caches. Which are left to fix is seen without
  // weights, so that what is to be said of these is said once.
  ModelOptions fixed = options.model, free = options.model;
  free.weights.clear();
  Session plain;
  if (int code = plain.open(free))
    return code;
  if (auto axes = plain.module()->getAttrOfType<ArrayAttr>(contract::axes))
    for (StringRef axis : axes.getAsValueRange<StringAttr>())
      fixed.axes.push_back((axis + "=" + (axis == "batch" ? "1" : "128")).str());
  Session session;
  if (int code = session.open(fixed))
    return code;
  std::string sizes;
  for (const std::string &axis : fixed.axes)
    sizes += " " + axis;
  PipelineOptions pipeline;
  pipeline.limits = limits;
  pipeline.from = session.phase();
  pipeline.to = Phase::fused;
  if (failed(runPipeline(session.module(), pipeline)))
    return BadInput;
  for (auto entry : session.module().getOps<func::FuncOp>()) {
    auto kind = entry->getAttrOfType<StringAttr>(contract::entry);
    if (!kind)
      continue;
    int64_t added = 1;
    std::string title = entry.getName().str() + " (" + kind.str() + "):" + sizes;
    if (kind == "step") {
      auto position = entry->getAttrOfType<StringAttr>(contract::positionAxis);
      for (const std::string &axis : fixed.axes)
        if (auto parsed = parseAxis(axis); parsed && position && parsed->first == position.getValue())
          added = parsed->second;
      title += " past=" + std::to_string(options.past);
    }
    printRoofline(title, costsOf(entry, options.past + added), llvm::outs());
    llvm::outs() << "\n";
  }
  return Done;
}

int inspect(const InspectOptions &options) {
  std::vector<TargetLimits> limits;
  if (int code = Session::limits({options.cpu}, limits))
    return code;
  bool masks = options.mask || !options.maskSvg.empty();
  if (!options.inputs.empty() && !masks)
    return fail(Usage, "'" + options.inputs.front() + "' is an input, and only --mask looks at inputs");
  if (options.roofline)
    return roofline(options, limits.front());
  if (masks)
    return inspectMasks(options);
  if (options.phase.empty() && options.dumpDirectory.empty() && !options.remarks)
    return fail(Usage, "say what to look at: --phase, --dump-phases, --remarks, --roofline or --mask");
  PipelineOptions pipeline;
  pipeline.limits = limits.front();
  pipeline.dumpDirectory = options.dumpDirectory;
  if (options.dumpDirectory.empty())
    pipeline.to = Phase::fused; // all that is remarked is by then
  if (!options.phase.empty())
    if (int code = findPhase(options.phase, pipeline.to))
      return code;
  Session session;
  if (options.remarks)
    session.showRemarks();
  if (int code = session.open(options.model))
    return code;
  if (failed(runPipeline(session.module(), pipeline)))
    return BadInput;
  if (!options.phase.empty()) {
    session.module()->print(llvm::outs(), OpPrintingFlags().useLocalScope());
    llvm::outs() << "\n";
  }
  return Done;
}

} // namespace weft::driver
