//===- Bench.cpp - weft bench -------------------------------------------------------------------------------------===//
// Answers: how long does a call of a compiled model take, how long each of its kernels, and how near is that to what
// the machine could do?
//
// Inputs are random numbers, and ones where they are integers or flags: the second row of a table, a token that is
// there.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Artefacts.h"
#include "compiler/driver/Costs.h"
#include "compiler/driver/DeviceLimits.h"
#include "compiler/inspect/Profile.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <sched.h>
#include <x86intrin.h>

namespace weft::driver {
namespace {

int cpuCount() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
}

double secondsNow() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Inputs of one call.
struct Inputs {
  std::vector<weft_view> views;
  std::vector<std::vector<char>> storage;
};

/// What was measured of an entry point.
struct Measured {
  std::vector<double> times;       ///< of calls, in seconds, sorted
  std::vector<double> kernelTimes; ///< of each profiled call, on the average
};

class Benchmark {
public:
  explicit Benchmark(const BenchOptions &options)
      : options(options), threads(options.threads ? options.threads : cpuCount()) {}
  int run();

private:
  std::vector<std::string> runtimeAxes() const;
  int parseSizes();
  int64_t pastOf(const weft_entry_info &step) const {
    return options.past >= 0 ? options.past : std::max<int64_t>(0, std::min<int64_t>(128, step.context - 1));
  }
  int makeLibrary(TemporaryFolder &folder, std::string &library);
  int measure(weft_kind kind, const weft_entry_info &entry);
  int call(weft_kind kind, const weft_entry_info &entry, Measured &measured);
  Inputs inputsFor(weft_kind kind, const weft_entry_info &entry, int64_t positions);
  int64_t sizeOf(weft_kind kind, const weft_entry_info &entry, llvm::StringRef axis) const;
  int report(weft_kind kind, const weft_entry_info &entry, const Measured &measured);
  int profile(weft_kind kind, const weft_entry_info &entry, const Measured &measured);

  bool onCpu() const { return device == "cpu"; }

