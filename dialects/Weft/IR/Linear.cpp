//===- Linear.cpp - linear and packed_linear: verify, sizes, cost -----------------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace weft;

//===-- linear --------------------------------------------------------------------------------------------------===//

WEFT_KERNEL_OP(LinearOp)

LogicalResult LinearOp::verify() {
  if (failed(kernel::verifyForm(*this)))
    return failure();
  ShapedType input = kernel::shaped(getInput()), weight = kernel::shaped(getWeight());
  if (weight.getRank() != 2)
    return emitOpError("weight must be a matrix, but is ") << weight << " (C2)";
  if (input.getRank() < 1)
    return emitOpError("input must have a last dimension, but is ") << input << " (C1)";
  int64_t columns = weight.getDimSize(getInOut() ? 1 : 0), depth = weight.getDimSize(getInOut() ? 0 : 1);
  if (!kernel::compatible(input.getShape().back(), depth))
    return emitOpError("input has ") << input.getShape().back() << " elements in its last dimension but weight takes "
                                     << depth << " (C1)";
  if (getBias() && (kernel::shaped(getBias()).getRank() != 1 ||
                    !kernel::compatible(kernel::shaped(getBias()).getDimSize(0), columns)))
    return emitOpError("bias must have ") << columns << " elements, but is " << getBias().getType() << " (C3)";
  SmallVector<int64_t> expected(input.getShape());
  expected.back() = columns;
  return kernel::verifyResultShape(*this, expected, "C4");
}

SmallVector<OpFoldResult> LinearOp::resultSizes(OpBuilder &b, ValueRange operands) {
  SmallVector<OpFoldResult> sizes = kernel::sizesOf(b, getLoc(), operands[0]);
  sizes.back() = kernel::sizesOf(b, getLoc(), operands[1])[getInOut() ? 1 : 0];
  return sizes;
}

int64_t LinearOp::flops(ArrayRef<SmallVector<int64_t>> sizes) {
  return 2 * kernel::product(sizes[0]) * sizes[1][getInOut() ? 1 : 0];
}

//===-- packed_linear -------------------------------------------------------------------------------------------===//

WEFT_KERNEL_OP(PackedLinearOp)

WeightType PackedLinearOp::getWeightType() { return *weightTypeOf(kernel::shaped(getPacked()).getElementType()); }
int64_t PackedLinearOp::getDepth() {
  return getWeightType() == WeightType::F32 ? kernel::shaped(getPacked()).getDimSize(1)
                                            : kernel::shaped(getInput()).getShape().back();
}
int64_t PackedLinearOp::getPanel() { return kernel::shaped(getPacked()).getDimSize(2); }

/// The weights, their scales and the input: whether they fit each other.
static LogicalResult verifyWeights(PackedLinearOp op) {
  ShapedType input = kernel::shaped(op.getInput()), packed = kernel::shaped(op.getPacked());
  std::optional<WeightType> type = weightTypeOf(packed.getElementType());
  if (!type || packed.getRank() != (type == WeightType::F32 ? 3 : 4) || !packed.hasStaticShape())
    return op.emitOpError(
               "packed weights must be [panels, depth, panel], or [panels, words, panel, elements of a word] "
               "in f16, bf16, i8 or i4, but are ")
           << packed << " (C1)";
  // Words do not tell how many inputs there are: the type of the input has to.
  int64_t inputs = input.getRank() < 1 ? ShapedType::kDynamic : input.getShape().back();
  bool isFit = type == WeightType::F32
                   ? input.getRank() >= 1 && kernel::compatible(inputs, packed.getDimSize(1))
                   : !ShapedType::isDynamic(inputs) &&
                         ArrayRef<int64_t>(packedShape(*type, packed.getDimSize(0), inputs, packed.getDimSize(2))) ==
                             packed.getShape();
  if (!isFit)
    return op.emitOpError("input is ") << input << " but packed weights take " << packed.getDimSize(1)
                                       << (type == WeightType::F32 ? " elements (C1)" : " words (C1)");
  int64_t depth = op.getDepth(), groups = groupsOf(*type, depth);
  if ((groups > 0) != static_cast<bool>(op.getScales()))
    return op.emitOpError(groups ? "needs scales for weights of " : "needs no scales for weights of ")
           << packed.getElementType() << " (C6)";
  if (groups) {
    ShapedType scales = kernel::shaped(op.getScales());
    if (scales.getShape() != ArrayRef<int64_t>{packed.getDimSize(0), groups, packed.getDimSize(2)} ||
        scales.getElementType() != scaleType(op.getContext(), *type))
      return op.emitOpError("scales must be ")
             << kernel::text({packed.getDimSize(0), groups, packed.getDimSize(2)}) << "x"
             << scaleType(op.getContext(), *type) << ", but are " << scales << " (C6)";
  }
  if (!op.getActivations())
    return success();
  if (!op.getActivations()->isInteger(8) || type != WeightType::Int8)
    return op.emitOpError("activations must be i8, with weights of i8, but are ")
           << *op.getActivations() << " with " << packed.getElementType() << " (C7)";
  if (depth >= int64_t(1) << 17)
    return op.emitOpError("sums ") << depth << " products of i8, which may not fit in 32 bits (C7)";
  return success();
}

