//===- SerializeSpirv.cpp - pass weft-serialize-spirv -------------------------------------------------------------===//
// Answers: is every kernel valid SPIR-V, and what does an artefact carry of it?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/Matrices.h"
#include "dialects/Conversion/GpuToSpirv/MatrixCalls.h"
#include "dialects/Conversion/Passes.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"
#include "mlir/Target/SPIRV/Serialization.h"
#include "runtime/include/weft/abi.h"
#include "spirv-tools/libspirv.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_SERIALIZESPIRVPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

uint32_t featureOf(spirv::Capability capability) {
  using C = spirv::Capability;
  switch (capability) {
  case C::Int64:
    return WEFT_ABI_VK_INT64;
  case C::Float16:
    return WEFT_ABI_VK_FLOAT16;
  case C::Int16:
    return WEFT_ABI_VK_INT16;
  case C::Int8:
    return WEFT_ABI_VK_INT8;
  case C::StorageBuffer16BitAccess:
    return WEFT_ABI_VK_STORAGE16;
  case C::StorageBuffer8BitAccess:
    return WEFT_ABI_VK_STORAGE8;
  case C::Int64Atomics:
    return WEFT_ABI_VK_INT64_ATOMICS;
  case C::Float64:
    return WEFT_ABI_VK_FLOAT64;
  case C::GroupNonUniformShuffle:
    return WEFT_ABI_VK_SUBGROUP_SHUFFLE;
  case C::VulkanMemoryModel:
    return WEFT_ABI_VK_MEMORY_MODEL;
  case C::CooperativeMatrixKHR:
    return WEFT_ABI_VK_COOPMAT;
  default:
    return 0;
  }
}

int64_t bytesOf(Type type) {
  if (auto structure = dyn_cast<spirv::StructType>(type)) {
    int64_t bytes = 0;
    for (unsigned i = 0; i < structure.getNumElements(); ++i)
      bytes += bytesOf(structure.getElementType(i));
    return bytes;
  }
  if (auto array = dyn_cast<spirv::ArrayType>(type))
    return array.getNumElements() * bytesOf(array.getElementType());
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getNumElements() * bytesOf(vector.getElementType());
  return type.isIntOrFloat() ? llvm::divideCeil(type.getIntOrFloatBitWidth(), 8) : 0;
}

/// Whether the validator at hand has heard of a capability: that of Debian 12 has not of cooperative matrices.
bool knows(StringRef capability) {
  spv_context context = spvContextCreate(SPV_ENV_UNIVERSAL_1_6);
  std::string text = ("OpCapability " + capability + "\n").str();
  spv_binary binary = nullptr;
  bool isRead = spvTextToBinary(context, text.data(), text.size(), &binary, nullptr) == SPV_SUCCESS;
  spvBinaryDestroy(binary);
  spvContextDestroy(context);
  return isRead;
}

bool knowsAllOf(spirv::ModuleOp module) {
  static const bool knowsMatrices = knows("CooperativeMatrixKHR"), knowsCalls = knows("CooperativeMatrixReductionsNV");
  return (!hasMatrices(module) || knowsMatrices) && (!matrix_calls::areIn(module) || knowsCalls);
}

struct SerializeSpirv : impl::SerializeSpirvPassBase<SerializeSpirv> {
  using SerializeSpirvPassBase::SerializeSpirvPassBase;

  void runOnOperation() override {
    SmallVector<Attribute> kernels;
    for (auto module : llvm::make_early_inc_range(getOperation().getOps<spirv::ModuleOp>())) {
      SmallVector<uint32_t> words;
      if (failed(spirv::serialize(module, words)) || failed(matrix_calls::expand(module, words)) ||
          failed(validate(module, words)))
        return signalPassFailure();
      if (checkOnly)
        continue;
      FailureOr<Attribute> kernel = describe(module, words);
      if (failed(kernel))
        return signalPassFailure();
      kernels.push_back(*kernel);
      module.erase();
    }
    if (!checkOnly)
      getOperation()->setAttr(contract::kernels, ArrayAttr::get(&getContext(), kernels));
  }

  LogicalResult validate(spirv::ModuleOp module, ArrayRef<uint32_t> words) {
    if (!knowsAllOf(module))
      return success();
    spv_context context = spvContextCreate(matrix_calls::areIn(module) ? SPV_ENV_VULKAN_1_3 : SPV_ENV_VULKAN_1_2);
    spv_const_binary_t binary = {words.data(), words.size()};
    spv_diagnostic diagnostic = nullptr;
    bool isValid = spvValidate(context, &binary, &diagnostic) == SPV_SUCCESS;
    if (!isValid)
      module.emitError("this kernel became invalid SPIR-V: ")
          << (diagnostic ? diagnostic->error : "no reason is given") << " (this is a defect of weft)";
    spvDiagnosticDestroy(diagnostic);
    spvContextDestroy(context);
    return success(isValid);
  }

  FailureOr<Attribute> describe(spirv::ModuleOp module, ArrayRef<uint32_t> words) {
    Builder b(&getContext());
    SmallVector<spirv::EntryPointOp> entries(module.getOps<spirv::EntryPointOp>());
    if (entries.size() != 1)
      return module.emitError("a module must hold one kernel, but this one holds ") << entries.size();
    SmallVector<int32_t> size;
    for (auto mode : module.getOps<spirv::ExecutionModeOp>())
      if (mode.getExecutionMode() == spirv::ExecutionMode::LocalSize)
        for (Attribute value : mode.getValues())
          size.push_back(cast<IntegerAttr>(value).getInt());
    int64_t sharedBytes = 0;
    for (auto variable : module.getOps<spirv::GlobalVariableOp>())
      if (auto type = cast<spirv::PointerType>(variable.getType());
          type.getStorageClass() == spirv::StorageClass::Workgroup)
        sharedBytes += bytesOf(type.getPointeeType());
    uint32_t features = 0;
    for (spirv::Capability capability : module.getVceTriple()->getCapabilities())
      features |= featureOf(capability);
    if (matrix_calls::areIn(module))
      features |= WEFT_ABI_VK_COOPMAT2;
    // Where invocations of a subgroup work together, how many there are is a part of the kernel.
    bool subgroups = usesSubgroups(module);
    int64_t subgroup = subgroups ? spirv::lookupTargetEnv(module).getResourceLimits().getSubgroupSize() : 0;
    MatrixShape matrix = matrixOf(module);
    StringRef bytes(reinterpret_cast<const char *>(words.data()), words.size() * sizeof(uint32_t));
    return Attribute(b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(entries.front().getFn())),
         b.getNamedAttr("local_size", b.getI32ArrayAttr(size)),
         b.getNamedAttr("subgroup_size", b.getI32IntegerAttr(subgroup)),
         b.getNamedAttr("matrix", b.getI32IntegerAttr(matrix.rows | matrix.columns << 8 | matrix.depth << 16)),
         b.getNamedAttr("shared_bytes", b.getI32IntegerAttr(sharedBytes)),
         b.getNamedAttr("features", b.getI32IntegerAttr(features)), b.getNamedAttr("spirv", b.getStringAttr(bytes))}));
  }
};

} // namespace
} // namespace weft
