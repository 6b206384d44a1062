//===- Costs.cpp - what the entry points of a model cost ----------------------------------------------------------===//
#include "compiler/driver/Costs.h"
#include "compiler/inspect/MaskPicture.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/IR/WeftOps.h"

using namespace mlir;

namespace weft::driver {

/// By place: the share of pairs of a query and a key that attention need not compute, where the mask alone says it.
static llvm::StringMap<double> refusedPairs(func::FuncOp entry, const Checkpoint *checkpoint) {
  llvm::StringMap<double> refused;
  std::vector<std::optional<reference::Tensor>> unknown(entry.getNumArguments());
  auto pictures = drawMasks(entry, unknown, checkpoint);
  if (!pictures) {
    llvm::consumeError(pictures.takeError()); // then everything counts
    return refused;
  }
  for (const MaskPicture &picture : *pictures)
    if (picture.refused && picture.part.empty())
      refused[picture.place] = *picture.refused;
  return refused;
}

int entryCosts(const ModelOptions &model, const TypeOptions &types, const TargetLimits &limits, int64_t past,
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
  llvm::StringMap<double> refused;
  for (auto function : session.module().getOps<func::FuncOp>())
    if (auto kind = function->getAttrOfType<StringAttr>(contract::entry);
        kind == "sequence" && session.phase() == Phase::model)
      refused = refusedPairs(function, session.checkpoint());
  PipelineOptions pipeline;
  pipeline.limits = limits;
  if (int code = session.types(types, limits, pipeline.types))
    return code;
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
    if (kind == "sequence")
      for (KernelCost &cost : entry.costs)
        if (cost.kernel == AttentionOp::getOperationName())
          cost.flops = static_cast<int64_t>(cost.flops * (1 - refused.lookup(cost.place)));
    entries.push_back(std::move(entry));
  }
  return Done;
}

} // namespace weft::driver
