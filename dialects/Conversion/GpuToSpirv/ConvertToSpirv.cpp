//===- ConvertToSpirv.cpp - pass weft-convert-to-spirv ------------------------------------------------------------===//
// Answers: how does a kernel become SPIR-V? By upstream's patterns, all in one conversion, and one of our own for the
// function itself: its argument, the address of its record, is all that is pushed to it.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/Matrices.h"
#include "dialects/Conversion/GpuToSpirv/MatrixCalls.h"
#include "dialects/Conversion/Passes.h"
#include "mlir/Conversion/ArithToSPIRV/ArithToSPIRV.h"
#include "mlir/Conversion/FuncToSPIRV/FuncToSPIRV.h"
#include "mlir/Conversion/GPUToSPIRV/GPUToSPIRV.h"
#include "mlir/Conversion/MathToSPIRV/MathToSPIRV.h"
#include "mlir/Conversion/MemRefToSPIRV/MemRefToSPIRV.h"
#include "mlir/Conversion/SCFToSPIRV/SCFToSPIRV.h"
#include "mlir/Conversion/UBToSPIRV/UBToSPIRV.h"
#include "mlir/Conversion/VectorToSPIRV/VectorToSPIRV.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"
#include "mlir/Dialect/SPIRV/Transforms/Passes.h"
#include "mlir/Dialect/SPIRV/Transforms/SPIRVConversion.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_CONVERTTOSPIRVPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

constexpr spirv::Version version = spirv::Version::V_1_5; // that of Vulkan 1.2

/// Vulkan 1.2 and what kernels may ask for on top. A module asks for what it uses of it.
spirv::TargetEnvAttr environment(MLIRContext *context, const GpuProfile &profile, bool hasMatrices) {
  using C = spirv::Capability;
  static constexpr C capabilities[] = {C::Shader,
                                       C::Int64,
                                       C::Int64Atomics,
                                       C::Int16,
                                       C::Int8,
                                       C::Float16,
                                       C::Float64,
                                       C::StorageBuffer8BitAccess,
                                       C::StorageBuffer16BitAccess,
                                       C::PhysicalStorageBufferAddresses,
                                       C::GroupNonUniformShuffle,
                                       C::VulkanMemoryModel,
                                       C::GroupNonUniform,
                                       C::CooperativeMatrixKHR,
                                       C::Linkage};
  static constexpr spirv::Extension extensions[] = {
      spirv::Extension::SPV_KHR_physical_storage_buffer, spirv::Extension::SPV_KHR_8bit_storage,
      spirv::Extension::SPV_KHR_16bit_storage,           spirv::Extension::SPV_KHR_storage_buffer_storage_class,
      spirv::Extension::SPV_KHR_vulkan_memory_model,     spirv::Extension::SPV_KHR_cooperative_matrix};
  // The dialect asks for 1.6 where there are matrices; the extension itself does not.
  auto triple = spirv::VerCapExtAttr::get(hasMatrices ? spirv::Version::V_1_6 : version,
                                          ArrayRef(capabilities).drop_back(hasMatrices ? 0 : 4),
                                          ArrayRef(extensions).drop_back(hasMatrices ? 0 : 2), context);
  auto limits = spirv::ResourceLimitsAttr::get(context, profile.sharedBytes, profile.invocations,
                                               Builder(context).getI32ArrayAttr({128, 128, 64}), profile.subgroup,
                                               std::nullopt, std::nullopt, ArrayAttr(), ArrayAttr());
  return spirv::TargetEnvAttr::get(triple, profile.subgroup ? limits : spirv::getDefaultResourceLimits(context),
                                   spirv::ClientAPI::Vulkan);
}

/// Upstream's loops say what they carry only at the end of a round: for one without a round it has to be said here.
/// Of matrices there is no choice by `select`: a branch chooses, as all of the subgroup do.
void completeEmptyLoops(Operation *module) {
  module->walk([](scf::ForOp loop) {
    if (loop.getNumResults() == 0)
      return;
    ImplicitLocOpBuilder b(loop.getLoc(), loop->getContext());
    b.setInsertionPointAfter(loop);
    Value hasRound =
        b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, loop.getLowerBound(), loop.getUpperBound());
    if (matchPattern(hasRound, m_One()))
      return;
    for (auto [result, init] : llvm::zip_equal(loop.getResults(), loop.getInitArgs())) {
      if (result.use_empty() || !isa<IntegerType, FloatType, IndexType, VectorType>(result.getType()))
        continue;
      auto either = arith::SelectOp::create(b, hasRound, result, init);
      result.replaceAllUsesExcept(either.getResult(), either);
    }
    SmallVector<Value> matrices, inits;
    for (auto [result, init] : llvm::zip_equal(loop.getResults(), loop.getInitArgs()))
      if (!result.use_empty() && isa<gpu::MMAMatrixType>(result.getType())) {
        matrices.push_back(result);
        inits.push_back(init);
      }
    if (matrices.empty())
      return;
    auto yield = [](ArrayRef<Value> values) {
      return [values](OpBuilder &b, Location loc) { scf::YieldOp::create(b, loc, values); };
    };
    auto either = scf::IfOp::create(b, hasRound, yield(matrices), yield(inits));
    for (auto [matrix, chosen] : llvm::zip_equal(matrices, either.getResults()))
      matrix.replaceUsesWithIf(chosen, [&](OpOperand &use) { return !either->isAncestor(use.getOwner()); });
  });
}

