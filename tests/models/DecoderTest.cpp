//===- DecoderTest.cpp - trained decoders say what float64 says ---------------------------------------------------===//
// Answers: does a compiled decoder choose the right tokens and give the right scores, on every kind of code, however
// its positions are cut into calls and however many threads there are?
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/models/Compiled.h"
#include "tests/models/Decoders.h"
#include "tests/models/Tool.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace weft::test {
namespace {

/// What single precision may differ by from double: twice what the original C program differs by on stories260K.
constexpr double tolerance = 8e-5;

/// A model, compiled for both levels into one library when a test first wants it. Each suite has its own, in a folder
/// of its own: suites run in processes beside each other.
struct Subject {
  explicit Subject(TrainedModel trained, const std::string &suffix = "", std::string profile = "generic")
      : model(std::move(trained)), profile(std::move(profile)), scratch(model.name + suffix) {}
  std::string library() {
    std::string path = scratch(model.name + ".so");
    if (!compiled)
      compiled = weft({"compile", model.source, "--weights", model.weights, "--cpu", "x86-64-v3,x86-64-v4", "--target",
                       "cpu,vulkan", "--vulkan-profile", profile, "--strict", "-q", "-o", path});
    return *compiled ? path : "";
  }
  TrainedModel model;
  std::string profile;
  Scratch scratch;
  std::optional<bool> compiled;
};

Subject &storiesSubject() {
  static Subject subject(stories());
  return subject;
}
Subject &storiesOnVulkan() {
  static Subject subject(stories(), ".vulkan");
  return subject;
}
Subject &storiesOfSubgroups() {
  static Subject subject(stories(), ".subgroups", "lavapipe-8");
  return subject;
}
Subject &talesSubject() {
  static Subject subject(tales());
  return subject;
}
Subject &talesOnVulkan() {
  static Subject subject(tales(), ".vulkan");
  return subject;
}

/// A model and the level of the code for it.
using Parameter = std::tuple<Subject &(*)(), int>;

class DecoderTest : public ::testing::TestWithParam<Parameter> {
protected:
  void SetUp() override {
    auto [subject, level] = GetParam();
    model = &subject().model;
    if (model->known.empty())
      GTEST_SKIP() << "there is no " << model->weights;
    std::string library = subject().library();
    ASSERT_FALSE(library.empty());
    module = load(library, level);
    if (!module)
      GTEST_SKIP() << "this machine does not run code for " << levelName(level);
  }

  static std::vector<int32_t> prompt(const Known &known) {
    return std::vector<int32_t>(known.tokens.begin(), known.tokens.begin() + known.prompt);
  }

  static void expectTokens(const std::vector<int32_t> &tokens, const Known &known) {
    size_t equal = 0;
    while (equal < tokens.size() && tokens[equal] == known.tokens[equal])
      ++equal;
    EXPECT_EQ(equal, known.tokens.size()) << "the first " << equal << " tokens are right, then comes " << tokens[equal];
  }

  /// A step for each token.
  static Logits inSteps(Decoder &decoder, llvm::ArrayRef<int32_t> tokens) {
    Logits all;
    for (size_t i = 0; i < tokens.size(); ++i)
      all.append(decoder.step(tokens.slice(i, 1)));
    return all;
  }

  /// The largest difference between the known scores and `logits`, which begin with the first position; NaN where one
  /// of them is.
  double error(const Known &known, const Logits &logits) const {
    double worst = 0;
    for (size_t i = 0; i < known.scores.size() && !std::isnan(worst); ++i) {
      float score = logits.row(known.firstScored + i / model->vocabulary)[i % model->vocabulary];
      double difference = std::fabs(score - known.scores[i]);
      worst = difference <= worst ? worst : difference;
    }
    return worst;
  }

  /// The positions up to the last whose scores are known.
  llvm::ArrayRef<int32_t> scored(const Known &known) const {
    return llvm::ArrayRef(known.tokens).take_front(known.firstScored + known.scores.size() / model->vocabulary);
  }

  void chooseWithTheCache() {
    Decoder decoder(module);
    for (const Known &known : model->known) {
      decoder.reset();
      std::vector<int32_t> tokens = prompt(known);
      int32_t next = inSteps(decoder, tokens).best(known.prompt - 1);
      while (tokens.push_back(next), tokens.size() < known.tokens.size())
        next = decoder.step(tokens.back()).best(0);
      expectTokens(tokens, known);
    }
  }

  void giveTheKnownScores() {
    Decoder decoder(module);
    for (const Known &known : model->known) {
      EXPECT_LE(error(known, decoder.run(scored(known))), tolerance);
      decoder.reset();
      EXPECT_LE(error(known, inSteps(decoder, scored(known))), tolerance);
    }
  }

