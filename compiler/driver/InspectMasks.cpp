//===- InspectMasks.cpp - weft inspect --mask ---------------------------------------------------------------------===//
// Answers: for which sizes and inputs are the masks of a model drawn, and where to?
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/WholeFile.h"
#include "compiler/driver/Session.h"
#include "compiler/driver/VerifyData.h"
#include "compiler/inspect/MaskPicture.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace weft::driver {

/// Where neither --axis nor an input says another: a batch of one, and positions enough for a picture.
static constexpr int64_t usualPositions = 1024;

/// Inputs that are given, and all axes fixed: as --axis says, as the inputs demand, else to the usual size.
static int fixSizes(const InspectOptions &options, ModelOptions &fixed, std::vector<std::optional<Tensor>> &inputs) {
  // What is left to fix is seen without weights, so that what is to be said of these is said once.
  ModelOptions free = options.model;
  free.weights.clear();
  Session plain;
  if (int code = plain.open(free))
    return code;
  Entry sequence = entryOf(plain.module(), "sequence");
  if (!sequence.function)
    return fail(BadInput, "the model has no entry point for whole sequences, whose masks could be drawn");
  Entry step = entryOf(plain.module(), "step");
  Sizes sizes;
  SmallVector<StringRef> names;
  if (auto axes = plain.module()->getAttrOfType<ArrayAttr>(contract::axes))
    for (StringRef axis : axes.getAsValueRange<StringAttr>()) {
      int64_t positions = axis == step.positionAxis ? std::min(usualPositions, step.context) : usualPositions;
      sizes.suggest(axis, axis == "batch" ? 1 : positions);
      names.push_back(axis);
    }
  if (int code = readInputs(sequence, options.inputs, sizes, inputs))
    return code;
  fixed = options.model;
  for (StringRef axis : names)
    fixed.axes.push_back((axis + "=" + Twine(sizes.of(axis))).str());
  return Done;
}

int inspectMasks(const InspectOptions &options) {
  ModelOptions fixed;
  std::vector<std::optional<Tensor>> inputs;
  if (int code = fixSizes(options, fixed, inputs))
    return code;
  Session session;
  if (int code = session.open(fixed))
    return code;
  Entry sequence = entryOf(session.module(), "sequence");
  inputs.resize(sequence.function.getNumArguments());
  auto pictures = drawMasks(sequence.function, inputs, session.checkpoint());
  if (!pictures)
    return report(pictures.takeError());
  if (pictures->empty()) {
    llvm::outs() << "no attention of this model has a mask\n";
    return Done;
  }
  if (options.mask)
    printMasks(*pictures, llvm::outs());
  if (options.maskSvg.empty())
    return Done;
  auto file = WholeFile::create(options.maskSvg);
  if (!file)
    return report(file.takeError());
  std::string title = "masks of " + llvm::sys::path::filename(options.model.file).str();
  for (const std::string &axis : fixed.axes)
    title += ", " + axis;
  writeMasksAsSvg(title, *pictures, file->stream());
  if (llvm::Error error = file->commit())
    return report(std::move(error));
  return Done;
}

} // namespace weft::driver
