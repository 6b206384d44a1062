//===- Program.h - running another program --------------------------------------------------------------*- C++ -*-===//
// Answers: how is a program run such that its complaints become our error and it never outlives us?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace weft {

/// Runs arguments[0], a path, and waits. The error holds the first lines of what it printed. It is ended when this
/// process ends, by whatever signal. Its standard output goes to the file `output` where one is named.
llvm::Error runProgram(llvm::ArrayRef<std::string> arguments, llvm::StringRef output = "");

} // namespace weft
