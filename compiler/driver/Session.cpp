//===- Session.cpp - a model being compiled ---------------------------------------------------------------------===//
#include "compiler/driver/Session.h"
#include "compiler/frontend/Frontend.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include <unistd.h>

using namespace mlir;

namespace weft::driver {

int fail(ExitCode code, const llvm::Twine &message) {
  llvm::errs() << "weft: error: " << message << "\n";
  return code;
}

int report(llvm::Error error) {
  ExitCode code = BadInput;
  std::string text;
  llvm::handleAllErrors(std::move(error), [&](const llvm::ErrorInfoBase &info) {
    std::error_code number = info.convertToErrorCode();
    if (number == std::errc::no_space_on_device || number == std::errc::not_enough_memory)
      code = Machine;
    text += (text.empty() ? "" : "\n") + info.message();
  });
  return fail(code, text);
}

int findPhase(llvm::StringRef wanted, Phase &phase, std::optional<Target> target) {
  if (std::optional<Phase> found = phaseNamed(wanted)) {
    phase = *found;
    if (!target || isPhaseOf(phase, *target))
      return Done;
    StringRef other = name(*target == Target::Cpu ? Target::Vulkan : Target::Cpu);
    return fail(Usage, "'" + wanted + "' is a phase of code for " + other + "; add --target " + other);
  }
  std::string names;
  for (Phase known : allPhases())
    names += (names.empty() ? "" : ", ") + name(known).str();
  return fail(Usage, "there is no phase '" + wanted + "'; there are " + names);
}

std::vector<std::string> targetsFor(llvm::ArrayRef<std::string> targets, llvm::StringRef device) {
  if (targets.empty() && !device.empty())
    return {device.split(':').first.str()};
  return targets.vec();
}

//===-- progress ------------------------------------------------------------------------------------------------===//

Progress::Progress(bool enabled)
    : enabled(enabled && llvm::sys::Process::StandardErrIsDisplayed()), start(std::chrono::steady_clock::now()),
      last(start) {}

Progress::~Progress() {
  if (shown)
    llvm::errs() << "\r\033[K";
}

void Progress::step(llvm::StringRef what, uint64_t done, uint64_t total) {
  using namespace std::chrono_literals;
  auto now = std::chrono::steady_clock::now();
  if (!enabled || now - start < 500ms || (shown && now - last < 50ms))
    return;
  shown = true;
  last = now;
  llvm::errs() << "\r\033[K" << what;
  if (total)
    llvm::errs() << " " << done * 100 / total << " %";
  llvm::errs().flush();
}

//===-- session -------------------------------------------------------------------------------------------------===//

static DialectRegistry registry() {
  DialectRegistry all;
  registerWeft(all);
  return all;
}

/// The place in a file that a location leads to, through names and fusions.
static FileLineColLoc placeOf(Location location) {
  FileLineColLoc place;
  location->walk([&](Location nested) {
    place = dyn_cast<FileLineColLoc>(nested);
    return place ? WalkResult::interrupt() : WalkResult::advance();
  });
  return place;
}

static std::string textOf(Diagnostic &diagnostic, llvm::StringRef severity) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (FileLineColLoc place = placeOf(diagnostic.getLocation()))
    stream << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn() << ": ";
  else
    stream << "weft: ";
  stream << severity << ": " << diagnostic.str() << "\n";
  return text;
}

Session::Session() : context(registry()) {
  context.printOpOnDiagnostic(false); // users know their model, not its IR
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    bool isRemark = diagnostic.getSeverity() == DiagnosticSeverity::Remark;
    std::string text = textOf(diagnostic, isRemark                                                  ? "remark"
                                          : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning"
                                                                                                    : "error");
    for (Diagnostic &note : diagnostic.getNotes())
      text += textOf(note, "note");
    // A remark is for those who ask, and once: both entry points and all layers may be made of one text.
    if (!isRemark || (remarks && remarked.insert(text).second))
      llvm::errs() << text;
    return success();
  });
}

llvm::Expected<std::pair<std::string, int64_t>> parseAxis(llvm::StringRef text, llvm::StringRef option) {
  auto [axis, size] = text.split('=');
  int64_t value;
  if (axis.trim().empty() || size.trim().getAsInteger(10, value) || value < 1)
    return llvm::createStringError(option + " takes a name and a positive size, like seq=128, but got '" + text + "'");
  return std::pair(axis.trim().str(), value);
}

/// Profiles of Vulkan devices, each once.
static int profileLimits(ArrayRef<std::string> profiles, std::vector<TargetLimits> &limits) {
  if (profiles.empty())
    limits.push_back(vulkanLimits());
  llvm::SmallPtrSet<const GpuProfile *, 4> known;
  for (const std::string &name : profiles) {
    const GpuProfile *profile = gpuProfileNamed(name);
    if (!profile)
      return fail(Usage, "there is no profile '" + name + "' of Vulkan devices; there are " + gpuProfileNames());
    if (known.insert(profile).second)
      limits.push_back(vulkanLimits(*profile));
  }
  return Done;
}

