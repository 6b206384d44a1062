//===- Artefacts.h - compiled models, opened ------------------------------------------------------------*- C++ -*-===//
// Answers: how do `run` and `verify` get at code, compiled a moment ago or before?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/driver/Commands.h"
#include "weft/runtime.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"

namespace weft::driver {

/// A folder for a compiled model that goes with the object, and at SIGINT and SIGTERM. There is one at a time.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder() { remove(); }
  explicit operator bool() const { return !path.empty(); }
  std::string file(llvm::StringRef name) const;
  /// What is mapped from its files stays.
  void remove();

private:
  llvm::SmallString<64> path;
};

enum class InputKind { Model, Object, Library, Executable };
/// What a file is, by its first bytes: ELF of one kind or another, else a model's text.
InputKind kindOf(llvm::StringRef file);

/// Opens a shared library through the runtime.
int openLibrary(llvm::StringRef file, const weft_load_options &options, weft_module *&module);
/// Where a library that is open counts the time of its kernels; null where it does not.
uint64_t *ticksOf(const std::string &library);

/// The exit code for a status of the runtime, after reporting it.
int report(const weft_error &error);

} // namespace weft::driver
