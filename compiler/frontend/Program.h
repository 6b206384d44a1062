//===- Program.h - the declarations of a file and of the prelude ----------------------------------------*- C++ -*-===//
// Answers: which axes, blocks and formulas are there, what are the axes' sizes, and is nothing declared by itself?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Diagnostics.h"
#include "compiler/frontend/Graph.h"
#include "llvm/ADT/MapVector.h"

namespace weft::frontend {

struct Program {
  Ast file, prelude;
  std::deque<Axis> axes; ///< in the order of declaration
  llvm::StringMap<const Axis *> axisNames;
  llvm::StringMap<const BlockDecl *> blocks;
  llvm::StringMap<const FormulaDecl *> formulas;
  const BlockDecl *model = nullptr;
};

/// The text of std.weft, which is part of the compiler.
llvm::StringRef preludeText();

/// Names that may not be declared: built-in calls, functions and reductions.
bool isBuiltin(llvm::StringRef name);
/// Every name that can be called, for suggestions.
std::vector<llvm::StringRef> callableNames(const Program &program);

/// Fills the tables from the two trees. `sizes` are those of the command line. False where going on makes no sense
/// (recursion among declarations); other errors leave a usable program.
bool resolveDeclarations(Program &program, const llvm::StringMap<int64_t> &sizes, Diagnostics &diagnostics);

} // namespace weft::frontend
