//===- Inspect.cpp - weft inspect -------------------------------------------------------------------------------===//
// Answers: what does the compiler make of a model, without making an artefact?
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Session.h"
#include "compiler/inspect/Roofline.h"
#include "dialects/Weft/IR/ModelContract.h"

using namespace mlir;

namespace weft::driver {

/// Sizes for which the table is made when the command line does not fix them.
static const std::pair<const char *, int64_t> defaultSizes[] = {{"batch", 1}, {"seq", 128}, {"src", 128}};

static int roofline(const InspectOptions &options, const TargetLimits &limits) {
  // With every axis fixed all shapes are numbers, but for those of caches.
  Session plain;
  if (int code = plain.open(options.model))
    return code;
  ModelOptions fixed = options.model;
  std::string sizes;
  if (auto axes = plain.module()->getAttrOfType<ArrayAttr>(contract::axes))
    for (StringRef axis : axes.getAsValueRange<StringAttr>()) {
      int64_t size = 128;
      for (auto [name, known] : defaultSizes)
        if (axis == name)
          size = known;
      fixed.axes.push_back((axis + "=" + Twine(size)).str());
    }
  Session session;
  if (int code = session.open(fixed))
    return code;
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
  if (options.roofline)
    return roofline(options, limits.front());
  if (options.phase.empty() && options.dumpDirectory.empty())
    return fail(Usage, "say what to look at: --phase, --dump-phases or --roofline");
  Session session;
  if (int code = session.open(options.model))
    return code;
  PipelineOptions pipeline;
  pipeline.limits = limits.front();
  pipeline.from = session.phase();
  pipeline.dumpDirectory = options.dumpDirectory;
  if (!options.phase.empty()) {
    std::optional<Phase> to = phaseNamed(options.phase);
    if (!to)
      return fail(Usage, "there is no phase '" + options.phase + "'");
    pipeline.to = *to;
  }
  if (failed(runPipeline(session.module(), pipeline)))
    return BadInput;
  if (!options.phase.empty()) {
    session.module()->print(llvm::outs(), OpPrintingFlags().useLocalScope());
    llvm::outs() << "\n";
  }
  return Done;
}

} // namespace weft::driver