/// The kernel's one argument comes as a push constant.
struct ConvertKernel : OpConversionPattern<gpu::GPUFuncOp> {
  ConvertKernel(const TypeConverter &types, MLIRContext *context)
      : OpConversionPattern(types, context, /*benefit=*/100) {}

  LogicalResult matchAndRewrite(gpu::GPUFuncOp kernel, OpAdaptor, ConversionPatternRewriter &b) const override {
    auto module = kernel->getParentOfType<spirv::ModuleOp>();
    if (!module || kernel.getNumArguments() != 1 || !kernel.getArgument(0).getType().isInteger(64))
      return b.notifyMatchFailure(kernel, "weft-lower-launches leaves one argument");
    std::optional<ArrayRef<int32_t>> sizes = kernel.getKnownBlockSize();
    if (!sizes)
      return b.notifyMatchFailure(kernel, "the size of a workgroup must be known");
    Location loc = kernel.getLoc();
    auto block = spirv::StructType::get({b.getI64Type()}, {0});
    auto pointer = spirv::PointerType::get(block, spirv::StorageClass::PushConstant);
    std::string name = (kernel.getName() + "_record").str();
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(module.getBody());
      spirv::GlobalVariableOp::create(b, loc, TypeAttr::get(pointer), b.getStringAttr(name), nullptr);
    }
    auto function = spirv::FuncOp::create(b, loc, kernel.getName(), b.getFunctionType({}, {}));
    function->setAttr(spirv::getEntryPointABIAttrName(), spirv::getEntryPointABIAttr(b.getContext(), *sizes));
    b.inlineRegionBefore(kernel.getBody(), function.getBody(), function.end());
    TypeConverter::SignatureConversion signature(1);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&function.front());
      Value pushed = spirv::AddressOfOp::create(b, loc, pointer, SymbolRefAttr::get(b.getContext(), name));
      Value first = spirv::ConstantOp::create(b, loc, b.getI32Type(), b.getI32IntegerAttr(0));
      auto member = spirv::PointerType::get(b.getI64Type(), spirv::StorageClass::PushConstant);
      Value place = spirv::AccessChainOp::create(b, loc, member, pushed, ValueRange{first});
      signature.remapInput(0, ArrayRef<Value>{spirv::LoadOp::create(b, loc, place)});
    }
    b.applySignatureConversion(&function.front(), signature, getTypeConverter());
    b.eraseOp(kernel);
    return success();
  }
};

struct ConvertToSpirv : impl::ConvertToSpirvPassBase<ConvertToSpirv> {
  using ConvertToSpirvPassBase::ConvertToSpirvPassBase;

  void runOnOperation() override {
    const GpuProfile *chosen = gpuProfileNamed(profile);
    if (!chosen) {
      getOperation().emitError("there is no profile '")
          << profile << "' of Vulkan devices; there are " << gpuProfileNames();
      return signalPassFailure();
    }
    SmallVector<Operation *> modules[2];
    getOperation().walk([&](gpu::GPUModuleOp module) {
      for (auto global : llvm::make_early_inc_range(module.getOps<memref::GlobalOp>()))
        global.erase(); // weft-lower-launches made arrays of them
      completeEmptyLoops(module);
      modules[hasMatrices(module)].push_back(module);
    });
    for (bool matrices : {false, true})
      if (failed(convert(modules[matrices], environment(&getContext(), *chosen, matrices))))
        return signalPassFailure();

    OpPassManager finish(ModuleOp::getOperationName());
    OpPassManager &kernels = finish.nest<spirv::ModuleOp>();
    kernels.addPass(spirv::createSPIRVLowerABIAttributesPass());
    kernels.addPass(createCanonicalizerPass());
    kernels.addPass(createCSEPass());
    kernels.addPass(spirv::createSPIRVRewriteInsertsPass());
    kernels.addPass(spirv::createSPIRVUpdateVCEPass());
    if (failed(runPipeline(finish, getOperation())))
      return signalPassFailure();
    for (auto module : getOperation().getOps<spirv::ModuleOp>())
      complete(module);
  }

