//===- Verify.cpp - weft verify ---------------------------------------------------------------------------------===//
// Answers: does every phase of this model, and the code in the end, compute what the model says?
//
// The truth is the model in float64, by the reference interpreter. `fused` is interpreted the same way and must agree
// to rounding; code is compared by the bound of inspect/Verify.h, against the naive float32 result of the model. A
// model with a cache is also run in steps, which must give what the whole sequence gives.
//
// Where weights are rounded, there are two questions. What rounding changes is printed, and judged by nobody: `fused`
// with rounded weights in float64 beside the truth. Whether code computes what rounded weights say is judged: that
// result is the truth then, and the naive float32 one rounds activations where code may.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/Verify.h"
#include "compiler/driver/Artefacts.h"
#include "compiler/driver/Session.h"
#include "compiler/driver/VerifyData.h"
#include "compiler/targets/Targets.h"
#include "dialects/Weft/IR/ModelContract.h"
#include <utility>

using namespace mlir;

namespace weft::driver {
namespace {

class Verification {
public:
  Verification(const VerifyOptions &options) : options(options) {}
  int run();

private:
  /// Run-time sizes of axes: as asked for, else small and different.
  int chooseSizes(Sizes &sizes);
  int truth();
  int phases();
  int roundWeights();
  int code(const TargetLimits &level);
  /// The naive result for code of a level: of whole sequences (steps = 0) or in steps.
  int naiveFor(const TargetLimits &level, int64_t steps, std::vector<Tensor> &results);
  /// Interprets a module in phase `fused` in steps of 1 and of everything, and compares.
  int compareSteps(const Entry &entry, llvm::StringRef phase);
  /// Compares and prints; remembers the first divergence.
  void compareAll(llvm::StringRef what, ArrayRef<Tensor> tested, ArrayRef<Tensor> naive, double slack);

