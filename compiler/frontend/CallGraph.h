//===- CallGraph.h - who calls whom ---------------------------------------------------------------------*- C++ -*-===//
// Answers: does a block or formula, through any chain of calls, need itself?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Program.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace weft::frontend {

/// Every call in the file, arguments included.
void forEachCall(const Ast &ast, llvm::function_ref<void(const CallExpr &)> visit);

/// Reports each cycle, in order; false when there is one.
bool checkRecursion(const Program &program, Diagnostics &diagnostics);

} // namespace weft::frontend