  const TrainedModel *model = nullptr;
  Module module;
};

TEST_P(DecoderTest, ChoosesTheKnownTokensWithTheCache) { chooseWithTheCache(); }

TEST_P(DecoderTest, ChoosesTheKnownTokensFromWholeSequences) {
  Decoder decoder(module);
  for (const Known &known : model->known) {
    std::vector<int32_t> tokens = prompt(known);
    while (tokens.size() < known.tokens.size())
      tokens.push_back(decoder.run(tokens).best(tokens.size() - 1));
    expectTokens(tokens, known);
  }
}

/// Several sequences at once, each of which would go on in its own way.
TEST_P(DecoderTest, ChoosesTheKnownTokensInABatch) {
  size_t batch = model->known.size(), length = model->known[0].tokens.size();
  for (const Known &known : model->known)
    length = std::min(length, known.tokens.size());
  std::vector<int32_t> tokens;
  for (const Known &known : model->known)
    tokens.insert(tokens.end(), known.tokens.begin(), known.tokens.begin() + length);
  Decoder decoder(module);
  Logits whole = decoder.run(tokens, batch);
  for (size_t position = 0; position + 1 < length; ++position) {
    std::vector<int32_t> column;
    for (size_t i = 0; i < batch; ++i)
      column.push_back(tokens[i * length + position]);
    Logits step = decoder.step(column, batch);
    for (size_t i = 0; i < batch; ++i)
      if (const Known &known = model->known[i]; position + 1 >= known.prompt) {
        EXPECT_EQ(whole.best(i * length + position), known.tokens[position + 1]) << i << ", " << position;
        EXPECT_EQ(step.best(i), known.tokens[position + 1]) << i << ", " << position;
      }
  }
}

TEST_P(DecoderTest, GivesTheKnownScoresForWholeSequencesAndInSteps) { giveTheKnownScores(); }

TEST_P(DecoderTest, GivesTheKnownScoresWhereverThePromptIsSplit) {
  Decoder decoder(module);
  for (const Known &known : model->known) {
    llvm::ArrayRef<int32_t> tokens = scored(known);
    for (size_t split = 1; split < tokens.size(); ++split) {
      decoder.reset();
      Logits singly = decoder.step(tokens.take_front(split));
      singly.append(inSteps(decoder, tokens.drop_front(split)));
      EXPECT_LE(error(known, singly), tolerance) << "single steps after " << split;
      decoder.reset();
      Logits twice = decoder.step(tokens.take_front(split));
      twice.append(decoder.step(tokens.drop_front(split)));
      EXPECT_LE(error(known, twice), tolerance) << "one step after " << split;
    }
  }
}

TEST_P(DecoderTest, GivesTheSameBitsOnOneAndTwoThreads) {
  Decoder one(module, 1), two(module, 2);
  auto same = [](const Logits &a, const Logits &b) {
    return a.values.size() == b.values.size() && !a.values.empty() &&
           std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(float)) == 0;
  };
  for (const Known &known : model->known) {
    EXPECT_TRUE(same(one.run(known.tokens), two.run(known.tokens)));
    one.reset();
    two.reset();
    llvm::ArrayRef<int32_t> tokens = known.tokens, start = tokens.take_front(known.prompt);
    EXPECT_TRUE(same(one.step(start), two.step(start)));
    EXPECT_TRUE(same(inSteps(one, tokens.drop_front(known.prompt)), inSteps(two, tokens.drop_front(known.prompt))));
  }
}

/// The tests for which a device in software is not too slow.
class VulkanDecoderTest : public DecoderTest {};

TEST_P(VulkanDecoderTest, ChoosesTheKnownTokensWithTheCache) { chooseWithTheCache(); }
TEST_P(VulkanDecoderTest, GivesTheKnownScoresForWholeSequencesAndInSteps) { giveTheKnownScores(); }

std::string parameterName(const ::testing::TestParamInfo<Parameter> &info) {
  return "v" + std::to_string(std::get<1>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Stories, DecoderTest,
                         ::testing::Values(Parameter(storiesSubject, 3), Parameter(storiesSubject, 4)), parameterName);
INSTANTIATE_TEST_SUITE_P(Tales, DecoderTest, ::testing::Values(Parameter(talesSubject, 3), Parameter(talesSubject, 4)),
                         parameterName);
INSTANTIATE_TEST_SUITE_P(Stories, VulkanDecoderTest, ::testing::Values(Parameter(storiesOnVulkan, onVulkan)));
INSTANTIATE_TEST_SUITE_P(StoriesOfSubgroups, VulkanDecoderTest,
                         ::testing::Values(Parameter(storiesOfSubgroups, onVulkan)));
INSTANTIATE_TEST_SUITE_P(SlowTales, VulkanDecoderTest, ::testing::Values(Parameter(talesOnVulkan, onVulkan)));

/// The test of the tests: without this, an empty list of answers would pass.
TEST(KnownAnswers, AreAsManyAsTheyShouldBe) {
  const TrainedModel tales = test::tales();
  ASSERT_GE(tales.known.size(), 2u);
  for (const Known &known : tales.known) {
    EXPECT_GE(known.tokens.size(), known.prompt + 200);
    EXPECT_EQ(known.scores.size(), tales.vocabulary);
  }
  const TrainedModel stories = test::stories();
  if (stories.known.empty())
    GTEST_SKIP() << "there is no " << stories.weights;
  ASSERT_EQ(stories.known.size(), 9u);
  EXPECT_EQ(stories.known[0].tokens.size(), 512u);
  EXPECT_EQ(stories.known[0].scores.size(), 64 * stories.vocabulary);
}

} // namespace
} // namespace weft::test
