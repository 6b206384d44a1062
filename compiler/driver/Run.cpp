//===- Run.cpp - weft run, weft generate ------------------------------------------------------------------------===//
// Answers: how does a model run without being compiled first? It is compiled into a library for the moment, and takes
// the arguments that an executable would take.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Artefacts.h"
#include "compiler/driver/Session.h"
#include "llvm/ADT/ScopeExit.h"
#include <cerrno>
#include <cstring>
#include <optional>
#include <unistd.h>

extern "C" {
#include "core/module.h"
#include "main/arguments.h"
#include "main/commands.h"
#include "main/interrupt.h"
}

namespace weft::driver {

/// Does with an open library what an executable's main does (runtime/main/main.c). `temporary` holds the library where
/// it was made for the moment; nobody misses it once it is mapped.
static int runLibrary(llvm::StringRef library, const ::arguments &asked, TemporaryFolder *temporary) {
  // What goes in and comes out can be told on machines that cannot run it.
  weft_load_options options = {};
  options.device = asked.mode == MODE_INFO ? "null" : nullptr;
  options.cpu_level = asked.cpu_level;
  options.verify_weights = asked.verify_weights;
  weft_module *module = nullptr;
  if (int code = openLibrary(library, options, module))
    return code;
  llvm::scope_exit close([&] { weft_module_destroy(module); });
  if (temporary)
    temporary->remove();
  handle_interrupts();
  weft_error error = {};
  weft_status status = asked.mode == MODE_INFO       ? command_info(module->abi, &asked, &error)
                       : asked.mode == MODE_GENERATE ? command_generate(module, &asked, &error)
                                                     : command_run(module, &asked, &error);
  return status == WEFT_OK ? Done : report(error);
}

static int compileAndRun(const CompileOptions &options, const ::arguments &asked) {
  TemporaryFolder folder;
  if (!folder)
    return fail(Machine, "cannot make a folder for temporary files: " + llvm::Twine(std::strerror(errno)));
  CompileOptions toLibrary = options;
  toLibrary.output = folder.file("model.so");
  if (int code = compile(toLibrary))
    return code;
  return runLibrary(toLibrary.output, asked, &folder);
}

int run(const RunOptions &options) {
  const std::string &file = options.compile.model.file;
  InputKind kind = kindOf(file);
  if (kind == InputKind::Object)
    return fail(Usage,
                "'" + file + "' is an object; link it to a program, or compile the model into a .so or an executable");
  if (kind != InputKind::Model && !options.onlyForModels.empty())
    return fail(Usage, options.onlyForModels + " is for models, but '" + file + "' is compiled already");

  std::vector<char *> arguments = {const_cast<char *>(file.c_str())};
  for (const std::string &argument : options.arguments)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  if (kind == InputKind::Executable) {
    execv(file.c_str(), arguments.data());
    return fail(Machine, "cannot run '" + file + "': " + std::strerror(errno));
  }

  // Before compiling, which may take long.
  ::arguments asked;
  int code = parse_arguments(static_cast<int>(arguments.size()) - 1, arguments.data(), &asked);
  llvm::scope_exit release([&] { free_arguments(&asked); });
  if (code)
    return code;
  if (asked.mode == MODE_HELP) {
    std::string program = "weft run " + file;
    print_help(program.c_str());
    return Done;
  }
  return kind == InputKind::Library ? runLibrary(file, asked, nullptr) : compileAndRun(options.compile, asked);
}

} // namespace weft::driver
