//===- Run.cpp - weft run, weft generate ------------------------------------------------------------------------===//
// Answers: how does a model run without being compiled first? It is compiled into a library for the moment, and takes
// the arguments that an executable would take.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Plot.h"
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

/// Arguments as a program gets them.
class Arguments {
public:
  Arguments(const std::string &program, llvm::ArrayRef<std::string> texts) : texts(texts) {
    pointers.push_back(const_cast<char *>(program.c_str()));
    for (const std::string &text : this->texts)
      pointers.push_back(const_cast<char *>(text.c_str()));
    pointers.push_back(nullptr);
  }
  ~Arguments() {
    if (parsed)
      free_arguments(&asked);
  }
  int parse() {
    parsed = true;
    return parse_arguments(static_cast<int>(pointers.size()) - 1, pointers.data(), &asked);
  }
  char **get() { return pointers.data(); }
  ::arguments asked;

private:
  std::vector<std::string> texts;
  std::vector<char *> pointers;
  bool parsed = false;
};

static int openFor(const ::arguments &asked, llvm::StringRef library, weft_module *&module) {
  // What goes in and comes out can be told on machines that cannot run it.
  weft_load_options options = {};
  options.device = asked.mode == MODE_INFO ? "null" : asked.device;
  options.cpu_level = asked.cpu_level;
  options.verify_weights = asked.verify_weights;
  return openLibrary(library, options, module);
}

/// Does with an open library what an executable's main does (runtime/main/main.c).
static int runModule(weft_module *module, const ::arguments &asked) {
  handle_interrupts();
  weft_error error = {};
  weft_status status = asked.mode == MODE_INFO       ? command_info(module->abi, &asked, &error)
                       : asked.mode == MODE_GENERATE ? command_generate(module, &asked, &error)
                                                     : command_run(module, &asked, &error);
  return status == WEFT_OK ? Done : report(error);
}

/// `temporary` holds the library where it was made for the moment; nobody misses it once it is mapped.
static int runLibrary(llvm::StringRef library, const ::arguments &asked, TemporaryFolder *temporary) {
  weft_module *module = nullptr;
  if (int code = openFor(asked, library, module))
    return code;
  llvm::scope_exit close([&] { weft_module_destroy(module); });
  if (temporary)
    temporary->remove();
  return runModule(module, asked);
}

static int makeLibrary(CompileOptions options, const TemporaryFolder &folder, std::string &library) {
  if (!folder)
    return fail(Machine, "cannot make a folder for temporary files: " + llvm::Twine(std::strerror(errno)));
  library = options.output = folder.file("model.so");
  return compile(options);
}

/// Code for the device that is asked for, where no target is.
static CompileOptions forDevice(CompileOptions options, const ::arguments &asked) {
  options.targets = targetsFor(options.targets, asked.device ? asked.device : "");
  return options;
}

static int compileAndRun(const CompileOptions &options, const ::arguments &asked) {
  TemporaryFolder folder;
  std::string library;
  if (int code = makeLibrary(forDevice(options, asked), folder, library))
    return code;
  return runLibrary(library, asked, &folder);
}

static int runAndPlot(const RunOptions &options, std::vector<std::string> arguments) {
  TemporaryFolder folder;
  AttentionPlot plot(options, folder);
  if (int code = plot.takePrompt(arguments))
    return code;
  Arguments given(options.compile.model.file, arguments);
  if (int code = given.parse()) // before compiling, which may take long
    return code;
  if (given.asked.mode != MODE_RUN)
    return fail(Usage, "--plot draws what whole sequences give; leave --step, --generate and --info away");
  CompileOptions toLibrary = forDevice(options.compile, given.asked);
  toLibrary.model.attentionWeights = true;
  std::string library;
  if (int code = makeLibrary(toLibrary, folder, library))
    return code;
  weft_module *module = nullptr;
  if (int code = openFor(given.asked, library, module))
    return code;
  llvm::scope_exit close([&] { weft_module_destroy(module); });
  if (int code = plot.complete(module, arguments))
    return code;
  Arguments completed(options.compile.model.file, arguments);
  if (int code = completed.parse())
    return code;
  if (int code = runModule(module, completed.asked))
    return code;
  return plot.draw();
}

int run(const RunOptions &options) {
  const std::string &file = options.compile.model.file;
  InputKind kind = kindOf(file);
  if (kind == InputKind::Object)
    return fail(Usage,
                "'" + file + "' is an object; link it to a program, or compile the model into a .so or an executable");
  if (kind != InputKind::Model && !options.onlyForModels.empty())
    return fail(Usage, options.onlyForModels + " is for models, but '" + file + "' is compiled already");
  if (kind != InputKind::Model && !options.plot.empty())
    return fail(Usage, "--plot needs the model, but '" + file +
                           "' is compiled already, and what it does not give cannot be drawn");
  if (options.plot.empty() && !options.plotLabels.empty())
    return fail(Usage, "--plot-labels goes with --plot");
  if (!options.plot.empty())
    return runAndPlot(options, options.arguments);

  Arguments arguments(file, options.arguments);
  if (kind == InputKind::Executable) {
    execv(file.c_str(), arguments.get());
    return fail(Machine, "cannot run '" + file + "': " + std::strerror(errno));
  }
  if (int code = arguments.parse()) // before compiling, which may take long
    return code;
  if (arguments.asked.mode == MODE_HELP) {
    std::string program = "weft run " + file;
    print_help(program.c_str());
    return Done;
  }
  return kind == InputKind::Library ? runLibrary(file, arguments.asked, nullptr)
                                    : compileAndRun(options.compile, arguments.asked);
}

} // namespace weft::driver