int Session::limits(ArrayRef<std::string> targets, ArrayRef<std::string> cpus, ArrayRef<std::string> profiles,
                    std::vector<TargetLimits> &limits) {
  for (const std::string &target : targets)
    if (target != "cpu" && target != "vulkan")
      return fail(Usage, "there is no target '" + target + "'; there are cpu and vulkan");
  bool forCpu = targets.empty() || llvm::is_contained(targets, "cpu");
  for (const std::string &cpu : forCpu ? cpus : ArrayRef<std::string>()) {
    std::optional<TargetLimits> found = limitsFor(cpu);
    if (!found)
      return fail(Usage, "there is no CPU level '" + cpu + "'; known are " + cpuNames());
    if (llvm::none_of(limits, [&](const TargetLimits &other) { return other.cpu == found->cpu; }))
      limits.push_back(*found);
  }
  llvm::sort(limits, [](const TargetLimits &a, const TargetLimits &b) {
    return std::pair(a.lanes, a.dots) < std::pair(b.lanes, b.dots);
  });
  if (llvm::is_contained(targets, "vulkan"))
    return profileLimits(profiles, limits);
  if (!profiles.empty())
    return fail(Usage, "--vulkan-profile is for code that runs on Vulkan; add --target vulkan");
  return Done;
}

int Session::types(const TypeOptions &options, ArrayRef<TargetLimits> limits, NumberTypes &types) const {
  std::optional<WeightType> weights = weightTypeNamed(options.weights);
  if (!weights)
    return fail(Usage,
                "there is no type '" + options.weights + "' of weights; there are f32, f16, bf16, int8 and int4");
  types = {*weights, options.activations == "int8"};
  if (types.int8Activations && types.weights != WeightType::Int8)
    return fail(Usage, "--activations int8 goes with --type int8, but --type is " + options.weights);
  for (const TargetLimits &level : limits)
    if (types.int8Activations && level.target != Target::Cpu)
      return fail(Usage, "--activations int8 is for code of CPUs; kernels for " + name(level.target) +
                             " keep activations in f32");
  for (const TargetLimits &level : limits)
    if (types.int8Activations && !level.dots)
      return fail(Usage, "--activations int8 needs a CPU that multiplies int8 numbers, x86-64-v4-bf16, but --cpu is " +
                             level.cpu);
  if (types.weights != WeightType::F32 && from != Phase::model)
    return fail(Usage, "--type " + options.weights +
                           " rounds weights after phase 'model', but this model is in phase '" + name(from) + "'");
  return Done;
}

int Session::open(const ModelOptions &options) {
  if (int code = findPhase(options.from, from))
    return code;
  bool isText = !llvm::StringRef(options.file).ends_with(".mlir");
  if (isText && from != Phase::model)
    return fail(Usage, "--from says which phase a .mlir file is in, but '" + options.file + "' is no .mlir file");
  if (!isText && !options.axes.empty())
    return fail(Usage, "--axis needs the text of a model; the sizes in '" + options.file + "' are what they are");
  FrontendOptions frontend;
  for (const std::string &text : options.axes) {
    auto axis = parseAxis(text);
    if (!axis) {
      report(axis.takeError());
      return Usage;
    }
    frontend.axes[axis->first] = axis->second;
  }
  llvm::sys::fs::file_status status;
  llvm::sys::fs::status(options.file, status);
  if (status.type() == llvm::sys::fs::file_type::directory_file)
    return fail(BadInput, "cannot read '" + options.file + "': it is a directory");
  if (status.type() == llvm::sys::fs::file_type::character_file) // /dev/zero has no end
    return fail(BadInput, "cannot read '" + options.file + "': it is a device");
  auto text = llvm::MemoryBuffer::getFile(options.file, /*IsText=*/false);
  if (!text)
    return fail(BadInput, "cannot read '" + options.file + "': " + text.getError().message());
  if (!options.weights.empty()) {
    auto opened = Checkpoint::open(options.weights);
    if (!opened)
      return report(opened.takeError());
    weights = std::move(*opened);
    frontend.checkpoint = weights.get();
  }
  frontend.strict = options.strict;
  frontend.attentionWeights = options.attentionWeights;
  if (isText)
    parsed = compileModel(context, options.file, (*text)->getBuffer(), frontend, llvm::errs());
  else
    parsed = parseSourceString<ModuleOp>((*text)->getBuffer(), ParserConfig(&context), options.file);
  return parsed ? Done : BadInput;
}

} // namespace weft::driver
