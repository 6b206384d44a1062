//===- ShapesTest.cpp - models of real depth and width, against the reference -------------------------------------===//
// Answers: is the code of a GPT-2 and of a Transformer as exact as float can be, for every length and batch?
//
// The weights are random, the models as deep and wide as they are; the vocabulary, which only makes the last product
// longer, is cut to 1000. Each shape is compared with the float64 reference, measured by the naive float32 result
// (compiler/inspect/Verify.h).
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Session.h"
#include "compiler/driver/VerifyData.h"
#include "compiler/inspect/Verify.h"
#include "tests/models/Compiled.h"
#include "tests/models/Tool.h"
#include <cstring>
#include <gtest/gtest.h>

namespace weft::test {
namespace {

using driver::Entry;
using reference::Tensor;
using Shape = std::vector<std::pair<llvm::StringRef, int64_t>>;

class ShapesTest : public ::testing::Test {
protected:
  /// Makes weights for a model under examples/ and compiles it for both levels.
  void make(llvm::StringRef source, std::vector<std::string> axes = {"vocab=1000"}) {
    auto *test = ::testing::UnitTest::GetInstance()->current_test_info();
    scratch.emplace(std::string(test->test_suite_name()) + "." + test->name());
    std::string checkpoint = (*scratch)("weights.safetensors"), library = (*scratch)("model.so");
    std::vector<std::string> common = {example(source)};
    for (const std::string &axis : axes)
      common.insert(common.end(), {"--axis", axis});
    auto with = [&](std::vector<std::string> arguments, const std::vector<std::string> &more) {
      arguments.insert(arguments.end(), common.begin(), common.end());
      arguments.insert(arguments.end(), more.begin(), more.end());
      return arguments;
    };
    ASSERT_TRUE(weft(with({"init"}, {"-o", checkpoint})));
    ASSERT_TRUE(
        weft(with({"compile"}, {"--weights", checkpoint, "--cpu", "x86-64-v3,x86-64-v4", "-q", "-o", library})));
    for (int level : {3, 4})
      if (Module module = load(library, level))
        codes.push_back(std::move(module));
    ASSERT_FALSE(codes.empty()) << "this machine runs neither level";

    driver::ModelOptions options;
    options.file = example(source);
    options.weights = checkpoint;
    options.axes = axes;
    ASSERT_EQ(session.open(options), driver::Done);
    sequence = driver::entryOf(session.module(), "sequence");
    step = driver::entryOf(session.module(), "step");
    ASSERT_TRUE(sequence.function);
  }

  std::vector<Tensor> interpret(llvm::ArrayRef<Tensor> inputs, reference::Precision precision) {
    reference::Options options;
    options.precision = precision;
    options.checkpoint = session.checkpoint();
    std::vector<Tensor> arguments = inputs;
    auto outputs = reference::run(sequence.function, arguments, options);
    if (outputs)
      return std::move(*outputs);
    ADD_FAILURE() << llvm::toString(outputs.takeError());
    return {};
  }

  /// Random inputs of these sizes: whole sequences, and steps of the sizes in `steps`, on each level.
  void expectExact(const Shape &shape, llvm::ArrayRef<int64_t> steps = {}) {
    std::string label;
    driver::Sizes sizes;
    for (auto [axis, size] : shape) {
      sizes.suggest(axis, size);
      label += (axis + "=" + llvm::Twine(size) + " ").str();
    }
    SCOPED_TRACE(label);
    std::vector<Tensor> inputs, results, again;
    ASSERT_EQ(driver::makeInputs(sequence, {}, sizes, /*seed=*/1, inputs), driver::Done);
    std::vector<Tensor> truth = interpret(inputs, reference::Precision::F64);
    std::vector<Tensor> naive = interpret(inputs, reference::Precision::F32);
    auto expectGood = [&](const weft_module *code, llvm::StringRef what, llvm::ArrayRef<Tensor> results) {
      weft_entry_info info;
      weft_module_entry(code, WEFT_SEQUENCE, &info);
      ASSERT_EQ(truth.size(), results.size());
      for (auto [t, n, x] : llvm::zip(truth, naive, results)) {
        ASSERT_EQ(t.shape, x.shape);
        Comparison comparison = compare(t.values, n.values, x.values);
        EXPECT_TRUE(comparison.isWithinBound())
            << "x86-64-v" << info.cpu_level << ", " << what.str() << ": " << describe(comparison, t.shape);
      }
    };
    for (const Module &code : codes) {
      ASSERT_EQ(driver::runCode(code.get(), sequence, inputs, 0, /*threads=*/2, results), driver::Done);
      expectGood(code.get(), "whole", results);
      ASSERT_EQ(driver::runCode(code.get(), sequence, inputs, 0, /*threads=*/1, again), driver::Done);
      for (auto [two, one] : llvm::zip(results, again))
        EXPECT_EQ(std::memcmp(two.values.data(), one.values.data(), two.values.size() * sizeof(double)), 0)
            << "1 and 2 threads give different bits";
      for (int64_t size : steps) {
        ASSERT_EQ(driver::runCode(code.get(), step, inputs, size, /*threads=*/2, results), driver::Done);
        expectGood(code.get(), "steps of " + std::to_string(size), results);
      }
    }
  }

  std::optional<Scratch> scratch;
  driver::Session session;
  Entry sequence, step;
  std::vector<Module> codes;
};

// Lengths around the sizes of vectors, tiles and key blocks.
constexpr int64_t lengths[] = {1, 2, 7, 64, 129};

class Gpt2Test : public ShapesTest {
protected:
  void expectAllExact() {
    for (int64_t batch : {1, 3})
      for (int64_t length : lengths) {
        // Single steps where they are few, else two chunks of which the second continues a long cache.
        int64_t size = length <= 7 ? 1 : length - 1;
        expectExact({{"batch", batch}, {"seq", length}}, size);
      }
  }
};

TEST_F(Gpt2Test, IsExactAtFullSizeSlow) {
  ASSERT_NO_FATAL_FAILURE(make("gpt2/gpt2.weft"));
  expectAllExact();
}

TEST_F(Gpt2Test, IsExactAtFullDepth) {
  ASSERT_NO_FATAL_FAILURE(make("gpt2/gpt2.weft", {"vocab=50", "embed=96"}));
  expectAllExact();
}

class EncoderDecoderTest : public ShapesTest {
protected:
  void expectAllExact() {
    // One sequence with sides of different lengths, three with sides of one.
    for (auto [source, target] : llvm::zip(lengths, llvm::reverse(lengths)))
      expectExact({{"batch", 1}, {"src", source}, {"tgt", target}});
    for (int64_t length : lengths)
      expectExact({{"batch", 3}, {"src", length}, {"tgt", length}});
  }
};

TEST_F(EncoderDecoderTest, IsExactAtFullSizeSlow) {
  ASSERT_NO_FATAL_FAILURE(make("transformer/encoder_decoder.weft"));
  expectAllExact();
}

TEST_F(EncoderDecoderTest, IsExactAtFullDepth) {
  ASSERT_NO_FATAL_FAILURE(make("transformer/encoder_decoder.weft", {"vocab=50", "embed=64", "hidden=256"}));
  expectAllExact();
}

} // namespace
} // namespace weft::test
