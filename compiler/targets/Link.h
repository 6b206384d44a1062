//===- Link.h - objects into artefacts ------------------------------------------------------------------*- C++ -*-===//
// Answers: which linker makes an artefact, and what else goes into it?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/targets/Targets.h"

namespace weft {

struct Linker {
  std::string path;
  bool isCompiler = false; ///< a C compiler that calls its linker
};

/// lld, else a C compiler, from the folders given (all of PATH where there are none).
llvm::Expected<Linker> findLinker(llvm::ArrayRef<llvm::StringRef> folders = {});

/// Links objects, and for libraries and programs the runtime, into `output`. `name` is what a library calls itself.
llvm::Error link(const Linker &linker, ArtefactKind kind, llvm::ArrayRef<std::string> objects, llvm::StringRef output,
                 llvm::StringRef name);

} // namespace weft
