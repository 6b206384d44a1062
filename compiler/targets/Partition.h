//===- Partition.h - a module of code, cut into modules -------------------------------------------------*- C++ -*-===//
// Answers: which functions are compiled together, where compiling all of them at once would keep one core busy?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace weft {

/// Cuts a module in phase `llvm`. Each part defines some of its functions and constants and declares what else they
/// use; what was internal to the module may be used from another part. The cuts depend on nothing but the module.
llvm::Expected<std::vector<mlir::OwningOpRef<mlir::ModuleOp>>> partition(mlir::ModuleOp module);

} // namespace weft
