//===- WeftOps.cpp - the weft dialect, executable -----------------------------------------------------------------===//
// Answers: which function is the meaning of which weft op?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/WeftOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace weft::reference {

llvm::Error expectShape(Operation *op, StringRef name, const Tensor &tensor, ArrayRef<int64_t> shape) {
  if (ArrayRef(tensor.shape) == shape)
    return llvm::Error::success();
  return failure(op, name + " has shape " + text(tensor.shape) + ", but " + text(shape) + " is wanted");
}

llvm::Error evaluateWeft(Operation *op, Frame &frame) {
  if (op->getNumResults() == 0)
    return failure(op, "is in the form on buffers; the reference interpreter executes the form on tensors");
  return llvm::TypeSwitch<Operation *, llvm::Error>(op)
      .Case<WeightOp, PackOp, ParameterOp, LinearOp, PackedLinearOp, AttentionOp, RmsNormOp, LayerNormOp, SoftmaxOp,
            ArgmaxOp, RotaryOp, LookupOp, CacheOp>([&](auto known) { return evaluate(known, frame); })
      .Default([](Operation *other) { return unsupported(other); });
}

} // namespace weft::reference