  const VerifyOptions &options;
  Session session;
  NumberTypes types;
  OwningOpRef<ModuleOp> rounded; ///< in phase `fused`, where weights are rounded; else null
  Entry sequence, step;
  std::vector<Tensor> inputs, expected, naive;
  std::string firstDivergence;
  int64_t positions = 0;
};

int Verification::run() {
  if (int code = session.open(options.model))
    return code;
  if (session.phase() != Phase::model)
    return fail(Usage, "a model is verified from its first phase on");
  std::vector<TargetLimits> limits;
  if (int code = Session::limits(targetsFor(options.targets, options.device), options.cpus, options.profiles, limits))
    return code;
  if (int code = session.types(options.types, limits, types))
    return code;
  sequence = entryOf(session.module(), "sequence");
  step = entryOf(session.module(), "step");
  if (!sequence.function)
    return fail(BadInput, "the model has no entry point for whole sequences");
  if (int code = truth())
    return code;
  if (int code = phases())
    return code;
  if (types.weights != WeightType::F32)
    if (int code = roundWeights())
      return code;
  for (const TargetLimits &level : limits)
    if (int code = this->code(level))
      return code;
  if (!firstDivergence.empty())
    return fail(BadInput, "first divergence: " + firstDivergence);
  return Done;
}

int Verification::chooseSizes(Sizes &sizes) {
  std::string names;
  int64_t next = 7;
  if (auto axes = session.module()->getAttrOfType<ArrayAttr>(contract::axes))
    for (StringRef axis : axes.getAsValueRange<StringAttr>()) {
      int64_t size = axis == "batch" ? 2 : std::exchange(next, next + 2);
      sizes.suggest(axis, axis == step.positionAxis ? std::min(size, step.context) : size);
      names += (names.empty() ? "" : ", ") + axis.str();
    }
  for (const std::string &text : options.sizes) {
    auto axis = parseAxis(text, "--size");
    if (!axis) {
      report(axis.takeError());
      return Usage;
    }
    if (!sizes.has(axis->first))
      return fail(Usage, "--size: no axis '" + axis->first + "' has a size that is known when running; " +
                             (names.empty() ? "all are fixed" : "there are " + names));
    if (int code = sizes.demand(axis->first, axis->second, "--size"))
      return code;
  }
  return Done;
}

int Verification::truth() {
  Sizes sizes;
  if (int code = chooseSizes(sizes))
    return code;
  if (int code = makeInputs(sequence, options.inputs, sizes, options.seed, inputs))
    return code;
  if (step.function)
    positions = sizes.of(step.positionAxis); // 0 where it is fixed
  if (step.function && positions > step.context)
    return fail(BadInput, Twine(positions) + " positions along '" + step.positionAxis +
                              "' do not fit in the context of " + Twine(step.context));
  for (auto [precision, results] :
       {std::pair(reference::Precision::F64, &expected), {reference::Precision::F32, &naive}}) {
    reference::Options reference;
    reference.precision = precision;
    reference.checkpoint = session.checkpoint();
    std::vector<Tensor> arguments = inputs;
    auto outputs = reference::run(sequence.function, arguments, reference);
    if (!outputs)
      return report(outputs.takeError());
    *results = std::move(*outputs);
  }
  return Done;
}

void Verification::compareAll(StringRef what, ArrayRef<Tensor> tested, ArrayRef<Tensor> naive, double slack) {
  for (auto [port, truth, rough, result] : llvm::zip(sequence.outputs, expected, naive, tested)) {
    std::string label = (what + ", output '" + port.name + "'").str();
    std::string problem;
    if (truth.shape != result.shape) {
      problem = "the shape differs";
    } else {
      Comparison comparison = compare(truth.values, rough.values, result.values);
      double largest = 0;
      for (double value : truth.values)
        largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : largest;
      bool good = slack > 0 ? comparison.disagreements == 0 && comparison.maxError <= slack * largest
                  : rounded ? comparison.isWithinBoundOfRounded()
                            : comparison.isWithinBound();
      if (!options.quiet || !good)
        llvm::outs() << (good ? "ok       " : "DIVERGES ") << label << ": " << describe(comparison, truth.shape)
                     << "\n";
      if (!good)
        problem = describe(comparison, truth.shape);
    }
    if (!problem.empty() && firstDivergence.empty())
      firstDivergence = label + ": " + problem;
  }
}

/// Rounding in float64, over long sums.
constexpr double rounding = 1e-9;

int Verification::compareSteps(const Entry &entry, StringRef phase) {
  reference::Options reference;
  reference.checkpoint = session.checkpoint();
  for (int64_t size : {int64_t(1), positions}) {
    if (!positions || !entry.function)
      break;
    auto outputs = interpretSteps(entry, inputs, size, reference);
    if (!outputs)
      return report(outputs.takeError());
    compareAll(("phase '" + phase + "', steps of " + Twine(size)).str(), *outputs, naive, rounding);
  }
  return Done;
}

int Verification::phases() {
  reference::Options reference;
  reference.checkpoint = session.checkpoint();
  if (int code = compareSteps(step, "model"))
    return code;
  OwningOpRef<ModuleOp> fused = session.module().clone();
  PipelineOptions pipeline;
  pipeline.to = Phase::fused;
  if (failed(runPipeline(*fused, pipeline)))
    return BadInput;
  std::vector<Tensor> arguments = inputs;
  auto outputs = reference::run(entryOf(*fused, "sequence").function, arguments, reference);
  if (!outputs)
    return report(outputs.takeError());
  compareAll("phase 'fused'", *outputs, naive, rounding);
  return compareSteps(entryOf(*fused, "step"), "fused");
}

/// Makes the result with rounded weights the truth, after printing how far it is from that of the model.
int Verification::roundWeights() {
  rounded = session.module().clone();
  PipelineOptions pipeline;
  pipeline.to = Phase::fused;
  pipeline.types = types;
  if (failed(runPipeline(*rounded, pipeline)))
    return BadInput;
  reference::Options reference;
  reference.checkpoint = session.checkpoint();
  std::vector<Tensor> arguments = inputs;
  auto outputs = reference::run(entryOf(*rounded, "sequence").function, arguments, reference);
  if (!outputs)
    return report(outputs.takeError());
  for (auto [port, truth, changed] : llvm::zip(sequence.outputs, expected, *outputs))
    if (!options.quiet)
      llvm::outs() << "rounding weights to " << name(types.weights) << ", output '" << port.name
                   << "': " << describeChange(truth.values, changed.values) << "\n";
  expected = std::move(*outputs);
  return compareSteps(entryOf(*rounded, "step"), ("fused' with weights of '" + name(types.weights).str()));
}

int Verification::naiveFor(const TargetLimits &level, int64_t steps, std::vector<Tensor> &results) {
  if (!rounded) {
    results = naive;
    return Done;
  }
  reference::Options reference;
  reference.precision = reference::Precision::F32;
  reference.roundActivations = types.weights == WeightType::F16 ? hasMatrices(level) : level.dots;
  reference.checkpoint = session.checkpoint();
  std::vector<Tensor> arguments = inputs;
  auto outputs = steps ? interpretSteps(entryOf(*rounded, "step"), inputs, steps, reference)
                       : reference::run(entryOf(*rounded, "sequence").function, arguments, reference);
  if (!outputs)
    return report(outputs.takeError());
  results = std::move(*outputs);
  return Done;
}

int Verification::code(const TargetLimits &level) {
  TemporaryFolder folder;
  if (!folder)
    return fail(Machine, "cannot make a temporary folder");
  CompileOptions compileOptions;
  compileOptions.model = options.model;
  compileOptions.types = options.types;
  compileOptions.targets = {name(level.target).str()};
  compileOptions.cpus = {level.cpu};
  if (level.target == Target::Vulkan)
    compileOptions.profiles = {level.profile->name.str()};
  compileOptions.output = folder.file("model.so");
  compileOptions.quiet = true;
  if (int code = compile(compileOptions))
    return code;
  weft_load_options load = {};
  if (level.target == Target::Vulkan)
    load.device = options.device.empty() ? "vulkan" : options.device.c_str();
  weft_module *module = nullptr;
  if (int code = openLibrary(compileOptions.output, load, module))
    return code;
  const std::string what = "code for " + describe(level);
  int status = Done;
  std::vector<Tensor> before, results, naive;
  status = naiveFor(level, 0, naive);
  auto compareBits = [&](const Twine &what) {
    for (auto [a, b] : llvm::zip(before, results))
      if (std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(double)) && firstDivergence.empty())
        firstDivergence = (what + ": 1 and 2 threads give different bits").str();
  };
  // On a GPU the second run shows that the first left nothing behind.
  for (int threads : {1, 2}) {
    if (status != Done)
      break;
    status = runCode(module, sequence, inputs, 0, threads, results);
    if (threads == 1) {
      compareAll(what, results, naive, 0);
      before = results;
    } else if (status == Done) {
      compareBits(what);
    }
  }
  for (int64_t size : {int64_t(1), int64_t(3), positions})
    if (step.function && positions && status == Done) {
      if ((status = naiveFor(level, size, naive)) || (status = runCode(module, step, inputs, size, 2, results)))
        break;
      const std::string ofSteps = (what + ", steps of " + Twine(size)).str();
      compareAll(ofSteps, results, naive, 0);
      if (size != 3) // threads share a step alike whatever its size
        continue;
      before = std::move(results);
      if ((status = runCode(module, step, inputs, size, 1, results)))
        break;
      compareBits(ofSteps);
    }
  weft_module_destroy(module);
  return status;
}

} // namespace

int verify(const VerifyOptions &options) { return Verification(options).run(); }

} // namespace weft::driver
