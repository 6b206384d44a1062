//===- Barriers.h - which launches wait for others ------------------------------------------------------*- C++ -*-===//
// Answers: before which launches must all that went before be done?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/DenseSet.h"

namespace weft {

/// Which memrefs among the arguments of a kernel it writes.
llvm::SmallVector<bool> writtenArguments(mlir::gpu::GPUFuncOp kernel);

/// Whether one of two launches writes what the other reads or writes. Memory is told apart as below.
bool meet(mlir::gpu::LaunchFuncOp one, llvm::ArrayRef<bool> writtenByOne, mlir::gpu::LaunchFuncOp other,
          llvm::ArrayRef<bool> writtenByOther);

/// The launches of `function` that read or overwrite what one since the last wait has written, or overwrite what one
/// has read. Views of one memref with different offsets are different places, as weft-plan-memory and
/// weft-place-weights give them; arguments of an entry point are different memory.
llvm::DenseSet<mlir::Operation *>
waitingLaunches(mlir::func::FuncOp function,
                llvm::function_ref<llvm::ArrayRef<bool>(mlir::gpu::LaunchFuncOp)> writtenOperands);

} // namespace weft