/// What is done to the input before the product.
static LogicalResult verifyNorm(PackedLinearOp op) {
  if (!op.getNormEps())
    return op.getNormScale() ? op.emitOpError("has a norm_scale without norm_eps (C8)") : success();
  if (op.getNormEps()->isNegative() || !op.getNormEps()->isFinite())
    return op.emitOpError("norm_eps must be finite and not negative, but is ")
           << op.getNormEps()->convertToDouble() << " (C8)";
  if (op.getActivations())
    return op.emitOpError("norms its input, and so cannot round it to ") << *op.getActivations() << " (C8)";
  if (!op.getNormScale())
    return success();
  ShapedType scale = kernel::shaped(op.getNormScale());
  if (scale.getRank() != 1 || !kernel::compatible(scale.getDimSize(0), op.getDepth()))
    return op.emitOpError("norm_scale must have ") << op.getDepth() << " elements, but is " << scale << " (C8)";
  return success();
}

LogicalResult PackedLinearOp::verify() {
  if (failed(kernel::verifyForm(*this)))
    return failure();
  if (failed(verifyWeights(*this)) || failed(verifyNorm(*this)))
    return failure();
  ShapedType input = kernel::shaped(getInput()), packed = kernel::shaped(getPacked());
  int64_t parts = getParts(), panel = packed.getDimSize(2), columns = getColumns();
  if (parts < 1 || panel < parts || panel % parts)
    return emitOpError("parts must divide the panel of ") << panel << ", but is " << parts << " (C3)";
  if (llvm::divideCeilSigned(columns, panel / parts) != packed.getDimSize(0))
    return emitOpError("has ") << packed.getDimSize(0) << " panels, which do not hold " << columns << " columns (C2)";
  SmallVector<int64_t> expected(input.getShape());
  expected.back() = columns;
  if (failed(kernel::verifyResultShape(*this, expected, "C2")))
    return failure();

  Block &body = getEpilogue().front();
  if (body.getNumArguments() != static_cast<size_t>(parts) + getExtras().size())
    return emitOpError("epilogue takes ") << body.getNumArguments() << " arguments but there are " << parts
                                          << " accumulators and " << getExtras().size() << " extras (C3)";
  Type element = kernel::resultType(*this).getElementType();
  if (cast<YieldOp>(body.getTerminator()).getOperandTypes() != TypeRange(element))
    return emitOpError("epilogue must yield one ") << element << " (C3)";
  if (!llvm::all_of(body.getArguments().take_front(parts),
                    [&](BlockArgument each) { return each.getType() == element; }))
    return emitOpError("accumulators must be ") << element << " (C3)";
  for (auto [argument, extra] : llvm::zip(body.getArguments().drop_front(parts), getExtras()))
    if (argument.getType() != kernel::shaped(extra).getElementType())
      return emitOpError("epilogue takes ") << argument.getType() << " for an extra of " << extra.getType() << " (C3)";
  for (Operation &op : body.without_terminator())
    if (!isa<arith::ArithDialect, math::MathDialect>(op.getDialect()))
      return emitOpError("epilogue may hold only arith and math, but holds ") << op.getName() << " (C5)";
  if (getExtraMaps().size() != getExtras().size())
    return emitOpError("has ") << getExtras().size() << " extras but " << getExtraMaps().size() << " maps (C4)";
  for (auto [extra, attribute] : llvm::zip(getExtras(), getExtraMaps())) {
    AffineMap map = cast<AffineMapAttr>(attribute).getValue();
    if (map.getNumDims() != expected.size() || map.getNumResults() != kernel::shaped(extra).getRank() ||
        !map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return emitOpError("map ") << attribute << " does not project the result's " << expected.size()
                                 << " dimensions to " << extra.getType() << " (C4)";
  }
  return success();
}

SmallVector<OpFoldResult> PackedLinearOp::resultSizes(OpBuilder &b, ValueRange operands) {
  SmallVector<OpFoldResult> sizes = kernel::sizesOf(b, getLoc(), operands[0]);
  sizes.back() = b.getIndexAttr(getColumns());
  return sizes;
}

int64_t PackedLinearOp::flops(ArrayRef<SmallVector<int64_t>> sizes) {
  int64_t rows = kernel::product(ArrayRef(sizes[0]).drop_back());
  int64_t epilogue = getEpilogue().front().getOperations().size() - 1, norm = getNormEps() ? 4 * sizes[0].back() : 0;
  return rows *
         (static_cast<int64_t>(getColumns()) * (2 * sizes[0].back() * static_cast<int64_t>(getParts()) + epilogue) +
          norm);
}
