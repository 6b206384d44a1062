//===- RandomAttentionTest.cpp - 2000 random models of attention, against the reference ---------------------------===//
// Answers: whatever the axes, heads, widths, masks, scores and lengths, and for each level of code - is attention as
// exact as float can be?
//
// Program n is the same on every machine. To see it and run it alone:
//     WEFT_SEED=n build/bin/weft_models_tests --gtest_filter=AttentionOfSeeds.FromTheEnvironment
// All 2000: ./dev test --long. With WEFT_BOTH_LEVELS=1, each is compiled for AVX2 and for AVX-512.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/Verify.h"
#include "compiler/pipelines/Pipelines.h"
#include "tests/models/AttentionPrograms.h"
#include "tests/models/InMemory.h"
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

namespace weft::test {
namespace {

using driver::Port;
using reference::Tensor;
using Fill = ProgramInput::Fill;

/// Products of a call: what keeps the interpreter's part of the time small.
constexpr int64_t mostPairs = 60'000, mostWork = 6'000'000;

//===-- calls -----------------------------------------------------------------------------------------------------===//

enum class Distribution { Normal, Wide, VeryWide, Uniform, Outliers, OneHot, Constant };
constexpr const char *distributionNames[] = {"normal",   "x4",           "x30",          "uniform",
                                             "outliers", "one-hot rows", "constant rows"};

struct Call {
  std::map<std::string, int64_t> sizes;
  Distribution distribution;
  std::string describe() const {
    std::string text;
    for (const auto &[axis, size] : sizes)
      text += axis + "=" + std::to_string(size) + " ";
    return text + distributionNames[static_cast<int>(distribution)];
  }
};

int64_t product(const std::map<std::string, int64_t> &sizes, const std::vector<std::string> &axes) {
  int64_t result = 1;
  for (const std::string &axis : axes)
    result *= sizes.at(axis);
  return result;
}

/// Sizes of the axes that a program leaves open: few queries and many, keys that fill no block, one block and several.
Call drawCall(const AttentionProgram &program, Dice &dice) {
  const std::vector<int64_t> few = {1, 1, 2, 3, 7}, many = {8, 15, 16, 17, 31, 33, 64, 65, 129}, zero = {0};
  const std::vector<int64_t> lengths = {0, 1, 2, 5, 7, 31, 64, 65, 129, 257, 300, 513, 1100};
  const std::vector<std::string> &queryAxes = program.inputs[0].axes, &keyAxes = program.inputs[1].axes;
  for (;;) {
    Call call;
    call.sizes = program.sizes;
    call.sizes.try_emplace("batch", dice.chance(4) ? 0 : dice.number(1, 3));
    if (!program.queries.empty())
      call.sizes.try_emplace(program.queries, dice.of(dice.chance(4) ? zero : dice.chance(45) ? few : many));
    if (program.isCached())
      call.sizes["seq"] = std::min(call.sizes["seq"], program.context);
    call.sizes.try_emplace(program.keys, dice.of(lengths));
    int64_t queries = product(call.sizes, queryAxes); // times the width
    int64_t keys = call.sizes.at(program.isCached() ? "seq" : program.keys);
    int64_t width = call.sizes.at("dim"), pairs = queries / width * keys;
    int64_t valueWidth = call.sizes.count("wide") ? call.sizes.at("wide") : width;
    // Fixed sizes may be large whatever is drawn for the others.
    if ((pairs <= mostPairs && pairs * (width + valueWidth) <= mostWork) || dice.chance(2)) {
      call.distribution = static_cast<Distribution>(dice.number(0, 6));
      (void)keyAxes;
      return call;
    }
  }
}

Tensor numbers(std::vector<int64_t> shape, Fill fill, Distribution distribution, Dice &dice) {
  Tensor tensor;
  tensor.shape = std::move(shape);
  tensor.values.resize(tensor.elements());
  int64_t width = tensor.shape.empty() ? 1 : tensor.shape.back();
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    double value = dice.normal();
    bool scored = fill == Fill::Query || fill == Fill::Key;
    switch (distribution) {
    case Distribution::Normal:
      break;
    case Distribution::Wide:
      value *= scored ? 4 : 1;
      break;
    case Distribution::VeryWide:
      value *= scored ? 30 : 1;
      break;
    case Distribution::Uniform:
      value = dice.real();
      break;
    case Distribution::Outliers:
      value *= dice.chance(1) ? 10 : 1;
      break;
    case Distribution::OneHot:
      if (scored)
        value = (i / width * 7) % width == i % width ? 3 : 0;
      break;
    case Distribution::Constant:
      // Short numbers, whose sums are exact: equal terms of full length would round alike, in any order.
      if (scored)
        value = i % width != 0 ? tensor.values[i - 1] : std::round(value * 32) / 32;
      break;
    }
    tensor.values[i] = static_cast<float>(value);
  }
  return tensor;
}

Tensor indices(std::vector<int64_t> shape, Fill fill, int64_t keys, Dice &dice) {
  Tensor tensor;
  tensor.shape = std::move(shape);
  tensor.values.resize(tensor.elements());
  int64_t length = tensor.shape.empty() ? 1 : tensor.shape.back(), document = 0;
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    document = i % length == 0 ? 0 : document + dice.chance(8);
    tensor.values[i] = static_cast<double>(fill == Fill::Documents ? document
                                           : fill == Fill::Flags   ? dice.number(0, 1)
                                           : dice.chance(50)       ? dice.number(0, keys)
                                                                   : dice.of<int64_t>({0, 1, 7, keys}));
  }
  return tensor;
}

