//===- Run.cpp - weft run, weft generate ------------------------------------------------------------------------===//
// Answers: how does a model run without being compiled first? It is compiled into a library for the moment, and takes the
// arguments that an executable would take.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Artefacts.h"
#include "compiler/driver/Session.h"
#include <cerrno>
#include <cstring>
#include <unistd.h>

extern "C" {
#include "main/arguments.h"
#include "main/commands.h"
#include "main/interrupt.h"
}

namespace weft::driver {

static int runLibrary(llvm::StringRef library, std::vector<char *> &arguments) {
  ::arguments asked;
  if (int code = parse_arguments(static_cast<int>(arguments.size()) - 1, arguments.data(), &asked))
    return code;
  int code = Done;
  if (asked.mode == MODE_HELP) {
    print_help(arguments[0]);
  } else {
    weft_module *module = nullptr;
    code = openLibrary(library, asked.cpu_level, module);
    weft_error error = {};
    if (code == Done &&
        (asked.mode == MODE_GENERATE ? command_generate : command_run)(module, &asked, &error) != WEFT_OK)
      code = report(error);
    weft_module_destroy(module);
  }
  free_arguments(&asked);
  return code;
}

int run(const RunOptions &options) {
  const std::string &file = options.compile.model.file;
  std::vector<char *> arguments = {const_cast<char *>(file.c_str())};
  for (const std::string &argument : options.arguments)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);

  switch (kindOf(file)) {
  case InputKind::Executable:
    execv(file.c_str(), arguments.data());
    return fail(Machine, "cannot run '" + file + "': " + std::strerror(errno));
  case InputKind::Library:
    handle_interrupts();
    return runLibrary(file, arguments);
  case InputKind::Model:
    break;
  }
  TemporaryFolder folder;
  if (!folder)
    return fail(Machine, "cannot make a temporary folder");
  CompileOptions compileOptions = options.compile;
  compileOptions.output = folder.file("model.so");
  if (int code = compile(compileOptions))
    return code;
  handle_interrupts();
  return runLibrary(compileOptions.output, arguments);
}

} // namespace weft::driver
