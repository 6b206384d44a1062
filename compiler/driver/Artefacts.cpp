//===- Artefacts.cpp - compiled models, opened ------------------------------------------------------------------===//
#include "compiler/driver/Artefacts.h"
#include "compiler/driver/Session.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace weft::driver {

TemporaryFolder::TemporaryFolder() {
  if (llvm::sys::fs::createUniqueDirectory("weft", path))
    path.clear();
}

TemporaryFolder::~TemporaryFolder() {
  if (!path.empty())
    llvm::sys::fs::remove_directories(path);
}

std::string TemporaryFolder::file(llvm::StringRef name) const {
  llvm::SmallString<64> whole(path);
  llvm::sys::path::append(whole, name);
  return whole.str().str();
}

InputKind kindOf(llvm::StringRef file) {
  llvm::file_magic magic;
  if (llvm::identify_magic(file, magic))
    return InputKind::Model; // reading it says what is wrong
  if (magic == llvm::file_magic::elf_executable)
    return InputKind::Executable;
  // A position-independent executable is an ELF "shared object" too; the name tells them apart.
  if (magic == llvm::file_magic::elf_shared_object)
    return file.ends_with(".so") ? InputKind::Library : InputKind::Executable;
  return InputKind::Model;
}

int report(const weft_error &error) {
  llvm::errs() << "weft: error: " << error.message << "\n";
  switch (error.status) {
  case WEFT_MISUSE:
    return Usage;
  case WEFT_NO_CPU:
  case WEFT_NO_MEMORY:
  case WEFT_SYSTEM:
    return Machine;
  default:
    return BadInput;
  }
}

int openLibrary(llvm::StringRef file, int level, weft_module *&module) {
  weft_load_options options = {};
  options.cpu_level = level;
  weft_error error = {};
  if (weft_module_load(file.str().c_str(), &options, &module, &error) != WEFT_OK)
    return report(error);
  return Done;
}

} // namespace weft::driver
