//===- Header.h - the C header of a compiled model ------------------------------------------------------*- C++ -*-===//
// Answers: what does the page say that a C program includes to use a compiled model?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/targets/ModelInterface.h"

namespace weft {

/// `library` is the file name of the artefact, `devices` what it runs on, in words.
std::string cHeader(const ModelInterface &model, llvm::StringRef library, llvm::StringRef devices);

} // namespace weft
