//===- Costs.cpp - what the entry points of a model cost ----------------------------------------------------------===//
#include "compiler/driver/Costs.h"
#include "dialects/Weft/IR/ModelContract.h"

using namespace mlir;

namespace weft::driver {

int entryCosts(const ModelOptions &model, const TargetLimits &limits, int64_t past,
               llvm::function_ref<int64_t(StringRef axis)> sizeOf, std::vector<EntryCosts> &entries) {
  // With every axis fixed all shapes are numbers, but for those of caches. Which are left to fix is seen without
  // weights, so that what is to be said of these is said once.
  ModelOptions fixed = model, free = model;
  free.weights.clear();
  Session plain;
  if (int code = plain.open(free))
    return code;
  if (auto axes = plain.module()->getAttrOfType<ArrayAttr>(contract::axes))
    for (StringRef axis : axes.getAsValueRange<StringAttr>())
      fixed.axes.push_back((axis + "=" + Twine(sizeOf(axis))).str());
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
  for (auto function : session.module().getOps<func::FuncOp>()) {
    auto kind = function->getAttrOfType<StringAttr>(contract::entry);
    if (!kind)
      continue;
    EntryCosts entry{function.getName().str(), kind.str(), sizes, {}};
    int64_t added = 1;
    if (kind == "step") {
      auto position = function->getAttrOfType<StringAttr>(contract::positionAxis);
      for (const std::string &axis : fixed.axes)
        if (auto parsed = parseAxis(axis); parsed && position && parsed->first == position.getValue())
          added = parsed->second;
      entry.sizes += " past=" + std::to_string(past);
    }
    entry.costs = costsOf(function, past + added, limits);
    entries.push_back(std::move(entry));
  }
  return Done;
}

} // namespace weft::driver
