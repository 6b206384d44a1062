//===- KernelMemory.h - a kernel's memory as addresses --------------------------------------------------*- C++ -*-===//
// Answers: how does a kernel reach its arguments and the buffers that they name?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/GpuToSpirv/Record.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace weft {

/// Replaces the arguments of `kernel` by one, the address of its record (i64), and all loads and stores of memrefs by
/// those of device addresses. Memory of the workgroup stays memrefs, of the storage class that SPIR-V has for it.
mlir::LogicalResult lowerKernelMemory(mlir::gpu::GPUFuncOp kernel, const Record &record);

} // namespace weft
