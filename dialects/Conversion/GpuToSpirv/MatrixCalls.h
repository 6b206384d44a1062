//===- MatrixCalls.h - calls that stand for instructions ------------------------------------------------*- C++ -*-===//
// Answers: how do instructions of VK_NV_cooperative_matrix2 pass through the spirv dialect, which has none of them?
//
// As calls of external functions that exist nowhere. The name says which instruction is meant, and of which function of
// the module it is the matter; in the binary, the instruction stands in the call's place.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"

namespace weft::matrix_calls {

// What the names begin with. A per-element function and a combination of two elements follow by name, and a number.
inline constexpr llvm::StringLiteral perElement = "matrix.per_element.", reduceRows = "matrix.reduce_rows.",
                                     round = "matrix.round.", changeUse = "matrix.change_use.";

/// Whether a function stands for an instruction.
bool isInstruction(llvm::StringRef function);
/// Whether the kernel has such instructions.
bool areIn(mlir::spirv::ModuleOp module);

/// Puts the instructions in the place of the calls, and adds what they ask for: capabilities and the extension.
mlir::LogicalResult expand(mlir::spirv::ModuleOp module, llvm::SmallVectorImpl<uint32_t> &binary);

} // namespace weft::matrix_calls
