//===- weft.cpp - the user's tool: its command line -------------------------------------------------------------===//
// Answers: what may be typed? What it means is one file per subcommand (Commands.h).
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Commands.h"
#include "compiler/inspect/Profile.h"
#include "compiler/pipelines/Pipelines.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <new>
#include <string_view>
#include <unistd.h>

using namespace weft;
using namespace weft::driver;

namespace {

/// The group of options that say how a model is compiled, in the help of commands that also take artefacts.
constexpr const char *compilation = "Compilation of models";

std::string phaseNames() {
  std::string names;
  for (Phase phase : allPhases())
    names += (names.empty() ? "" : ", ") + name(phase).str();
  return names;
}

void addModel(CLI::App *app, ModelOptions &options, const char *what = "the model, a .weft file") {
  app->add_option("FILE", options.file, what)->required()->type_name("");
  app->add_option("-w,--weights", options.weights, "checkpoint, a .safetensors file")
      ->type_name("FILE")
      ->group(compilation);
  app->add_option("--axis", options.axes, "fix the size of an axis: seq=128")
      ->type_name("AXIS=SIZE")
      ->allow_extra_args(false)
      ->group(compilation);
  app->add_flag("--strict", options.strict, "refuse a checkpoint with weights that the model does not use")
      ->group(compilation);
}

CLI::Option *addCpus(CLI::App *app, std::vector<std::string> &cpus) {
  return app
      ->add_option(
          "--cpu", cpus,
          "native, x86-64-v3 (AVX2), x86-64-v4 (AVX-512) or x86-64-v4-bf16 (with dot products of bf16 and int8); "
          "several: one artefact chooses when it starts")
      ->type_name("LEVEL")
      ->delimiter(',')
      ->allow_extra_args(false);
}

CLI::Option *addTargets(CLI::App *app, std::vector<std::string> &targets) {
  return app->add_option("--target", targets, "cpu or vulkan; both: one artefact runs on either, see its --device")
      ->type_name("TARGET")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(compilation);
}

void addProfiles(CLI::App *app, std::vector<std::string> &profiles) {
  app->add_option("--vulkan-profile", profiles,
                  "the kind of device that kernels for vulkan are made for: " + gpuProfileNames() +
                      "; several: the last one that a device can run is taken")
      ->type_name("PROFILE")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(compilation);
}

void addTypes(CLI::App *app, TypeOptions &options) {
  app->add_option("--type", options.weights,
                  "of weights in memory: f32, f16, bf16, int8 (a scale per output) or int4 (one for 32 inputs of it)")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "int8", "int4"}))
      ->type_name("TYPE")
      ->group(compilation);
  app->add_option("--activations", options.activations, "of the input of matmuls: f32, or int8 with --type int8")
      ->check(CLI::IsMember({"f32", "int8"}))
      ->type_name("TYPE")
      ->group(compilation);
}

void addCompile(CLI::App *app, CompileOptions &options) {
  addCpus(app, options.cpus)->group(compilation);
  addTargets(app, options.targets);
  addProfiles(app, options.profiles);
  addTypes(app, options.types);
  app->add_option("-O", options.optimization, "LLVM's optimization level, 0 to 3")
      ->check(CLI::Range(0, 3))
      ->type_name("LEVEL")
      ->group(compilation);
  app->add_flag("-q,--quiet", options.quiet, "no progress");
}

/// The first option that was given and that is about compiling; empty where none was.
std::string compilationOption(const CLI::App *app) {
  for (const CLI::Option *option : app->get_options())
    if (option->count() && option->get_group() == compilation)
      return option->get_name();
  return "";
}

/// The command also takes artefacts, and hands on to them what it does not know itself.
void addArtefact(CLI::App *app, RunOptions &options) {
  addModel(app, options.compile.model, "a .weft file, or an artefact: .so or executable");
  addCompile(app, options.compile);
  app->allow_extras();
}

/// Cuts off what follows '--': it is for the artefact, and CLI11 would see positionals of its own in it.
std::vector<std::string> cutRest(int &argc, char **argv) {
  char **dashes = std::find(argv, argv + argc, std::string_view("--"));
  std::vector<std::string> rest(dashes == argv + argc ? dashes : dashes + 1, argv + argc);
  argc = static_cast<int>(dashes - argv);
  return rest;
}

/// What is for the artefact, in the order in which it was typed.
void takeExtras(CLI::App *app, const std::vector<std::string> &rest, RunOptions &options) {
  for (const std::string &extra : app->remaining())
    options.arguments.push_back(extra);
  options.arguments.insert(options.arguments.end(), rest.begin(), rest.end());
  options.onlyForModels = compilationOption(app);
}

/// CLI11's messages, as ours look.
std::string usageMessage(const CLI::App *app, const CLI::Error &error) {
  std::string text = error.what();
  if (text.size() > 1 && !std::isupper(static_cast<unsigned char>(text[1]))) // 'FILE is required' stays
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  for (const CLI::App *command : app->get_subcommands())
    return "weft: error: " + text + "; see weft " + command->get_name() + " --help\n";
  return "weft: error: " + text + "; see weft --help\n";
}

