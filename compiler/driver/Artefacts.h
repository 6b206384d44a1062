//===- Artefacts.h - compiled models, opened --------------------------------------------------------------*- C++ -*-===//
// Answers: how do `run` and `verify` get at code, compiled a moment ago or before?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/driver/Commands.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "weft/runtime.h"

namespace weft::driver {

/// A folder for a compiled model that goes with the object.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  explicit operator bool() const { return !path.empty(); }
  std::string file(llvm::StringRef name) const;

private:
  llvm::SmallString<64> path;
};

enum class InputKind { Model, Library, Executable };
/// What a file is, by its first bytes: an ELF library, an ELF executable, else a model's text.
InputKind kindOf(llvm::StringRef file);

/// Opens a shared library through the runtime; `level` 3 or 4 bounds the code that is chosen, 0 does not.
int openLibrary(llvm::StringRef file, int level, weft_module *&module);

/// The exit code for a status of the runtime, after reporting it.
int report(const weft_error &error);

} // namespace weft::driver
