//===- WeftToGpu.cpp - pass convert-weft-to-gpu ------------------------------------------------------------------===//
// Answers: which op goes to which emitter, what must hold for an emitter to work, and how do kernels report an index
// that is out of range?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Passes.h"
#include "dialects/Conversion/WeftToGpu/Kernel.h"
#include "dialects/Matrix/IR/MatrixOps.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_CONVERTWEFTTOGPUPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

/// Weights, their scales, and tables may be of 16 bits; all else is f32.
bool mayBeNarrow(Operation *op, Value operand) {
  if (auto linear = dyn_cast<PackedLinearOp>(op))
    return operand == linear.getPacked() || operand == linear.getScales();
  if (auto lookup = dyn_cast<LookupOp>(op))
    return operand == lookup.getTable();
  return false;
}

LogicalResult checkOperands(KernelOpInterface op) {
  for (auto [number, operand] : llvm::enumerate(op->getOperands())) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (type && mayBeNarrow(op, operand) && type.getElementTypeBitWidth() == 16)
      continue;
    if (type && isa<FloatType>(type.getElementType()) && !type.getElementType().isF32())
      return op->emitError("operand ") << number << " is " << type << ", but kernels compute in f32; convert it before";
  }
  return success();
}

LogicalResult checkLookup(LookupOp op) {
  auto labels = op->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>(contract::labels);
  if (labels && llvm::is_contained(labels, op.getLabelAttr()))
    return success();
  return op.emitError("label ") << op.getLabelAttr() << " is not in the module's " << contract::labels
                                << "; run weft-outline-kernels before";
}

LogicalResult check(KernelOpInterface kernel, const grid::GpuLimits &limits) {
  Operation *op = kernel;
  if (failed(checkOperands(kernel)))
    return failure();
  if (auto lookup = dyn_cast<LookupOp>(op))
    return checkLookup(lookup);
  if (auto linear = dyn_cast<PackedLinearOp>(op); linear && linear.getActivations())
    return op->emitError("activations are ") << *linear.getActivations() << ", but kernels for a GPU keep f32";
  if (auto attention = dyn_cast<AttentionOp>(op))
    return grid::checkAttention(attention, limits);
  if (isa<LinearOp>(op))
    return op->emitError("no kernel for weights that are not packed; run weft-pack-weights, which takes weights of the "
                         "checkpoint, not computed ones");
  return success();
}

bool isKernel(Operation *op) {
  if (auto kernel = dyn_cast<KernelOpInterface>(op))
    return !kernel.getDestinations().empty();
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return structured.hasPureBufferSemantics();
  return isa<memref::CopyOp>(op);
}

/// Constant tables belong to the code of the kernel: there is no other memory of the host that it could read.
void takeGlobals(gpu::LaunchOp launch) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(launch.getBody(), used);
  OpBuilder b = OpBuilder::atBlockBegin(&launch.getBody().front());
  for (Value value : used)
    if (auto global = value.getDefiningOp<memref::GetGlobalOp>()) {
      Value inside = b.clone(*global)->getResult(0);
      value.replaceUsesWithIf(inside, [&](OpOperand &use) { return launch->isProperAncestor(use.getOwner()); });
    }
}

struct ConvertWeftToGpu : impl::ConvertWeftToGpuPassBase<ConvertWeftToGpu> {
  using ConvertWeftToGpuPassBase::ConvertWeftToGpuPassBase;

