//===- Artefacts.cpp - compiled models, opened ------------------------------------------------------------------===//
#include "compiler/driver/Artefacts.h"
#include "compiler/driver/Session.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include <climits>
#include <csignal>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

namespace weft::driver {

/// The folder that a signal has to remove; empty for none. LLVM's handlers remove the files in it, but no folders.
static char interruptedFolder[PATH_MAX];

static void removeFolderAndEnd(int signal) {
  llvm::sys::RunInterruptHandlers();
  rmdir(interruptedFolder);
  raise(signal); // the default, by SA_RESETHAND
}

TemporaryFolder::TemporaryFolder() {
  if (llvm::sys::fs::createUniqueDirectory("weft", path) || path.size() >= sizeof interruptedFolder) {
    path.clear();
    return;
  }
  std::memcpy(interruptedFolder, path.c_str(), path.size() + 1);
  struct sigaction action = {};
  action.sa_handler = removeFolderAndEnd;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (int number : {SIGINT, SIGTERM}) {
    struct sigaction before;
    // A program begun in the background is to go on ignoring what it was told to ignore.
    if (!sigaction(number, nullptr, &before) && before.sa_handler != SIG_IGN)
      sigaction(number, &action, nullptr);
  }
}

void TemporaryFolder::remove() {
  if (path.empty())
    return;
  llvm::sys::fs::remove_directories(path);
  interruptedFolder[0] = 0;
  path.clear();
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
  switch (magic) {
  case llvm::file_magic::elf_relocatable:
    return InputKind::Object;
  case llvm::file_magic::elf_executable:
    return InputKind::Executable;
  case llvm::file_magic::elf_shared_object:
    // A position-independent executable is one too; the name tells them apart.
    return llvm::sys::path::filename(file).contains(".so") ? InputKind::Library : InputKind::Executable;
  default:
    return InputKind::Model;
  }
}

int report(const weft_error &error) {
  llvm::errs() << "weft: error: " << error.message << "\n";
  switch (error.status) {
  case WEFT_MISUSE:
    return Usage;
  case WEFT_NO_CPU:
  case WEFT_NO_MEMORY:
  case WEFT_SYSTEM:
  case WEFT_NO_DEVICE:
  case WEFT_DEVICE_LOST:
    return Machine;
  default:
    return BadInput;
  }
}

int openLibrary(llvm::StringRef file, const weft_load_options &options, weft_module *&module) {
  weft_error error = {};
  if (weft_module_load(file.str().c_str(), &options, &module, &error) != WEFT_OK)
    return report(error);
  return Done;
}

uint64_t *ticksOf(const std::string &library) {
  void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (!handle)
    return nullptr;
  llvm::scope_exit close([&] { dlclose(handle); });
  return static_cast<uint64_t *>(dlsym(handle, contract::ticks.data()));
}

} // namespace weft::driver
