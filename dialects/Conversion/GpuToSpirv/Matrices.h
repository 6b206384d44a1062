//===- Matrices.h - kernels with cooperative matrices as SPIR-V -----------------------------------------*- C++ -*-===//
// Answers: what does a kernel with cooperative matrices need that others do not, and which depend on how many
// invocations a subgroup has?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/Common/GpuProfile.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"

namespace weft {

bool hasMatrices(mlir::gpu::GPUModuleOp module);
bool hasMatrices(mlir::spirv::ModuleOp module);
/// Whether invocations of a subgroup work together: by matrices, or by their places in it.
bool usesSubgroups(mlir::spirv::ModuleOp module);
/// That of all products in the kernel; 0 x 0 x 0 where there are none.
MatrixShape matrixOf(mlir::spirv::ModuleOp module);

/// Cooperative matrices belong to the Vulkan memory model, and upstream's patterns are made for the older one: every
/// access to memory that others see says so, and barriers make what was written available and visible. The capabilities
/// that go with it are added.
void useVulkanMemoryModel(mlir::spirv::ModuleOp module, llvm::SmallVectorImpl<mlir::spirv::Capability> &capabilities);

} // namespace weft
