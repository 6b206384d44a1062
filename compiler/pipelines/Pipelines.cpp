//===- Pipelines.cpp - the life of a model, phase by phase ------------------------------------------------------===//
// Read top to bottom; each chapter is a phase of Phases.def and leaves only what that table allows.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/pipelines/Pipelines.h"
#include "compiler/pipelines/PhaseChecks.h"
#include "dialects/Conversion/Passes.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace weft {
namespace {

void cleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// Fewer, larger ops: what a model names becomes what a machine should do at once.
void buildFused(OpPassManager &pm, const TargetLimits &limits, const NumberTypes &types) {
  // Attention first: it needs to see sums and softmax apart from the formulas around them.
  cleanup(pm);
  pm.addNestedPass<func::FuncOp>(createFuseAttentionPass());
  // Formulas become one op each, so that each fusion below sees a whole formula.
  pm.addNestedPass<func::FuncOp>(createLinalgElementwiseOpFusionPass());
  cleanup(pm);
  // Gates before projections: both merge linears of one input, and the gate's merge saves writing two results.
  pm.addNestedPass<func::FuncOp>(createFuseGatePass({limits.panel}));
  pm.addNestedPass<func::FuncOp>(createFuseProjectionsPass({limits.panel}));
  pm.addNestedPass<func::FuncOp>(createPackWeightsPass({limits.panel}));
  // Biases, activations and residuals ride along in the registers of the matmul that feeds them.
  pm.addNestedPass<func::FuncOp>(createFuseEpiloguePass());
  // Weights that are rounded are so as the checkpoint has them: one of bf16 then loses nothing in bf16.
  if (types.weights == WeightType::F32)
    pm.addNestedPass<func::FuncOp>(createFuseNormPass());
  pm.addNestedPass<func::FuncOp>(createRoundWeightsPass({types.weights, types.int8Activations}));
  cleanup(pm);
  pm.addNestedPass<func::FuncOp>(createLayOutCachesPass());
  // Last, when it is known which weights are used, and how.
  pm.addPass(createPlaceWeightsPass());
  cleanup(pm);
}

/// From tensors to memory, and each distinct kernel in a function of its own: the last that all targets share.
void buildKernels(OpPassManager &pm, const TargetLimits &limits) {
  pm.addPass(createBindEntryPass());
  // Or every round of a loop would leave its states in buffers of its own.
  pm.addNestedPass<func::FuncOp>(createUpdateStatesPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.allowUnknownOps = false;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addNestedPass<func::FuncOp>(createAddWorkspacesPass({limits.dots, hasMatrices(limits)}));
  if (limits.target == Target::Vulkan && limits.profile->groupsAtOnce)
    pm.addNestedPass<func::FuncOp>(createDivideKeysPass({.groups = limits.profile->groupsAtOnce}));
  // Sizes of buffers in terms of the sizes of inputs: what the two passes below compare.
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  // Places in joined tensors come as affine maps.
  pm.addNestedPass<func::FuncOp>(createLowerAffinePass());
  cleanup(pm);
  // Copies into caches and outputs disappear where a kernel can write there; the plan should not see their buffers.
  pm.addNestedPass<func::FuncOp>(createForwardStoresPass());
  cleanup(pm);
  pm.addPass(createPlanMemoryPass());
  cleanup(pm);
  // Equal layers share their kernels from here on: everything below is done once for each distinct one.
  pm.addPass(createOutlineKernelsPass());
}

/// From ops to loops over tiles.
void buildTiled(OpPassManager &pm, const TargetLimits &limits) {
  buildKernels(pm, limits);
  pm.addNestedPass<func::FuncOp>(createConvertWeftToCpuPass({limits.lanes}));
  cleanup(pm);
}

/// Native vectors only, no function that the machine lacks, and threads.
void buildVectorized(OpPassManager &pm, const TargetLimits &limits) {
  pm.addNestedPass<func::FuncOp>(createLowerLinalgPass());
  pm.addNestedPass<func::FuncOp>(createExpandMathPass({.avx512 = limits.lanes == 16}));
  cleanup(pm);
  pm.addNestedPass<func::FuncOp>(createLoopInvariantCodeMotionPass());
  pm.addPass(createOutlineParallelPass());
  pm.addPass(createWrapEntryPass());
  cleanup(pm);
}

/// From ops to workgroups. What is left outside of the kernels is code of the host.
void buildGpu(OpPassManager &pm, const TargetLimits &limits) {
  // A kernel costs a GPU more than a CPU, for it waits for the last workgroup of the one before.
  pm.addNestedPass<func::FuncOp>(createAbsorbNormsPass({.matrices = hasMatrices(limits)}));
  buildKernels(pm, limits);
  pm.addPass(createConvertWeftToGpuPass({.profile = limits.profile->name.str()}));
  cleanup(pm);
  // Or each size and constant would be an argument of its kernel.
  pm.addPass(createGpuLaunchSinkIndexComputationsPass());
  pm.addPass(createGpuKernelOutliningPass());
  // All launches of an entry point in one list: which of them wait for which is then seen.
  pm.addPass(createInlinerPass());
  cleanup(pm);
  pm.addPass(createMergeLaunchesPass());
  cleanup(pm);
}

/// Kernels become SPIR-V, and launches calls of the runtime.
void buildSpirv(OpPassManager &pm, const TargetLimits &limits) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createExpandMathPass());
  kernels.addPass(createExpandGpuMathPass());
  cleanup(kernels);
  pm.addPass(createLowerLaunchesPass());
  // Parts of addresses that stay the same in a loop are computed before it.
  OpPassManager &addresses = pm.nest<gpu::GPUModuleOp>();
  cleanup(addresses);
  addresses.addNestedPass<gpu::GPUFuncOp>(createLoopInvariantCodeMotionPass());
  addresses.addPass(createOutlineMatrixOpsPass());
  pm.addPass(createConvertToSpirvPass({.profile = limits.profile->name.str()}));
  pm.addPass(createSerializeSpirvPass({.checkOnly = true}));
}

