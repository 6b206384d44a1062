//===- WeftToCpu.cpp - pass convert-weft-to-cpu ------------------------------------------------------------------===//
// Answers: which op goes to which emitter, and what must hold for an emitter to work?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Passes.h"
#include "dialects/Conversion/WeftToCpu/Emitters.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_CONVERTWEFTTOCPUPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

/// Whether an operand holds weights or their scales, which kernels widen.
bool mayBeNarrow(KernelOpInterface op, Value operand) {
  if (auto linear = dyn_cast<PackedLinearOp>(op.getOperation()))
    return operand == linear.getPacked() || operand == linear.getScales();
  auto lookup = dyn_cast<LookupOp>(op.getOperation());
  return lookup && operand == lookup.getTable();
}

/// Vectors are loaded from and stored to rows, so elements of a row must be neighbours; numbers are f32.
LogicalResult checkOperands(KernelOpInterface op) {
  SmallVector<Value, 3> destinations = op.getDestinations();
  for (auto [number, operand] : llvm::enumerate(op->getOperands())) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type)
      continue;
    if (isa<FloatType>(type.getElementType()) && !type.getElementType().isF32() && !mayBeNarrow(op, operand))
      return op->emitError("operand ") << number << " is " << type << ", but kernels compute in f32; convert it before";
    // Epilogues gather what lies otherwise, and single numbers may lie anywhere.
    bool anyStride = isa<IntegerType>(type.getElementType()) || isa<PackedLinearOp>(op.getOperation());
    if (llvm::is_contained(destinations, operand))
      anyStride = isa<ArgmaxOp>(op.getOperation());
    if (!anyStride && type.getRank() > 0 && !type.isLastDimUnitStride())
      return op->emitError("operand ") << number << " is " << type
                                       << ", but its last dimension must have stride 1; copy it before";
  }
  return success();
}

LogicalResult checkRotary(RotaryOp op) {
  auto table = cast<MemRefType>(op.getTable().getType());
  if (memref::CollapseShapeOp::isGuaranteedCollapsible(table, {{0}, {1, 2}}))
    return success();
  return op.emitError("the table is ") << table
                                       << ", but sine must follow cosine, and pair must follow pair, without gaps";
}

LogicalResult checkLookup(LookupOp op) {
  auto module = op->getParentOfType<ModuleOp>();
  auto labels = module->getAttrOfType<ArrayAttr>(contract::labels);
  if (!labels || !llvm::is_contained(labels, op.getLabelAttr()))
    return op.emitError("label ") << op.getLabelAttr() << " is not in the module's " << contract::labels
                                  << "; run weft-outline-kernels before";
  if (!module.lookupSymbol(cpu::badIndexFunction))
    return op.emitError("the module does not declare ") << cpu::badIndexFunction << "; run weft-outline-kernels before";
  return success();
}

LogicalResult checkLinear(PackedLinearOp op, const cpu::CpuLimits &limits) {
  auto packed = cast<MemRefType>(op.getPacked().getType());
  if (op.getWeightType() != WeightType::F32 && !packed.getLayout().isIdentity())
    return op.emitError("weights are ") << packed << ", but narrow ones must lie without gaps; copy them before";
  if (op.getNormEps())
    return op.emitError("its input is normed, which kernels for a CPU leave to weft.rms_norm");
  if (!op.getWorkspace())
    return op.getActivations() ? op.emitError("int8 activations need a workspace; run weft-add-workspaces") : success();
  if (bitsOf(op.getWeightType()) >= 16 && op.getWeightType() != WeightType::BF16)
    return op.emitError("weights are ") << packed << ", for which kernels for a CPU round no activations";
  if (limits.lanes != 16 || packed.getDimSize(2) / op.getParts() % 16)
    return op.emitError("rounded activations need vectors of 16 lanes, but there are ")
           << limits.lanes << " for panels of " << packed.getDimSize(2) << " columns in " << op.getParts() << " parts";
  return success();
}

LogicalResult check(KernelOpInterface kernel, const cpu::CpuLimits &limits) {
  Operation *op = kernel;
  if (failed(checkOperands(kernel)))
    return failure();
  if (auto rotary = dyn_cast<RotaryOp>(op))
    return checkRotary(rotary);
  if (auto lookup = dyn_cast<LookupOp>(op))
    return checkLookup(lookup);
  if (auto linear = dyn_cast<PackedLinearOp>(op))
    return checkLinear(linear, limits);
  if (auto attention = dyn_cast<AttentionOp>(op))
    return cpu::checkAttention(attention);
  if (isa<LinearOp>(op))
    return op->emitError("no kernel for weights that are not packed; run weft-pack-weights, which takes weights of the "
                         "checkpoint, not computed ones");
  return success();
}

void emit(OpBuilder &b, Operation *op, const cpu::CpuLimits &limits) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](PackedLinearOp op) { cpu::emitPackedLinear(b, op, limits); })
      .Case([&](AttentionOp op) { cpu::emitAttention(b, op, limits); })
      .Case([&](RmsNormOp op) { cpu::emitRmsNorm(b, op, limits); })
      .Case([&](LayerNormOp op) { cpu::emitLayerNorm(b, op, limits); })
      .Case([&](SoftmaxOp op) { cpu::emitSoftmax(b, op, limits); })
      .Case([&](RotaryOp op) { cpu::emitRotary(b, op, limits); })
      .Case([&](LookupOp op) { cpu::emitLookup(b, op, limits); })
      .Case([&](ArgmaxOp op) { cpu::emitArgmax(b, op, limits); })
      .Default([](Operation *) { llvm_unreachable("every kernel op is emitted or refused by check()"); });
}

struct ConvertWeftToCpu : impl::ConvertWeftToCpuPassBase<ConvertWeftToCpu> {
  using ConvertWeftToCpuPassBase::ConvertWeftToCpuPassBase;

  void runOnOperation() override {
    if (lanes != 8 && lanes != 16) {
      getOperation().emitError("lanes must be 8 or 16, but are ") << lanes.getValue();
      return signalPassFailure();
    }
    if (reportKeyBlocks && !getOperation()->getParentOfType<ModuleOp>().lookupSymbol(cpu::keyBlockFunction)) {
      getOperation().emitError("the module does not declare ") << cpu::keyBlockFunction << ", which is to be called";
      return signalPassFailure();
    }
    SmallVector<KernelOpInterface> kernels;
    getOperation().walk([&](KernelOpInterface op) {
      if (!op.getDestinations().empty())
        kernels.push_back(op);
    });
    for (KernelOpInterface kernel : kernels) {
      cpu::CpuLimits limits{lanes, reportKeyBlocks};
      if (failed(check(kernel, limits)))
        return signalPassFailure();
      OpBuilder b(kernel);
      emit(b, kernel, limits);
      kernel->erase();
    }
  }
};

} // namespace
} // namespace weft