  LogicalResult convert(ArrayRef<Operation *> modules, spirv::TargetEnvAttr env) {
    MLIRContext *context = &getContext();
    for (Operation *module : modules)
      module->setAttr(spirv::getTargetEnvAttrName(), env);
    SPIRVConversionOptions options;
    options.use64bitIndex = false;
    SPIRVTypeConverter types(env, options);
    populateMMAToSPIRVCoopMatrixTypeConversion(types);
    std::unique_ptr<SPIRVConversionTarget> target = SPIRVConversionTarget::get(env);
    RewritePatternSet patterns(context);
    ScfToSPIRVContext loops;
    patterns.add<ConvertKernel>(types, context);
    populateGPUToSPIRVPatterns(types, patterns);
    populateGpuWMMAToSPIRVCoopMatrixKHRConversionPatterns(types, patterns);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    arith::populateArithToSPIRVPatterns(types, patterns);
    populateMathToSPIRVPatterns(types, patterns);
    populateMemRefToSPIRVPatterns(types, patterns);
    populateSCFToSPIRVPatterns(types, loops, patterns);
    populateBuiltinFuncToSPIRVPatterns(types, patterns);
    populateVectorToSPIRVPatterns(types, patterns);
    populateFuncToSPIRVPatterns(types, patterns);
    ub::populateUBToSPIRVConversionPatterns(types, patterns);
    return applyFullConversion(modules, *target, std::move(patterns));
  }

  /// Nor for elements of 8 and 16 bits in memory that is an address.
  void addStorage(spirv::ModuleOp module, SmallVectorImpl<spirv::Capability> &capabilities) {
    llvm::SmallSetVector<unsigned, 4> widths;
    module.walk([&](Operation *op) {
      if (isa<spirv::LoadOp, spirv::StoreOp>(op))
        if (auto pointer = dyn_cast<spirv::PointerType>(op->getOperand(0).getType());
            pointer && pointer.getStorageClass() == spirv::StorageClass::PhysicalStorageBuffer)
          widths.insert(getElementTypeOrSelf(pointer.getPointeeType()).getIntOrFloatBitWidth());
    });
    for (auto [width, capability] : {std::pair(8u, spirv::Capability::StorageBuffer8BitAccess),
                                     std::pair(16u, spirv::Capability::StorageBuffer16BitAccess)})
      if (widths.contains(width) && !llvm::is_contained(capabilities, capability))
        capabilities.push_back(capability);
  }

  void complete(spirv::ModuleOp module) {
    // No driver may contract or reorder what is written: fused operations are where the kernels say so, and tricks such
    // as adding and subtracting a large number to round stay what they are.
    module.walk([&](Operation *op) {
      if (isa<spirv::FAddOp, spirv::FSubOp, spirv::FMulOp, spirv::FDivOp, spirv::FNegateOp, spirv::GLFmaOp>(op))
        op->setAttr("no_contraction", UnitAttr::get(&getContext()));
    });
    // update-vce names the lowest version, which does not fit what lower-abi-attrs has made for ours, and extensions
    // that our version holds.
    spirv::VerCapExtAttr found = *module.getVceTriple();
    bool hasCalls = matrix_calls::areIn(module);
    spirv::Version ours = hasCalls ? spirv::Version::V_1_6 : version;
    ArrayRef<spirv::Extension> core = spirv::getImpliedExtensions(ours);
    SmallVector<spirv::Extension> extensions;
    for (spirv::Extension extension : found.getExtensions())
      if (!llvm::is_contained(core, extension))
        extensions.push_back(extension);
    SmallVector<spirv::Capability> capabilities(found.getCapabilities());
    llvm::erase(capabilities, spirv::Capability::Linkage); // of functions that no binary has: see MatrixCalls.h
    // Which no op of the dialect asks for by its type.
    if (module
            .walk([](spirv::AtomicUMinOp op) {
              return op.getType().isInteger(64) ? WalkResult::interrupt() : WalkResult::advance();
            })
            .wasInterrupted())
      capabilities.push_back(spirv::Capability::Int64Atomics);
    addStorage(module, capabilities);
    // Nor for built-in variables: places in a subgroup may be asked for without an op on it.
    if (usesSubgroups(module) && !llvm::is_contained(capabilities, spirv::Capability::GroupNonUniform))
      capabilities.push_back(spirv::Capability::GroupNonUniform);
    if (hasMatrices(module))
      useVulkanMemoryModel(module, capabilities);
    module.setVceTripleAttr(spirv::VerCapExtAttr::get(ours, capabilities, extensions, &getContext()));
  }
};

} // namespace
} // namespace weft
