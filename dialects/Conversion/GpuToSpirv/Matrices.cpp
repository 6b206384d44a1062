//===- Matrices.cpp - kernels with cooperative matrices as SPIR-V -------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/Matrices.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace weft {

template <typename Op, typename Module> static bool holds(Module module) {
  return module->walk([](Op) { return WalkResult::interrupt(); }).wasInterrupted();
}

bool hasMatrices(gpu::GPUModuleOp module) { return holds<gpu::SubgroupMmaComputeOp>(module); }
bool hasMatrices(spirv::ModuleOp module) { return holds<spirv::KHRCooperativeMatrixMulAddOp>(module); }

bool usesSubgroups(spirv::ModuleOp module) {
  return hasMatrices(module) || llvm::any_of(module.getOps<spirv::GlobalVariableOp>(), [](spirv::GlobalVariableOp op) {
           return op.getBuiltIn() == spirv::stringifyBuiltIn(spirv::BuiltIn::SubgroupLocalInvocationId);
         });
}

MatrixShape matrixOf(spirv::ModuleOp module) {
  MatrixShape shape;
  module.walk([&](spirv::KHRCooperativeMatrixMulAddOp product) {
    auto left = cast<spirv::CooperativeMatrixType>(product.getA().getType());
    auto sum = cast<spirv::CooperativeMatrixType>(product.getResult().getType());
    shape = {sum.getRows(), sum.getColumns(), left.getColumns()};
    return WalkResult::interrupt();
  });
  return shape;
}

static bool isSeenByOthers(Value pointer) {
  switch (cast<spirv::PointerType>(pointer.getType()).getStorageClass()) {
  case spirv::StorageClass::Workgroup:
  case spirv::StorageClass::StorageBuffer:
  case spirv::StorageClass::PhysicalStorageBuffer:
    return true;
  default:
    return false;
  }
}

void useVulkanMemoryModel(spirv::ModuleOp module, SmallVectorImpl<spirv::Capability> &capabilities) {
  MLIRContext *context = module.getContext();
  auto shared = [&](std::optional<spirv::MemoryAccess> access) {
    spirv::MemoryAccess seen = spirv::MemoryAccess::NonPrivatePointer;
    return spirv::MemoryAccessAttr::get(context, access ? *access | seen : seen);
  };
  module.setMemoryModelAttr(spirv::MemoryModelAttr::get(context, spirv::MemoryModel::Vulkan));
  module.walk([&](Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case<spirv::LoadOp, spirv::StoreOp>([&](auto access) {
          if (isSeenByOthers(access.getPtr()))
            access.setMemoryAccessAttr(shared(access.getMemoryAccess()));
        })
        .Case<spirv::KHRCooperativeMatrixLoadOp, spirv::KHRCooperativeMatrixStoreOp>(
            [&](auto access) { access.setMemoryOperandAttr(shared(access.getMemoryOperand())); })
        .Case([&](spirv::ControlBarrierOp barrier) {
          barrier.setMemorySemanticsAttr(spirv::MemorySemanticsAttr::get(
              context, barrier.getMemorySemantics() | spirv::MemorySemantics::MakeAvailable |
                           spirv::MemorySemantics::MakeVisible));
        });
  });
  capabilities.push_back(spirv::Capability::VulkanMemoryModel);
}

} // namespace weft