std::vector<Tensor> drawInputs(const AttentionProgram &program, const Call &call, Dice &dice) {
  std::vector<Tensor> inputs;
  int64_t keys = call.sizes.at(program.isCached() ? program.queries : program.keys);
  for (const ProgramInput &input : program.inputs) {
    std::vector<int64_t> shape;
    for (const std::string &axis : input.axes)
      shape.push_back(call.sizes.at(axis));
    switch (input.fill) {
    case Fill::Query:
    case Fill::Key:
    case Fill::Value:
      inputs.push_back(numbers(shape, input.fill, call.distribution, dice));
      break;
    case Fill::Bias:
    case Fill::Width:
      inputs.push_back(numbers(shape, input.fill, Distribution::Normal, dice));
      break;
    default:
      inputs.push_back(indices(shape, input.fill, keys, dice));
    }
  }
  return inputs;
}

//===-- answers ---------------------------------------------------------------------------------------------------===//

/// What a call should give, and how far naive float is from it.
///
/// Where scores are large, the error of a result is that of a few scores, and a naive computation may have these right
/// by luck. So a result that seems too far from the truth is measured again by naive computations which add up the
/// products of a similarity in other orders, and which scale queries and keys before them, as is usual, too. Each is as
/// naive as the first; the worst of them is the yardstick.
class Answer {
public:
  Answer(const AttentionProgram &program, InMemory &compiled, std::vector<Tensor> inputs)
      : inputs(std::move(inputs)), program(program), function(compiled.sequence.function) {
    truth = interpret(this->inputs, reference::Precision::F64);
    naive.push_back(interpret(this->inputs, reference::Precision::F32));
    for (double value : this->inputs[2].values)
      largest = std::max(largest, std::abs(value));
  }

  /// -inf is a sound answer: the log of a sum over no key.
  bool isSound() const {
    return llvm::all_of(truth, [](const Tensor &output) {
      return llvm::all_of(output.values, [](double value) { return value < INFINITY; });
    });
  }
  bool reordered() const { return naive.size() > 1; }

  Comparison compareWith(const Tensor &tested, size_t output) {
    Comparison comparison;
    auto measure = [&](const std::vector<Tensor> &yardstick) {
      // Functions of generated code may be off by some units in the last place, where those of libm are not.
      double bound = std::max(comparison.bound, (program.callsFunctions ? 2e-6 : 1e-6) * largest);
      comparison = compare(truth[output].values, yardstick[output].values, tested.values);
      comparison.bound = std::max(comparison.bound, bound);
    };
    for (const std::vector<Tensor> &yardstick : naive)
      measure(yardstick);
    while (!comparison.isWithinBound() && naive.size() < mostOrders) {
      naive.push_back(interpret(inOtherOrder(), reference::Precision::F32));
      measure(naive.back());
    }
    return comparison;
  }

  std::vector<Tensor> inputs, truth;
  std::string problem; ///< where the reference cannot say

private:
  static constexpr size_t mostOrders = 64;

  std::vector<Tensor> interpret(std::vector<Tensor> arguments, reference::Precision precision) {
    reference::Options options;
    options.precision = precision;
    auto outputs = reference::run(function, arguments, options);
    if (outputs)
      return std::move(*outputs);
    problem = llvm::toString(outputs.takeError());
    return {};
  }

