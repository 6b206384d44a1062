//===- WeightTypesTest.cpp - a trained decoder with weights in narrow types ---------------------------------------===//
// Answers: does a decoder whose weights are rounded still choose the tokens that lead clearly, and does one whose
// checkpoint is rounded already give the scores of float64?
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/models/Compiled.h"
#include "tests/models/Decoders.h"
#include "tests/models/Tool.h"
#include "llvm/Support/FileSystem.h"
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

namespace weft::test {
namespace {

constexpr size_t tokensCompared = 64;

/// A type, and what there is code for.
struct Typed {
  std::string type, activations, device;
  std::vector<std::string> options; ///< of `weft compile`
  std::vector<int> levels;
  double lead; ///< of a token in float64, from which on no rounding may change the choice
};

void PrintTo(const Typed &typed, std::ostream *out) { *out << typed.type << " with " << typed.activations; }

/// By how much the best score leads.
double leadOf(llvm::ArrayRef<double> scores) {
  std::vector<double> sorted(scores.begin(), scores.end());
  std::partial_sort(sorted.begin(), sorted.begin() + 2, sorted.end(), std::greater<>());
  return sorted[0] - sorted[1];
}

class TypesOfDecoders : public ::testing::TestWithParam<Typed> {};

TEST_P(TypesOfDecoders, ChangeNoClearChoice) {
  const Typed &typed = GetParam();
  TrainedModel model = stories();
  if (model.known.empty())
    GTEST_SKIP() << "there is no " << model.weights;
  Scratch scratch("types-" + typed.type);
  std::string library = scratch("model.so");
  std::vector<std::string> command = {"compile", model.source, "--weights",     model.weights,
                                      "--type",  typed.type,   "--activations", typed.activations,
                                      "-q",      "-o",         library};
  command.insert(command.end(), typed.options.begin(), typed.options.end());
  ASSERT_TRUE(weft(command));
  llvm::ArrayRef<int32_t> known = llvm::ArrayRef(model.known[0].tokens).take_front(tokensCompared);
  for (int level : typed.levels) {
    Module module = load(library, level);
    if (!module)
      continue; // not on this machine
    SCOPED_TRACE(level);
    Decoder decoder(module, 2);
    Logits whole = decoder.run(known.drop_back());
    for (size_t i = 0; i + 1 < known.size(); ++i) {
      int32_t inStep = decoder.step(known[i]).best(0);
      if (leadOf(llvm::ArrayRef(model.known[0].scores).slice(i * model.vocabulary, model.vocabulary)) < typed.lead)
        continue;
      EXPECT_EQ(inStep, known[i + 1]) << "in a step, after " << i + 1 << " tokens";
      EXPECT_EQ(whole.best(i), known[i + 1]) << "in a whole sequence, after " << i + 1 << " tokens";
    }
  }
}

std::vector<Typed> typedDecoders() {
  const std::vector<std::string> levels = {"--cpu", "x86-64-v3,x86-64-v4,x86-64-v4-bf16"},
                                 dots = {"--cpu", "x86-64-v4-bf16"};
  std::vector<Typed> all = {{"bf16", "f32", "CPU", levels, {3, 4, 5}, 0},
                            {"int8", "f32", "CPU", levels, {3, 4, 5}, 0.1},
                            {"int8", "int8", "CPU", dots, {5}, 0.1}};
  for (int level : {onVulkan, onSubgroups}) {
    std::string device = level == onVulkan ? "Vulkan" : "VulkanBySubgroups";
    all.push_back({"bf16", "f32", device, levelOptions(level), {level}, 0});
    all.push_back({"int8", "f32", device, levelOptions(level), {level}, 0.1});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Stories, TypesOfDecoders, ::testing::ValuesIn(typedDecoders()), [](const auto &info) {
  return info.param.type + "With" + info.param.activations + "On" + info.param.device;
});

// Weights of bf16 lose nothing in bf16: steps, which keep activations, are as exact as those of f32 weights.
TEST(WeightsOfBF16, GiveTheScoresOfFloat64) {
  constexpr double tolerance = 8e-5; // as for f32 weights in DecoderTest
  std::string folder = shared("data/stories260K/"), weights = folder + "model_hf_bf16.safetensors";
  TrainedModel model = stories();
  if (!llvm::sys::fs::exists(weights) || model.known.empty())
    GTEST_SKIP() << "there is no " << weights;
  std::vector<double> scores = readDoubles(folder + "logits_f64_bf16weights_first64.npy");
  Scratch scratch("types-checkpoint");
  std::string library = scratch("model.so");
  ASSERT_TRUE(weft({"compile", model.source, "--weights", weights, "--cpu", "x86-64-v3,x86-64-v4", "--type", "bf16",
                    "-q", "-o", library}));
  Module module = load(library, 4);
  if (!module)
    module = load(library, 3);
  ASSERT_TRUE(module);
  Decoder decoder(module);
  size_t positions = scores.size() / model.vocabulary;
  ASSERT_EQ(positions * model.vocabulary, scores.size());
  double worst = 0;
  for (size_t i = 0; i < positions; ++i) {
    Logits logits = decoder.step(model.known[0].tokens[i]);
    for (size_t v = 0; v < model.vocabulary; ++v)
      worst = std::max(worst, std::fabs(logits.row(0)[v] - scores[i * model.vocabulary + v]));
  }
  EXPECT_LE(worst, tolerance);
}

} // namespace
} // namespace weft::test
