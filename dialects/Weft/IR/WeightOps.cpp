//===- WeightOps.cpp - weight, pack, parameter: verify ----------------------------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;
using namespace weft;

LogicalResult WeightOp::verify() {
  if (getName().empty())
    return emitOpError("needs a name");
  Type element = getType().getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return emitOpError("must be f32, f16 or bf16, but is ") << getType() << " (C2)";
  return success();
}

static int64_t columnsOf(ShapedType weight, bool inOut) { return weight.getDimSize(inOut ? 1 : 0); }
static int64_t depthOf(ShapedType weight, bool inOut) { return weight.getDimSize(inOut ? 0 : 1); }

int64_t PackOp::getDepth() { return depthOf(kernel::shaped(getWeights().front()), getInOut()); }

int64_t PackOp::getColumns() {
  if (getParts() > 1)
    return columnsOf(kernel::shaped(getWeights().front()), getInOut());
  int64_t columns = 0;
  for (Value weight : getWeights())
    columns += columnsOf(kernel::shaped(weight), getInOut());
  return columns;
}

LogicalResult PackOp::verify() {
  if (getWeights().empty())
    return emitOpError("needs at least one weight");
  int64_t parts = getParts(), panel = getPanel();
  if (parts < 1 || panel < 1)
    return emitOpError("needs parts and panel of at least 1, but they are ") << parts << " and " << panel;
  for (Value weight : getWeights())
    if (kernel::shaped(weight).getRank() != 2)
      return emitOpError("weights must be matrices, but one is ") << weight.getType() << " (C1)";
  for (Value weight : getWeights())
    if (depthOf(kernel::shaped(weight), getInOut()) != getDepth())
      return emitOpError("weights must share their input size ")
             << getDepth() << ", but one is " << weight.getType() << " (C1)";
  if (parts > 1) {
    if (static_cast<int64_t>(getWeights().size()) != parts)
      return emitOpError("interleaves ") << parts << " parts but has " << getWeights().size() << " weights (C2)";
    if (panel % parts)
      return emitOpError("panel ") << panel << " is not a multiple of parts " << parts << " (C2)";
    for (Value weight : getWeights())
      if (columnsOf(kernel::shaped(weight), getInOut()) != getColumns())
        return emitOpError("parts must have the same output size ")
               << getColumns() << ", but one is " << weight.getType() << " (C2)";
  }
  ShapedType result = kernel::shaped(getResult());
  std::optional<WeightType> type = weightTypeOf(result.getElementType());
  if (!type)
    return emitOpError("packs f32, f16, bf16, i8 or i4, but result is ") << result << " (C5)";
  int64_t panels = llvm::divideCeilSigned(getColumns(), panel / parts), groups = groupsOf(*type, getDepth());
  SmallVector<int64_t> expected = packedShape(*type, panels, getDepth(), panel), ofScales = {panels, groups, panel};
  if (result.getShape() != ArrayRef<int64_t>(expected))
    return emitOpError("result is ") << result << " but must be " << kernel::text(expected) << " (C3)";
  if ((groups > 0) != static_cast<bool>(getScales()))
    return emitOpError(groups ? "needs a second result, the scales, for " : "has scales, which there are none of for ")
           << result.getElementType() << " (C3)";
  if (groups && (kernel::shaped(getScales()).getShape() != ArrayRef<int64_t>(ofScales) ||
                 kernel::shaped(getScales()).getElementType() != scaleType(getContext(), *type)))
    return emitOpError("scales are ") << getScales().getType() << " but must be " << kernel::text(ofScales) << "x"
                                      << scaleType(getContext(), *type) << " (C3)";
  if (getScale() && kernel::shaped(getScale()).getShape() != ArrayRef<int64_t>{getDepth()})
    return emitOpError("scale must have ") << getDepth() << " elements, but is " << getScale().getType() << " (C4)";
  return success();
}

LogicalResult ParameterOp::verify() {
  int64_t offset = getOffset();
  if (offset < 0 || offset % 64)
    return emitOpError("offset must be a multiple of 64 and not negative, but is ") << offset << " (C1)";
  return success();
}