/// What was printed has to have arrived. Results go to stdout by three ways: LLVM's, CLI11's and the runtime's.
int flushResults(int code) {
  llvm::outs().flush();
  bool failed = llvm::outs().has_error();
  llvm::outs().clear_error(); // else it ends the program when the stream does
  std::cout.flush();
  failed |= !std::cout.good();
  failed |= std::fflush(stdout) || std::ferror(stdout);
  if (!failed || code != Done)
    return code;
  llvm::errs() << "weft: error: standard output cannot be written\n";
  return Machine;
}

[[noreturn]] void outOfMemory() {
  static const char message[] = "weft: error: there is not enough memory\n";
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
  llvm::sys::RunInterruptHandlers(); // removes what is half written
  _exit(Machine);
}

/// A command in the background, or under nohup, is to go on ignoring what it was told to ignore. LLVM's handlers do not
/// look at that, but a blocked signal does not reach them.
void keepIgnoring() {
  sigset_t ignored;
  sigemptyset(&ignored);
  for (int signal : {SIGHUP, SIGINT, SIGTERM}) {
    struct sigaction now;
    if (!sigaction(signal, nullptr, &now) && now.sa_handler == SIG_IGN)
      sigaddset(&ignored, signal);
  }
  sigprocmask(SIG_BLOCK, &ignored, nullptr);
}

} // namespace

