//===- Link.cpp - objects into artefacts --------------------------------------------------------------------------===//
// Answers: which linker makes an artefact, and what else goes into it?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Link.h"
#include "compiler/targets/Program.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

namespace weft {
namespace {

using Arguments = std::vector<std::string>;

#ifdef WEFT_CRT_FIRST
constexpr bool canCallLinker = true;
#else
constexpr bool canCallLinker = false;
#define WEFT_CRT_FIRST ""
#define WEFT_CRT_PROGRAM ""
#define WEFT_CRT_BEGIN ""
#define WEFT_CRT_END ""
#define WEFT_CRT_LAST ""
#define WEFT_C_LIBRARIES ""
#define WEFT_COMPILER_LIBRARY ""
#endif

/// The runtime's archives lie beside the tool: bin/weft, lib/libweft_runtime.a.
llvm::Expected<std::string> archive(llvm::StringRef name) {
  static const char here = 0;
  llvm::SmallString<256> path(llvm::sys::fs::getMainExecutable(nullptr, const_cast<char *>(&here)));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "lib", name);
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  if (!llvm::sys::fs::exists(path))
    return llvm::createStringError("the runtime's archive " + path +
                                   " does not exist; it belongs to the folder lib beside the folder of this program");
  return path.str().str();
}

/// What is said to a linker in the same words whoever calls it.
Arguments linkerOptions(ArtefactKind kind, llvm::StringRef name) {
  if (kind == ArtefactKind::Object)
    return {};
  // The symbol table stays: it is small, and profiles name kernels by it. Addresses agree with places in the file to a
  // huge page: a page cache that has such then enters weights into the address space in a tenth of the time.
  Arguments options = {"--gc-sections",  "--as-needed", "--strip-debug", "--build-id=none", "--hash-style=gnu",
                       "--eh-frame-hdr", "-zrelro",     "-znow",         "-znoexecstack",   "-zmax-page-size=2097152"};
  if (kind == ArtefactKind::SharedLibrary)
    options.insert(options.end(), {"-zdefs", "-soname=" + name.str()});
  return options;
}

/// The objects and the runtime. A library holds all of it, for programs that use the library alone.
llvm::Expected<Arguments> inputs(ArtefactKind kind, llvm::ArrayRef<std::string> objects, llvm::StringRef prefix) {
  Arguments inputs(objects.begin(), objects.end());
  if (kind == ArtefactKind::Object)
    return inputs;
  auto runtime = archive("libweft_runtime.a");
  if (!runtime)
    return runtime.takeError();
  if (kind == ArtefactKind::SharedLibrary) {
    inputs.insert(inputs.end(),
                  {prefix.str() + "--whole-archive", *runtime, prefix.str() + "--no-whole-archive", "-lm"});
    return inputs;
  }
  auto program = archive("libweft_main.a");
  if (!program)
    return program.takeError();
  inputs.insert(inputs.end(), {*program, *runtime, "-lm"});
  return inputs;
}

Arguments modeOptions(ArtefactKind kind) {
  switch (kind) {
  case ArtefactKind::Object:
    return {"-r"};
  case ArtefactKind::SharedLibrary:
    return {"-shared"};
  case ArtefactKind::Executable:
    return {"-pie"};
  }
  llvm_unreachable("unknown kind");
}

void append(Arguments &all, const Arguments &more) { all.insert(all.end(), more.begin(), more.end()); }

Arguments compilerCommand(ArtefactKind kind, const Arguments &inputs, llvm::StringRef name) {
  Arguments command = modeOptions(kind);
  if (kind == ArtefactKind::Object)
    command.push_back("-nostdlib");
  for (const std::string &option : linkerOptions(kind, name))
    command.push_back("-Wl," + option);
  append(command, inputs);
  return command;
}

Arguments linkerCommand(ArtefactKind kind, const Arguments &inputs, llvm::StringRef name) {
  Arguments command = modeOptions(kind);
  append(command, linkerOptions(kind, name));
  if (kind == ArtefactKind::Object) {
    append(command, inputs);
    return command;
  }
  if (kind == ArtefactKind::Executable)
    append(command, {"--dynamic-linker=/lib64/ld-linux-x86-64.so.2", WEFT_CRT_PROGRAM});
  append(command, {WEFT_CRT_FIRST, WEFT_CRT_BEGIN, "-L", WEFT_C_LIBRARIES});
  append(command, inputs);
  append(command, {"-lc", WEFT_COMPILER_LIBRARY, WEFT_CRT_END, WEFT_CRT_LAST});
  return command;
}

} // namespace

llvm::Expected<Linker> findLinker(llvm::ArrayRef<llvm::StringRef> folders) {
  auto find = [&](llvm::StringRef name) {
    // Beside LLVM's own tools first: a linker of the same version.
    auto path = folders.empty() ? llvm::sys::findProgramByName(name, {WEFT_LLVM_BIN})
                                : llvm::sys::findProgramByName(name, folders);
    return path || !folders.empty() ? path : llvm::sys::findProgramByName(name);
  };
  if (canCallLinker)
    for (llvm::StringRef name : {"ld.lld-22", "ld.lld"})
      if (auto path = find(name))
        return Linker{*path, false};
  for (llvm::StringRef name : {"clang-22", "clang", "cc", "gcc"})
    if (auto path = find(name))
      return Linker{*path, true};
  return llvm::createStringError("no linker was found: install lld-22, or a C compiler that is called cc");
}

llvm::Error link(const Linker &linker, ArtefactKind kind, llvm::ArrayRef<std::string> objects, llvm::StringRef output,
                 llvm::StringRef name) {
  auto all = inputs(kind, objects, linker.isCompiler ? "-Wl," : "");
  if (!all)
    return all.takeError();
  // lld makes a temporary of its own for a file that it is to name, and leaves it when it is ended at the wrong moment;
  // what it writes to its standard output goes to our temporary.
  Arguments command = {linker.path, "-o", linker.isCompiler ? output.str() : "-"};
  append(command, linker.isCompiler ? compilerCommand(kind, *all, name) : linkerCommand(kind, *all, name));
  return runProgram(command, linker.isCompiler ? "" : output);
}

} // namespace weft
