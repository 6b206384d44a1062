//===- weft.cpp - the user's tool: its command line -------------------------------------------------------------===//
// Answers: what may be typed? What it means is one file per subcommand (Commands.h).
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Commands.h"
#include "compiler/pipelines/Pipelines.h"
#include "llvm/ADT/StringExtras.h"
#include <CLI/CLI.hpp>

using namespace weft;
using namespace weft::driver;

namespace {

std::string phaseNames() {
  std::string names;
  for (Phase phase : allPhases())
    names += (names.empty() ? "" : ", ") + name(phase).str();
  return names;
}

void addModel(CLI::App *app, ModelOptions &options, const char *what = "the model, a .weft file") {
  app->add_option("FILE", options.file, what)->required();
  app->add_option("-w,--weights", options.weights, "checkpoint, a .safetensors file");
  app->add_option("--axis", options.axes, "fix the size of an axis: seq=128")->type_name("AXIS=SIZE")->allow_extra_args(false);
  app->add_flag("--strict", options.strict, "refuse a checkpoint with weights that the model does not use");
}

void addCpus(CLI::App *app, std::vector<std::string> &cpus) {
  app->add_option("--cpu", cpus, "native, x86-64-v3 (AVX2) or x86-64-v4 (AVX-512); several: one artefact chooses when it starts")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void addCompile(CLI::App *app, CompileOptions &options) {
  addCpus(app, options.cpus);
  app->add_option_function<std::string>("--target", [](const std::string &target) {
       if (target != "cpu")
         throw CLI::ValidationError("--target", "'" + target + "' is not supported yet; there is cpu");
     }, "cpu");
  app->add_option_function<std::string>("--type", [](const std::string &type) {
       if (type != "f32")
         throw CLI::ValidationError("--type", "'" + type + "' is not supported yet; there is f32");
     }, "storage type of weights and activations: f32");
  app->add_option("-O", options.optimization, "LLVM's optimization level")->check(CLI::Range(0, 3));
  app->add_flag("-q,--quiet", options.quiet, "no progress");
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"weft compiles transformer blocks ahead of time\n\n"
               "Exit codes: 0 done, 1 the input is at fault, 2 usage, 3 the machine is."};
  app.require_subcommand(1);
  app.set_version_flag("--version", "weft " WEFT_VERSION);
  int code = Done;

  CompileOptions compileOptions;
  CLI::App *compileApp = app.add_subcommand("compile", "compile a model into an executable, a library or an object");
  addModel(compileApp, compileOptions.model);
  addCompile(compileApp, compileOptions);
  compileApp->add_option("-o", compileOptions.output, "OUT.o, OUT.so (with OUT.h) or an executable");
  compileApp->add_option("--emit", compileOptions.emit, "print the IR of a phase instead: " + phaseNames());
  compileApp->add_option("--from", compileOptions.model.from, "FILE is .mlir in this phase");
  compileApp->add_option("--dump-phases", compileOptions.dumpDirectory, "write the IR of every phase into this folder");
  compileApp->add_option("--weights-out", compileOptions.weightsOut, "put the weights beside the artefact, in this file");
  compileApp->callback([&] { code = compile(compileOptions); });

  RunOptions runOptions;
  CLI::App *runApp = app.add_subcommand("run", "run a model on inputs: weft run FILE name=input.npy -o out.npy");
  addModel(runApp, runOptions.compile.model, "a .weft file, or an artefact");
  addCompile(runApp, runOptions.compile);
  runApp->add_option("ARGUMENTS", runOptions.arguments,
                     "name=input.npy, then options of the artefact after '--': -o, --time, --threads, --step, --help");
  runApp->callback([&] { code = run(runOptions); });

  RunOptions generateOptions;
  std::string prompt, tokenizer = "bytes";
  int64_t length = 256;
  CLI::App *generateApp = app.add_subcommand("generate", "continue a text with a byte-level model");
  addModel(generateApp, generateOptions.compile.model, "a .weft file, or an artefact");
  addCompile(generateApp, generateOptions.compile);
  generateApp->add_option("-p,--prompt", prompt, "the text to continue")->required();
  generateApp->add_option("-n,--length", length, "bytes to generate")->check(CLI::PositiveNumber);
  generateApp->add_option("--tokenizer", tokenizer, "bytes: one token per byte")->check(CLI::IsMember({"bytes"}));
  generateApp->add_option("ARGUMENTS", generateOptions.arguments, "options of the artefact after '--': --time, --threads");
  generateApp->callback([&] {
    std::vector<std::string> given = {"--generate", "--prompt", prompt, "--length", std::to_string(length)};
    generateOptions.arguments.insert(generateOptions.arguments.begin(), given.begin(), given.end());
    code = run(generateOptions);
  });

  InspectOptions inspectOptions;
  CLI::App *inspectApp = app.add_subcommand("inspect", "look at what the compiler makes of a model");
  addModel(inspectApp, inspectOptions.model);
  inspectApp->add_option("--cpu", inspectOptions.cpu, "native, x86-64-v3 or x86-64-v4");
  inspectApp->add_option("--phase,--emit", inspectOptions.phase, "print the IR of a phase: " + phaseNames());
  inspectApp->add_option("--dump-phases", inspectOptions.dumpDirectory, "write the IR of every phase into this folder");
  inspectApp->add_flag("--roofline", inspectOptions.roofline, "operations, bytes and intensity of each kernel");
  inspectApp->add_option("--past", inspectOptions.past, "positions in the cache, for the roofline of a step");
  inspectApp->callback([&] { code = inspect(inspectOptions); });

  VerifyOptions verifyOptions;
  CLI::App *verifyApp = app.add_subcommand("verify", "compare the phases and the code with the float64 reference");
  addModel(verifyApp, verifyOptions.model);
  addCpus(verifyApp, verifyOptions.cpus);
  verifyApp->add_option("INPUTS", verifyOptions.inputs, "name=input.npy; inputs that are not given are random");
  verifyApp->add_option("--size", verifyOptions.sizes, "run-time size of an axis in random inputs: seq=129")
      ->type_name("AXIS=SIZE")
      ->allow_extra_args(false);
  verifyApp->add_option("--seed", verifyOptions.seed, "of the random inputs");
  verifyApp->add_flag("-q,--quiet", verifyOptions.quiet, "print divergences only");
  verifyApp->callback([&] { code = verify(verifyOptions); });

  ModelOptions checkOptions;
  CLI::App *checkApp = app.add_subcommand("check", "parse and check a model");
  addModel(checkApp, checkOptions);
  checkApp->callback([&] { code = check(checkOptions); });

  InitOptions initOptions;
  CLI::App *initApp = app.add_subcommand("init", "write a checkpoint of random weights for a model");
  addModel(initApp, initOptions.model);
  initApp->add_option("-o", initOptions.output, "OUT.safetensors")->required();
  initApp->add_option("--seed", initOptions.seed, "of the random numbers");
  initApp->callback([&] { code = init(initOptions); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    int status = app.exit(error); // prints help or the message
    return status == 0 ? Done : Usage;
  }
  return code;
}