int main(int argc, char **argv) {
  std::set_new_handler(outOfMemory);
  keepIgnoring();
  CLI::App app{"weft compiles transformer blocks ahead of time\n\n"
               "Exit codes: 0 done, 1 the input is at fault, 2 usage, 3 the machine is."};
  app.require_subcommand(1);
  app.failure_message(usageMessage);
  const bool handsOn = argc > 1 && (argv[1] == std::string_view("run") || argv[1] == std::string_view("generate"));
  const std::vector<std::string> rest = handsOn ? cutRest(argc, argv) : std::vector<std::string>();
  app.set_version_flag("--version", "weft " WEFT_VERSION);
  int code = Done;

  CompileOptions compileOptions;
  CLI::App *compileApp = app.add_subcommand("compile", "compile a model into an executable, a library or an object");
  addModel(compileApp, compileOptions.model);
  addCompile(compileApp, compileOptions);
  compileApp->add_option("-o", compileOptions.output, "OUT.o, OUT.so (each with OUT.h) or an executable")
      ->type_name("OUT");
  compileApp->add_option("--emit", compileOptions.emit, "print the IR of a phase instead: " + phaseNames())
      ->type_name("PHASE");
  compileApp->add_option("--from", compileOptions.model.from, "FILE is .mlir in this phase")->type_name("PHASE");
  compileApp->add_option("--dump-phases", compileOptions.dumpDirectory, "write the IR of every phase into this folder")
      ->type_name("DIR");
  compileApp
      ->add_option("--weights-out", compileOptions.weightsOut, "put the weights beside the artefact, in this file")
      ->type_name("FILE");
  std::vector<ProfiledCall> profiled;
  bool profiles = false;
  compileApp->add_flag("--profile", profiles,
                       "code that counts the time of each kernel, for programs that know abi.h, such as weft bench");
  compileApp->callback([&] {
    compileOptions.profile = profiles ? &profiled : nullptr;
    code = compile(compileOptions);
  });

  RunOptions runOptions;
  CLI::App *runApp = app.add_subcommand("run", "run a model on inputs: weft run FILE name=input.npy ... -o out.npy");
  addArtefact(runApp, runOptions);
  runApp
      ->add_option("--plot", runOptions.plot,
                   "draw the attention weights of every layer and head: a page, or one picture")
      ->type_name("OUT.html|.svg");
  runApp->add_option("--plot-labels", runOptions.plotLabels, "a file with what to write at each position, line by line")
      ->type_name("FILE");
  runApp->footer("All else is for the artefact: name=input.npy, -o [NAME=]FILE, --time, --repeat N, --threads N,\n"
                 "--step[=N], --device D, --info, --verify-weights. After '--' nothing is for weft. With --plot, "
                 "--prompt TEXT is\n"
                 "the input of a model over bytes.");
  runApp->callback([&] {
    takeExtras(runApp, rest, runOptions);
    code = run(runOptions);
  });

  RunOptions generateOptions;
  std::string tokenizer;
  CLI::App *generateApp = app.add_subcommand("generate", "continue a text: weft generate FILE --prompt TEXT");
  addArtefact(generateApp, generateOptions);
  generateApp->add_option("--tokenizer", tokenizer, "bytes: one token per byte")->check(CLI::IsMember({"bytes"}));
  generateApp->footer(
      "All else is for the artefact: --prompt TEXT or --tokens 1,2,3, --length N, --temperature T, --seed N,\n"
      "--no-cache, --time, --threads N, --device D. After '--' nothing is for weft.");
  generateApp->callback([&] {
    generateOptions.arguments = {"--generate"};
    takeExtras(generateApp, rest, generateOptions);
    code = run(generateOptions);
  });

  InspectOptions inspectOptions;
  CLI::App *inspectApp = app.add_subcommand("inspect", "look at what the compiler makes of a model");
  addModel(inspectApp, inspectOptions.model);
  inspectApp->add_option("--target", inspectOptions.target, "cpu or vulkan")->type_name("TARGET")->group(compilation);
  inspectApp->add_option("--cpu", inspectOptions.cpu, "native, x86-64-v3, x86-64-v4 or x86-64-v4-bf16")
      ->type_name("LEVEL")
      ->group(compilation);
  inspectApp
      ->add_option("--vulkan-profile", inspectOptions.profile, "the kind of device for vulkan: " + gpuProfileNames())
      ->type_name("PROFILE")
      ->group(compilation);
  addTypes(inspectApp, inspectOptions.types);
  inspectApp->add_option("--phase,--emit", inspectOptions.phase, "print the IR of a phase: " + phaseNames())
      ->type_name("PHASE");
  inspectApp->add_option("--dump-phases", inspectOptions.dumpDirectory, "write the IR of every phase into this folder")
      ->type_name("DIR");
  inspectApp->add_flag("--remarks", inspectOptions.remarks,
                       "say on stderr which equations were found to be attention, and why not");
  inspectApp->add_flag("--roofline", inspectOptions.roofline,
                       "operations, bytes, tile and the time at the machine's limit, of each kernel");
  inspectApp->add_flag("--dispatches", inspectOptions.dispatches,
                       "with --target vulkan: how many dispatches a call is, and each of its equal blocks");
  inspectApp->add_option("--past", inspectOptions.past, "positions in the cache, for the roofline of a step")
      ->check(CLI::NonNegativeNumber);
  inspectApp->add_flag("--mask", inspectOptions.mask, "draw what each attention skips, tests, and computes untested");
  inspectApp->add_option("--mask-svg", inspectOptions.maskSvg, "draw it into this file")->type_name("OUT.svg");
  inspectApp
      ->add_option("INPUTS", inspectOptions.inputs,
                   "name=input.npy, for masks that read inputs; what is not given is decided when running")
      ->type_name("");
  inspectApp->callback([&] { code = inspect(inspectOptions); });

  BenchOptions benchOptions;
  CLI::App *benchApp = app.add_subcommand("bench", "measure how long calls of a model take, on random inputs");
  addModel(benchApp, benchOptions.compile.model, "a .weft file, or a compiled library: .so");
  addCompile(benchApp, benchOptions.compile);
  benchApp->add_option("--size", benchOptions.sizes, "run-time size of an axis: seq=512; else 1 batch, 128 of others")
      ->type_name("AXIS=SIZE")
      ->allow_extra_args(false);
  benchApp
      ->add_option("--past", benchOptions.past,
                   "positions in the cache before a step; else 128, or less where less fit")
      ->check(CLI::NonNegativeNumber);
  benchApp->add_option("--device", benchOptions.device, "cpu, vulkan or vulkan:N, see weft devices")
      ->type_name("DEVICE");
  benchApp->add_option("--threads", benchOptions.threads, "by default as many as there are CPUs")
      ->check(CLI::Range(1, 1024));
  benchApp->add_option("--repeat", benchOptions.repeat, "calls to measure; by default for a second, 5 at least")
      ->check(CLI::PositiveNumber);
  benchApp->add_flag(
      "--profile", benchOptions.profile,
      "also each kernel: operations, bytes, the time that the machine's limit allows, and the time spent");
  benchApp->callback([&] {
    benchOptions.onlyForModels = compilationOption(benchApp);
    code = bench(benchOptions);
  });

  VerifyOptions verifyOptions;
  CLI::App *verifyApp = app.add_subcommand("verify", "compare the phases and the code with the float64 reference");
  addModel(verifyApp, verifyOptions.model);
  addTargets(verifyApp, verifyOptions.targets);
  addProfiles(verifyApp, verifyOptions.profiles);
  addCpus(verifyApp, verifyOptions.cpus)->group(compilation);
  addTypes(verifyApp, verifyOptions.types);
  verifyApp
      ->add_option("--device", verifyOptions.device, "that code for vulkan runs on: vulkan, vulkan:1; see weft devices")
      ->type_name("DEVICE");
  verifyApp->add_option("INPUTS", verifyOptions.inputs, "name=input.npy; inputs that are not given are random")
      ->type_name("");
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
  initApp->add_option("-o", initOptions.output, "the checkpoint to write")->required()->type_name("OUT.safetensors");
  initApp->add_option("--seed", initOptions.seed, "of the random numbers");
  initApp->callback([&] { code = init(initOptions); });

  app.add_subcommand("devices", "list what models can run on here")->callback([&] { code = devices(); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    code = app.exit(error) == 0 ? Done : Usage; // prints help, or the message
  }
  return flushResults(code);
}