/// Upstream conversions, all the way to the LLVM dialect. Kernel by kernel where possible: several then run at a time.
/// What canonicalization could still do, LLVM does anyway.
void buildLLVM(OpPassManager &pm, const TargetLimits &limits) {
  if (limits.target == Target::Vulkan) {
    pm.addPass(createSerializeSpirvPass());
    pm.addPass(createWrapEntryPass());
    cleanup(pm);
  }
  OpPassManager &kernels = pm.nest<func::FuncOp>();
  kernels.addPass(createConvertVectorToSCFPass(VectorTransferToSCFOptions().enableFullUnroll()));
  kernels.addPass(createLowerReshapesPass());
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions vectors;
  vectors.x86Vector = true;
  vectors.reassociateFPReductions = true; // or each sum over lanes is a chain of scalar additions
  kernels.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void build(Phase phase, OpPassManager &pm, const PipelineOptions &options) {
  const TargetLimits &limits = options.limits;
  switch (phase) {
  case Phase::model:
    return; // as the front end made it
  case Phase::fused:
    return buildFused(pm, limits, options.types);
  case Phase::tiled:
    return buildTiled(pm, limits);
  case Phase::vectorized:
    return buildVectorized(pm, limits);
  case Phase::gpu:
    return buildGpu(pm, limits);
  case Phase::spirv:
    return buildSpirv(pm, limits);
  case Phase::llvm:
    return buildLLVM(pm, limits);
  }
}

} // namespace

LogicalResult runPipeline(ModuleOp module, const PipelineOptions &options) {
  Target target = options.limits.target;
  for (Phase phase : {options.from, options.to})
    if (!isPhaseOf(phase, target))
      return module.emitError("'") << name(phase) << "' is no phase of code for " << name(target);
  for (Phase phase : allPhases()) {
    if (phase < options.from || phase > options.to || !isPhaseOf(phase, target))
      continue;
    if (phase != options.from) {
      PassManager pm(module.getContext());
      // Once per phase is enough to find out which one is at fault; weft-opt verifies after every pass.
      pm.enableVerifier(false);
      build(phase, pm, options);
      if (failed(pm.run(module)) || failed(verify(module)))
        return failure();
    }
    if (failed(checkLegality(module, phase)) || failed(dumpPhase(module, phase, target, options.dumpDirectory)))
      return failure();
  }
  return success();
}

} // namespace weft