  /// The same inputs with the elements of queries and keys in another order, the same for both; and where that changes
  /// no score, queries by a number and keys by its inverse, rounded.
  std::vector<Tensor> inOtherOrder() {
    std::vector<int64_t> order(program.sizes.at("dim"));
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
      std::swap(order[i], order[dice.number(0, i)]);
    }
    double factor = program.multiplies ? 1 + dice.real() : 1;
    std::vector<Tensor> changed = inputs;
    for (auto [input, tensor] : llvm::zip(program.inputs, changed)) {
      if (input.fill != Fill::Query && input.fill != Fill::Key && input.fill != Fill::Width)
        continue;
      size_t dimension = llvm::find(input.axes, "dim") - input.axes.begin();
      int64_t inner = 1, width = order.size();
      for (size_t d = dimension + 1; d < tensor.shape.size(); ++d)
        inner *= tensor.shape[d];
      std::vector<double> before = tensor.values;
      double by = input.fill == Fill::Query ? factor : input.fill == Fill::Key ? 1 / factor : 1;
      for (int64_t i = 0; i < tensor.elements(); ++i) {
        int64_t at = i / inner % width;
        tensor.values[i] = static_cast<float>(by * before[i + (order[at] - at) * inner]);
      }
    }
    return changed;
  }

  const AttentionProgram &program;
  mlir::func::FuncOp function;
  std::vector<std::vector<Tensor>> naive;
  double largest = 0; ///< of the values
  Dice dice{1};
};

//===-- programs --------------------------------------------------------------------------------------------------===//

/// What happened to some programs, for the record of a run.
struct Counts {
  int programs = 0, calls = 0, results = 0, unsound = 0, reordered = 0;
  double worst = 0; ///< error over bound
};

class AttentionOfSeeds : public testing::Test {
protected:
  void SetUp() override {
    mlir::DialectRegistry registry;
    registerWeft(registry);
    context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
  }
  void TearDown() override {
    if (!counts.programs)
      return;
    std::printf("  %d programs, %d calls (%d without a sound answer, %d measured by several orders), %d results; "
                "largest error %.2f "
                "of what is allowed\n",
                counts.programs, counts.calls, counts.unsound, counts.reordered, counts.results, counts.worst);
  }

  void check(uint64_t seed, llvm::ArrayRef<int> levels) {
    AttentionProgram program = randomProgram(seed);
    auto compiled = InMemory::compile(*context, program.text, levels);
    ++counts.programs;
    if (!compiled) {
      ADD_FAILURE() << "seed " << seed << " does not compile: " << llvm::toString(compiled.takeError()) << "\n"
                    << program.text;
      return;
    }
    Dice dice(seed ^ 0x9e3779b97f4a7c15);
    for (int i = 0; i < 3; ++i) {
      Call call = drawCall(program, dice);
      std::string problem = check(program, *compiled, call, dice);
      if (!problem.empty())
        ADD_FAILURE() << "seed " << seed << ", " << call.describe() << ": " << problem << "\n" << program.text;
    }
  }

  std::unique_ptr<mlir::MLIRContext> context;
  Counts counts;

private:
  /// Empty, or what is wrong.
  std::string check(const AttentionProgram &program, InMemory &compiled, const Call &call, Dice &dice) {
    Answer answer(program, compiled, drawInputs(program, call, dice));
    ++counts.calls;
    if (!answer.problem.empty())
      return answer.problem;
    if (!answer.isSound()) {
      ++counts.unsound;
      return "";
    }
    std::string problems;
    auto judge = [&](const InMemory::Code &code, const std::string &what, const std::vector<Tensor> &results) {
      for (size_t i = 0; i < answer.truth.size(); ++i) {
        ++counts.results;
        Comparison comparison = answer.compareWith(results[i], i);
        counts.worst = std::max(counts.worst, comparison.bound ? comparison.maxError / comparison.bound : 0);
        if (!comparison.isWithinBound())
          problems += "\n  " + levelName(code.level) + ", " + what + ": " + describe(comparison, answer.truth[i].shape);
      }
    };
    int threads = static_cast<int>(dice.number(1, 2));
    int64_t positions = program.isCached() && call.sizes.at("batch") ? call.sizes.at("seq") : 0;
    int64_t step = positions && dice.chance(50) ? dice.number(1, positions) : 1;
    for (const InMemory::Code &code : compiled.codes) {
      std::vector<Tensor> results;
      if (driver::runCode(code.module.get(), compiled.sequence, answer.inputs, 0, threads, results) != driver::Done)
        return "the code failed";
      judge(code, "whole", results);
      if (!positions)
        continue;
      if (driver::runCode(code.module.get(), compiled.step, answer.inputs, step, threads, results) != driver::Done)
        return "the code failed in steps";
      judge(code, "in steps of " + std::to_string(step), results);
    }
    counts.reordered += answer.reordered();
    return problems;
  }
};

