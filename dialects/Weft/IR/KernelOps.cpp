//===- KernelOps.cpp - what the implementations of all kernel ops share -----------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;

namespace weft::kernel {

SmallVector<OpFoldResult> sizesOf(OpBuilder &b, Location loc, Value value) {
  auto type = cast<ShapedType>(value.getType());
  if (isa<MemRefType>(type))
    return memref::getMixedSizes(b, loc, value);
  return tensor::getMixedSizes(b, loc, value);
}

void kernelEffects(KernelOpInterface op, SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  SmallVector<Value, 3> destinations = op.getDestinations();
  if (destinations.empty())
    return;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    auto linear = dyn_cast<PackedLinearOp>(op.getOperation());
    auto attention = dyn_cast<AttentionOp>(op.getOperation());
    bool isWorkspace =
        (linear && operand.get() == linear.getWorkspace()) || (attention && operand.get() == attention.getWorkspace());
    if (isWorkspace || llvm::is_contained(destinations, operand.get()))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
  // Regions may read what they capture.
  if (op->getNumRegions())
    effects.emplace_back(MemoryEffects::Read::get());
}

LogicalResult verifyForm(KernelOpInterface op) {
  bool onBuffers = !op.getDestinations().empty();
  if (onBuffers == (op->getNumResults() > 0))
    return op->emitOpError("needs either a result, on tensors, or 'outs', on memrefs");
  for (Value operand : op->getOperands()) {
    if (onBuffers && isa<RankedTensorType>(operand.getType()))
      return op->emitOpError("has 'outs', so its operands must be memrefs, but one is ") << operand.getType();
    if (!onBuffers && isa<MemRefType>(operand.getType()))
      return op->emitOpError("has a result, so its operands must be tensors, but one is ") << operand.getType();
  }
  return success();
}

ShapedType resultType(KernelOpInterface op, unsigned number) {
  if (SmallVector<Value, 3> destinations = op.getDestinations(); !destinations.empty())
    return cast<ShapedType>(destinations[number].getType());
  return cast<ShapedType>(op->getResult(number).getType());
}

LogicalResult verifyResultShape(KernelOpInterface op, ArrayRef<int64_t> expected, StringRef rule, unsigned number,
                                StringRef name) {
  ArrayRef<int64_t> found = resultType(op, number).getShape();
  bool equal = found.size() == expected.size() && llvm::all_of(llvm::zip(found, expected), [](auto pair) {
                 return compatible(std::get<0>(pair), std::get<1>(pair));
               });
  if (equal)
    return success();
  return op->emitOpError(name) << " is " << text(found) << " but must be " << text(expected) << " (" << rule << ")";
}

std::string text(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "a scalar";
  std::string out;
  for (int64_t size : shape) {
    if (!out.empty())
      out += "x";
    out += ShapedType::isDynamic(size) ? "?" : std::to_string(size);
  }
  return out;
}

int64_t product(ArrayRef<int64_t> sizes) {
  int64_t p = 1;
  for (int64_t s : sizes)
    p *= s;
  return p;
}

} // namespace weft::kernel
