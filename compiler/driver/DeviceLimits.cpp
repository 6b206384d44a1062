//===- DeviceLimits.cpp - what a GPU can do at best ---------------------------------------------------------------===//
// A device's data sheet says what it could do, few say what its driver makes of a shader. So the limits are what Weft's
// best kernels reach: nothing in a model will be faster by much, and a kernel far below them has something to gain.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/DeviceLimits.h"
#include "compiler/driver/Artefacts.h"
#include "compiler/driver/Session.h"
#include "compiler/inspect/Profile.h"
#include "llvm/ADT/ScopeExit.h"
#include <cerrno>
#include <cstring>

namespace weft::driver {
namespace {

constexpr int64_t width = 1024, lines = 16384, mostRows = 16384;
constexpr llvm::StringLiteral model = R"(axes line, row, wide = 1024, out = 1024

model limits(x: f32[line, wide], y: f32[row, wide]) -> copied: f32[line, wide], product: f32[row, out] {
  return 2 * x, linear(y, "w", wide -> out)
}
)";

class Probe {
public:
  ~Probe() {
    weft_context_destroy(context);
    weft_module_destroy(module);
  }
  int open(const std::string &device);
  int measure(MachineLimits &limits);

private:
  /// One call, of which the times of both kernels are.
  int call(int64_t rows, double &copy, double &product);

  std::vector<ProfiledCall> calls;
  weft_module *module = nullptr;
  weft_context *context = nullptr;
  uint64_t *ticks = nullptr;
  std::vector<float> numbers = std::vector<float>(std::max(lines, mostRows) * width, 1.0f);
};

int Probe::open(const std::string &device) {
  TemporaryFolder folder;
  if (!folder)
    return fail(Machine, "cannot make a folder for temporary files: " + llvm::Twine(std::strerror(errno)));
  CompileOptions options;
  options.model.file = folder.file("limits.weft");
  options.model.weights = folder.file("limits.safetensors");
  options.output = folder.file("limits.so");
  options.targets = {"vulkan"};
  options.quiet = true;
  options.profile = &calls;
  std::error_code error;
  llvm::raw_fd_ostream(options.model.file, error) << model;
  if (error)
    return fail(Machine, "cannot write '" + options.model.file + "': " + error.message());
  InitOptions weights;
  weights.model.file = options.model.file;
  weights.output = options.model.weights;
  if (int code = init(weights))
    return code;
  if (int code = compile(options))
    return code;
  weft_load_options load = {};
  load.device = device.c_str();
  if (int code = openLibrary(options.output, load, module))
    return code;
  ticks = ticksOf(options.output);
  weft_error failure;
  return weft_context_create(module, nullptr, &context, &failure) ? report(failure) : Done;
}

int Probe::call(int64_t rows, double &copy, double &product) {
  std::fill(ticks, ticks + calls.size(), 0);
  const weft_view inputs[] = {{numbers.data(), WEFT_F32, 2, {lines, width}},
                              {numbers.data(), WEFT_F32, 2, {rows, width}}};
  weft_error error;
  if (weft_run(context, inputs, 2, nullptr, 0, &error))
    return report(error);
  copy = product = 0;
  for (auto [i, call] : llvm::enumerate(calls))
    (call.kernel == "packed_linear" ? product : copy) += 1e-9 * ticks[i];
  return Done;
}

int Probe::measure(MachineLimits &limits) {
  constexpr double enough = 2e-3; // seconds: what a launch costs is then little beside it
  double bestCopy = 0, bestProduct = 0, last = 0;
  for (int64_t rows = 64; rows <= mostRows && last < enough; rows *= 4)
    for (int round = 0; round < 4; ++round) { // the first makes memory
      double copy;
      if (int code = call(rows, copy, last))
        return code;
      bestCopy = std::max(bestCopy, 2.0 * sizeof(float) * lines * width / copy);
      bestProduct = std::max(bestProduct, 2.0 * rows * width * width / last);
    }
  limits = {.threads = 0, .flops = bestProduct, .memory = bestCopy, .cache = bestCopy, .cacheSize = 0};
  return Done;
}

} // namespace

int measureDevice(const std::string &device, MachineLimits &limits) {
  Probe probe;
  if (int code = probe.open(device))
    return code;
  return probe.measure(limits);
}

} // namespace weft::driver