class RandomAttention : public AttentionOfSeeds, public testing::WithParamInterface<int> {};

constexpr int programsOfPart = 100;

TEST_P(RandomAttention, AgreesWithTheReference) {
  // Most of the time goes into compiling: half of the programs are compiled for one level, half for the other.
  std::vector<int> levels = {3};
  if (limitsFor("native")->lanes == 16)
    levels.push_back(4);
  int first = GetParam() * programsOfPart + 1;
  std::printf("  seeds %d to %d\n", first, first + programsOfPart - 1);
  for (int seed = first; seed < first + programsOfPart; ++seed)
    check(seed, std::getenv("WEFT_BOTH_LEVELS") ? llvm::ArrayRef(levels) : levels[seed % levels.size()]);
}

/// Seeds from the first on, and how many.
class RandomAttentionOnVulkan : public AttentionOfSeeds, public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(RandomAttentionOnVulkan, AgreesWithTheReference) {
  if (std::string reason = missingVulkan(); !reason.empty())
    GTEST_SKIP() << reason;
  auto [first, count] = GetParam();
  std::printf("  seeds %d to %d\n", first, first + count - 1);
  for (int seed = first; seed < first + count; ++seed) {
    check(seed, onVulkan);
    if (seed % 4 == 0)
      check(seed, seed % 8 ? onParts : onSubgroups);
  }
}

TEST_F(AttentionOfSeeds, FromTheEnvironment) {
  const char *seed = std::getenv("WEFT_SEED");
  if (!seed)
    GTEST_SKIP() << "WEFT_SEED is not set";
  uint64_t number = std::strtoull(seed, nullptr, 10);
  std::printf("%s", randomProgram(number).text.c_str());
  check(number, {3, 4});
  if (missingVulkan().empty())
    for (int level : {onVulkan, onSubgroups, onParts})
      check(number, level);
}

// The first 200 programs are run always. Suites run beside each other, so there are a few.
INSTANTIATE_TEST_SUITE_P(First, RandomAttention, testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Second, RandomAttention, testing::Values(1));
INSTANTIATE_TEST_SUITE_P(First, RandomAttentionOnVulkan, testing::Values(std::pair(1, 40)));
INSTANTIATE_TEST_SUITE_P(SlowA, RandomAttentionOnVulkan, testing::Values(std::pair(41, 80)));
INSTANTIATE_TEST_SUITE_P(SlowB, RandomAttentionOnVulkan, testing::Values(std::pair(121, 80)));
INSTANTIATE_TEST_SUITE_P(LongA, RandomAttentionOnVulkan, testing::Values(std::pair(201, 300)));
INSTANTIATE_TEST_SUITE_P(LongB, RandomAttentionOnVulkan, testing::Values(std::pair(501, 300)));
INSTANTIATE_TEST_SUITE_P(LongC, RandomAttentionOnVulkan, testing::Values(std::pair(801, 300)));
INSTANTIATE_TEST_SUITE_P(LongD, RandomAttentionOnVulkan, testing::Values(std::pair(1101, 300)));
INSTANTIATE_TEST_SUITE_P(LongE, RandomAttentionOnVulkan, testing::Values(std::pair(1401, 300)));
INSTANTIATE_TEST_SUITE_P(LongF, RandomAttentionOnVulkan, testing::Values(std::pair(1701, 300)));
INSTANTIATE_TEST_SUITE_P(LongA, RandomAttention, testing::Range(2, 7));
INSTANTIATE_TEST_SUITE_P(LongB, RandomAttention, testing::Range(7, 12));
INSTANTIATE_TEST_SUITE_P(LongC, RandomAttention, testing::Range(12, 16));
INSTANTIATE_TEST_SUITE_P(LongD, RandomAttention, testing::Range(16, 20));

} // namespace
} // namespace weft::test