  void runOnOperation() override {
    const GpuProfile *chosen = gpuProfileNamed(profile);
    if (!chosen) {
      getOperation().emitError("there is no profile '")
          << profile << "' of Vulkan devices; there are " << gpuProfileNames();
      return signalPassFailure();
    }
    limits = grid::GpuLimits(*chosen);
    bindErrors();
    SmallVector<Operation *> kernels;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isKernel(op))
        return WalkResult::advance();
      kernels.push_back(op);
      return WalkResult::skip();
    });
    for (Operation *kernel : kernels)
      if (failed(convert(kernel)))
        return signalPassFailure();
    getOperation().walk([](gpu::LaunchOp launch) { takeGlobals(launch); });
    // What CPU code calls for a bad index.
    if (Operation *function = getOperation().lookupSymbol("weft_bad_index"))
      function->erase();
  }

  /// Every entry point has one argument more, bytes that kernels with look-ups get as 64-bit integers: see abi.h.
  void bindErrors() {
    auto labels = getOperation()->getAttrOfType<ArrayAttr>(contract::labels);
    int64_t count = labels ? labels.size() : 0;
    OpBuilder b(&getContext());
    auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    auto numbers = MemRefType::get({2 * count}, b.getI64Type());
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(contract::entry))
        (void)function.insertArgument(function.getNumArguments(), bytes, b.getDictionaryAttr({}), function.getLoc());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isDeclaration() || function->hasAttr(contract::entry) ||
          !function.walk([](LookupOp) { return WalkResult::interrupt(); }).wasInterrupted())
        continue;
      (void)function.insertArgument(function.getNumArguments(), numbers, b.getDictionaryAttr({}), function.getLoc());
      errors[function] = function.getArguments().back();
    }
    getOperation().walk([&](func::CallOp call) {
      auto callee = getOperation().lookupSymbol<func::FuncOp>(call.getCallee());
      auto caller = call->getParentOfType<func::FuncOp>();
      if (!errors.contains(callee))
        return;
      OpBuilder at(call);
      Value zero = arith::ConstantIndexOp::create(at, call.getLoc(), 0);
      Value view = memref::ViewOp::create(at, call.getLoc(), numbers, caller.getArguments().back(), zero, ValueRange());
      call->insertOperands(call->getNumOperands(), view);
    });
  }

  LogicalResult convert(Operation *op) {
    IRRewriter rewriter(&getContext());
    rewriter.setInsertionPoint(op);
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      Operation *generic = linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(), copy.getTarget());
      rewriter.eraseOp(op);
      op = generic;
    }
    if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
      if (!isa<linalg::GenericOp>(op)) {
        rewriter.setInsertionPoint(op);
        FailureOr<linalg::GenericOp> generic = linalg::generalizeNamedOp(rewriter, structured);
        if (failed(generic))
          return op->emitError("no kernel for this op on a GPU");
        op = *generic;
      }
      ImplicitLocOpBuilder b(op->getLoc(), op);
      grid::emitLinalg(b, cast<linalg::LinalgOp>(op), limits);
      op->erase();
      return success();
    }
    auto kernel = cast<KernelOpInterface>(op);
    if (failed(check(kernel, limits)))
      return failure();
    ImplicitLocOpBuilder b(op->getLoc(), op);
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](PackedLinearOp op) { grid::emitPackedLinear(b, op, limits); })
        .Case([&](AttentionOp op) { grid::emitAttention(b, op, limits); })
        .Case([&](RmsNormOp op) { grid::emitRmsNorm(b, op, limits); })
        .Case([&](LayerNormOp op) { grid::emitLayerNorm(b, op, limits); })
        .Case([&](SoftmaxOp op) { grid::emitSoftmax(b, op, limits); })
        .Case([&](RotaryOp op) { grid::emitRotary(b, op, limits); })
        .Case([&](ArgmaxOp op) { grid::emitArgmax(b, op, limits); })
        .Case([&](LookupOp op) { grid::emitLookup(b, op, errors.lookup(op->getParentOfType<func::FuncOp>()), limits); })
        .Default([](Operation *) { llvm_unreachable("every kernel op is emitted or refused by check()"); });
    op->erase();
    return success();
  }

  grid::GpuLimits limits;
  DenseMap<Operation *, Value> errors; ///< where a function with look-ups reports
};

} // namespace
} // namespace weft