  const BenchOptions &options;
  int threads;
  std::string device;
  llvm::StringMap<int64_t> sizes;
  std::vector<ProfiledCall> calls;
  MachineLimits machine;
  weft_module *module = nullptr;
  uint64_t *ticks = nullptr; ///< of the calls, where the code counts
};

int Benchmark::run() {
  InputKind kind = kindOf(options.compile.model.file);
  const std::string &file = options.compile.model.file;
  if (kind == InputKind::Object || kind == InputKind::Executable)
    return fail(Usage, "'" + file + "' is no library; compile the model into a .so, or run an executable with --time");
  if (kind == InputKind::Library && !options.onlyForModels.empty())
    return fail(Usage, options.onlyForModels + " is for models, but '" + file + "' is compiled already");
  if (kind == InputKind::Library && options.profile)
    return fail(Usage, "--profile needs the model, but '" + file + "' is compiled already, without counting time");
  std::vector<std::string> targets = targetsFor(options.compile.targets, options.device);
  if (options.profile && targets.size() > 1)
    return fail(Usage,
                "--profile counts the time of one target's code, but --target names " + llvm::Twine(targets.size()));
  TemporaryFolder folder;
  std::string library = file;
  if (kind == InputKind::Model)
    if (int code = makeLibrary(folder, library))
      return code;
  weft_load_options load = {};
  load.device = options.device.empty() ? nullptr : options.device.c_str();
  if (int code = openLibrary(library, load, module))
    return code;
  llvm::scope_exit close([&] { weft_module_destroy(module); });
  device = weft_module_device(module);
  if (options.profile)
    ticks = ticksOf(library);
  folder.remove();
  if (int code = parseSizes())
    return code;
  if (options.profile) {
    if (onCpu())
      machine = measureMachine(threads);
    else if (int code = measureDevice(device, machine))
      return code;
    printMachine(machine, onCpu() ? "" : device, llvm::outs());
  }
  weft_entry_info entry;
  for (weft_kind entryKind : {WEFT_SEQUENCE, WEFT_STEP})
    if (weft_module_entry(module, entryKind, &entry))
      if (int code = measure(entryKind, entry))
        return code;
  return Done;
}

/// The axes whose sizes are known when running, in the order in which inputs have them.
std::vector<std::string> Benchmark::runtimeAxes() const {
  std::vector<std::string> axes;
  weft_tensor_info info;
  for (weft_kind kind : {WEFT_SEQUENCE, WEFT_STEP})
    for (size_t i = 0; weft_module_tensor(module, kind, WEFT_INPUT, i, &info); ++i)
      for (int32_t d = 0; d < info.rank; ++d)
        if (info.runtime_axes[d] && !llvm::is_contained(axes, info.runtime_axes[d]))
          axes.push_back(info.runtime_axes[d]);
  return axes;
}

int Benchmark::parseSizes() {
  std::vector<std::string> axes = runtimeAxes();
  for (const std::string &text : options.sizes) {
    auto axis = parseAxis(text, "--size");
    if (!axis) {
      driver::report(axis.takeError());
      return Usage;
    }
    if (!llvm::is_contained(axes, axis->first))
      return fail(Usage, "--size: no axis '" + axis->first + "' has a size that is known when running; " +
                             (axes.empty() ? "all are fixed" : "there are " + llvm::join(axes, ", ")));
    sizes[axis->first] = axis->second;
  }
  return Done;
}

int Benchmark::makeLibrary(TemporaryFolder &folder, std::string &library) {
  if (!folder)
    return fail(Machine, "cannot make a folder for temporary files: " + llvm::Twine(std::strerror(errno)));
  CompileOptions compileOptions = options.compile;
  library = compileOptions.output = folder.file("model.so");
  compileOptions.targets = targetsFor(compileOptions.targets, options.device);
  if (options.profile)
    compileOptions.profile = &calls;
  return compile(compileOptions);
}

/// A step adds one position; of other axes there is one batch, and 128 of what has no size.
int64_t Benchmark::sizeOf(weft_kind kind, const weft_entry_info &entry, llvm::StringRef axis) const {
  if (kind == WEFT_STEP && axis == entry.position_axis)
    return 1;
  auto given = sizes.find(axis);
  return given != sizes.end() ? given->second : axis == "batch" ? 1 : 128;
}

Inputs Benchmark::inputsFor(weft_kind kind, const weft_entry_info &entry, int64_t positions) {
  Inputs inputs;
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  weft_tensor_info info;
  for (size_t i = 0; weft_module_tensor(module, kind, WEFT_INPUT, i, &info); ++i) {
    weft_view view{nullptr, info.type, info.rank, {}};
    int64_t elements = 1;
    for (int32_t d = 0; d < info.rank; ++d) {
      view.shape[d] = info.shape[d];
      if (info.shape[d] == WEFT_RUNTIME_SIZE) {
        llvm::StringRef axis = info.runtime_axes[d];
        bool isPosition = entry.position_axis && axis == entry.position_axis;
        view.shape[d] = isPosition && positions ? positions : sizeOf(kind, entry, axis);
      }
      elements *= view.shape[d];
    }
    std::vector<char> &data = inputs.storage.emplace_back(elements * weft_type_bytes(info.type));
    view.data = data.data();
    for (int64_t e = 0; e < elements; ++e)
      if (info.type == WEFT_F32)
        static_cast<float *>(view.data)[e] = normal(random);
      else if (info.type == WEFT_I32)
        static_cast<int32_t *>(view.data)[e] = 1;
      else
        data[e] = 1;
    inputs.views.push_back(view);
  }
  return inputs;
}

int Benchmark::call(weft_kind kind, const weft_entry_info &entry, Measured &measured) {
  weft_error error = {};
  weft_context *context = nullptr;
  weft_context_options contextOptions{threads};
  if (weft_context_create(module, &contextOptions, &context, &error))
    return driver::report(error);
  llvm::scope_exit close([&] { weft_context_destroy(context); });
  int64_t past = kind == WEFT_STEP ? pastOf(entry) : 0;
  if (past > 0) {
    Inputs before = inputsFor(kind, entry, past);
    if (weft_step(context, before.views.data(), before.views.size(), nullptr, 0, &error))
      return driver::report(error);
  }
  Inputs inputs = inputsFor(kind, entry, 0);
  auto once = [&] {
    if (kind == WEFT_SEQUENCE)
      return weft_run(context, inputs.views.data(), inputs.views.size(), nullptr, 0, &error);
    weft_status status = weft_truncate(context, past, &error);
    return status ? status : weft_step(context, inputs.views.data(), inputs.views.size(), nullptr, 0, &error);
  };
  if (once()) // the first call makes memory and reads weights from the disk
    return driver::report(error);
  if (ticks)
    std::fill(ticks, ticks + calls.size(), 0);
  constexpr size_t fewest = 5;
  double begin = secondsNow(), before = begin;
  uint64_t clock = __rdtsc(); // what code for CPUs counts
  auto isEnough = [&] {
    return options.repeat ? measured.times.size() >= static_cast<size_t>(options.repeat)
                          : measured.times.size() >= fewest && before - begin > 1;
  };
  while (!isEnough()) {
    if (once())
      return driver::report(error);
    double after = secondsNow();
    measured.times.push_back(after - before);
    before = after;
  }
  double secondsOfTick = onCpu() ? (before - begin) / static_cast<double>(__rdtsc() - clock) : 1e-9;
  for (size_t i = 0; ticks && i < calls.size(); ++i)
    measured.kernelTimes.push_back(ticks[i] * secondsOfTick / measured.times.size());
  llvm::sort(measured.times);
  return Done;
}

int Benchmark::report(weft_kind kind, const weft_entry_info &entry, const Measured &measured) {
  double median = measured.times[measured.times.size() / 2];
  llvm::outs() << (options.profile ? "\n" : "") << entry.name << (kind == WEFT_STEP ? " (step):" : " (sequence):");
  llvm::StringMap<bool> said;
  int64_t positions = 1;
  weft_tensor_info info;
  weft_entry_info step;
  const char *position = weft_module_entry(module, WEFT_STEP, &step) ? step.position_axis : nullptr;
  for (size_t i = 0; weft_module_tensor(module, kind, WEFT_INPUT, i, &info); ++i)
    for (int32_t d = 0; d < info.rank; ++d) {
      llvm::StringRef axis = info.runtime_axes[d] ? info.runtime_axes[d] : "";
      if (axis.empty() || !said.try_emplace(axis, true).second)
        continue;
      int64_t size = sizeOf(kind, entry, axis);
      llvm::outs() << " " << axis << "=" << size;
      positions *= axis == "batch" || (position && axis == position) ? size : 1;
    }
  if (kind == WEFT_STEP)
    llvm::outs() << " past=" << pastOf(entry);
  if (onCpu())
    llvm::outs() << ", " << threads << (threads == 1 ? " thread\n" : " threads\n");
  else
    llvm::outs() << ", on " << device << "\n";
  llvm::outs() << llvm::format("%zu calls: median %.3f ms, best %.3f ms", measured.times.size(), 1e3 * median,
                               1e3 * measured.times.front());
  if (position)
    llvm::outs() << llvm::format("; %.1f positions/s", positions / median);
  llvm::outs() << "\n";
  return options.profile ? profile(kind, entry, measured) : Done;
}

int Benchmark::profile(weft_kind kind, const weft_entry_info &entry, const Measured &measured) {
  std::vector<TargetLimits> limits;
  if (int code = Session::limits({onCpu() ? "cpu" : "vulkan"}, options.compile.cpus, options.compile.profiles, limits))
    return code;
  std::vector<EntryCosts> entries;
  auto size = [&](llvm::StringRef axis) { return sizeOf(kind, entry, axis); };
  if (int code = entryCosts(options.compile.model, options.compile.types, limits.back(),
                            kind == WEFT_STEP ? pastOf(entry) : 0, size, entries))
    return code;
  std::vector<MeasuredKernel> kernels;
  for (auto [counted, seconds] : llvm::zip(calls, measured.kernelTimes))
    if (counted.entry == entry.name)
      kernels.push_back({counted.kernel, counted.place, seconds});
  for (const EntryCosts &costs : entries)
    if (costs.name == entry.name)
      printProfile(costs.costs, kernels, Roofline(machine, costs.costs), llvm::outs());
  return Done;
}

int Benchmark::measure(weft_kind kind, const weft_entry_info &entry) {
  Measured measured;
  if (int code = call(kind, entry, measured))
    return code;
  return report(kind, entry, measured);
}

} // namespace

int bench(const BenchOptions &options) { return Benchmark(options).run(); }

} // namespace weft::driver
