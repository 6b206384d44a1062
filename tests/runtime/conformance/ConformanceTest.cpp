//===- ConformanceTest.cpp - does every device behave alike where results do not matter? --------------------------===//
// Descriptions, refusals, shapes, memory and the bookkeeping of the cache: one suite over all devices.
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/null/null.h"
#include "tests/runtime/support.h"
#include <gmock/gmock.h>

using namespace weft_test;
using testing::HasSubstr;

namespace {

class Conformance : public testing::TestWithParam<const char *> {
protected:
  const std::string missing = missingDevice(GetParam());
  Module module = missing.empty() ? load(weft_module_toy, GetParam()) : nullptr;
  Context context = missing.empty() ? open(module, 2) : nullptr;
  weft_error error{};

  void SetUp() override {
    if (!missing.empty())
      GTEST_SKIP() << missing;
  }

  weft_status run(const weft_view &input) { return weft_run(context.get(), &input, 1, nullptr, 0, &error); }
  weft_status step(int64_t batch, int64_t count) {
    std::vector<int32_t> tokens = someTokens(batch * count);
    weft_view input = view(tokens, {batch, count});
    return weft_step(context.get(), &input, 1, nullptr, 0, &error);
  }
};

std::string name(const testing::TestParamInfo<const char *> &info) { return info.param; }
INSTANTIATE_TEST_SUITE_P(Devices, Conformance, testing::Values("cpu", "vulkan", "null"), name);

TEST_P(Conformance, DescribesEntries) {
  weft_entry_info info;
  ASSERT_TRUE(weft_module_entry(module.get(), WEFT_SEQUENCE, &info));
  EXPECT_STREQ(info.name, "toy");
  EXPECT_EQ(info.inputs, 1u);
  EXPECT_EQ(info.outputs, 1u);
  EXPECT_EQ(info.position_axis, nullptr);
  ASSERT_TRUE(weft_module_entry(module.get(), WEFT_STEP, &info));
  EXPECT_STREQ(info.position_axis, "seq");
  EXPECT_EQ(info.context, TOY_CONTEXT);
  EXPECT_EQ(info.caches, 1u);
  EXPECT_FALSE(weft_module_entry(module.get(), static_cast<weft_kind>(7), &info));
  EXPECT_STREQ(weft_module_name(module.get()), "toy");
  EXPECT_EQ(weft_module_weights_bytes(module.get()), uint64_t(TOY_WEIGHTS));
}

TEST_P(Conformance, DescribesTensors) {
  weft_tensor_info info;
  ASSERT_TRUE(weft_module_tensor(module.get(), WEFT_STEP, WEFT_OUTPUT, 0, &info));
  EXPECT_STREQ(info.name, "logits");
  EXPECT_EQ(info.type, WEFT_F32);
  ASSERT_EQ(info.rank, 3);
  EXPECT_EQ(info.shape[0], WEFT_RUNTIME_SIZE);
  EXPECT_STREQ(info.runtime_axes[1], "seq");
  EXPECT_EQ(info.shape[2], TOY_SYMBOLS);
  EXPECT_STREQ(info.axes[2], "vocab");
  EXPECT_EQ(info.runtime_axes[2], nullptr);
  EXPECT_FALSE(weft_module_tensor(module.get(), WEFT_STEP, WEFT_OUTPUT, 1, &info));
  EXPECT_EQ(weft_module_find(module.get(), WEFT_STEP, WEFT_CACHE, "tokens_seen"), 0);
  EXPECT_EQ(weft_module_find(module.get(), WEFT_SEQUENCE, WEFT_INPUT, "nothing"), -1);
}

TEST_P(Conformance, GivesOutputsTheirShape) {
  std::vector<int32_t> tokens = someTokens(6);
  ASSERT_EQ(run(view(tokens, {2, 3})), WEFT_OK) << error.message;
  weft_view output = weft_output(context.get(), 0);
  EXPECT_EQ(std::vector<int64_t>(output.shape, output.shape + output.rank), (std::vector<int64_t>{2, 3, TOY_SYMBOLS}));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(output.data) % 64, 0u);
  EXPECT_EQ(weft_output(context.get(), 1).data, nullptr);
}

TEST_P(Conformance, TellsShapesBeforeRunning) {
  weft_view input = view({}, {2, 3}), output{};
  ASSERT_EQ(weft_module_shapes(module.get(), WEFT_SEQUENCE, &input, 1, &output, 1, &error), WEFT_OK) << error.message;
  EXPECT_EQ(output.rank, 3);
  EXPECT_EQ(output.shape[1], 3);
  EXPECT_EQ(weft_module_shapes(module.get(), WEFT_SEQUENCE, &input, 1, nullptr, 0, &error), WEFT_MISUSE);
}

TEST_P(Conformance, RefusesWrongInputs) {
  std::vector<int32_t> tokens = someTokens(6);
  weft_view input = view(tokens, {6});
  EXPECT_EQ(run(input), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "input 'tokens' has shape [6] but the model wants [batch, seq]");
  input = view(tokens, {2, 3});
  input.type = WEFT_F32;
  EXPECT_EQ(run(input), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "input 'tokens' is f32 but the model wants i32");
  input.type = static_cast<weft_type>(9);
  EXPECT_EQ(run(input), WEFT_MISUSE);
  input = view(tokens, {2, -3});
  EXPECT_EQ(run(input), WEFT_MISUSE);
  input = view(tokens, {2, 3});
  input.rank = 9;
  EXPECT_EQ(run(input), WEFT_MISUSE);
  input = view(tokens, {2, 3});
  input.data = nullptr;
  EXPECT_EQ(run(input), WEFT_MISUSE);
  EXPECT_STREQ(error.message, "input 'tokens' has no data");
  input.data = reinterpret_cast<char *>(tokens.data()) + 1;
  EXPECT_EQ(run(input), WEFT_MISUSE);
  EXPECT_EQ(weft_run(context.get(), nullptr, 1, nullptr, 0, &error), WEFT_MISUSE);
  EXPECT_EQ(weft_run(context.get(), &input, 2, nullptr, 0, &error), WEFT_MISUSE);
  EXPECT_STREQ(error.message, "entry 'toy' takes 1 inputs, not 2");
  EXPECT_EQ(weft_output(context.get(), 0).data, nullptr);
}

TEST_P(Conformance, RefusesSizesBeyondMemory) {
  std::vector<int32_t> tokens(1);
  EXPECT_EQ(run(view(tokens, {int64_t(1) << 31, int64_t(1) << 31})), WEFT_MISUSE);
  weft_view input = view(tokens, {int64_t(1) << 30, int64_t(1) << 29});
  EXPECT_EQ(run(input), WEFT_BAD_INPUT);
  EXPECT_THAT(error.message, HasSubstr("more bytes than can be addressed"));
}

TEST_P(Conformance, UsesMemoryOfTheCaller) {
  std::vector<int32_t> tokens = someTokens(6);
  std::vector<float> logits(6 * TOY_SYMBOLS);
  weft_view input = view(tokens, {2, 3}), output{logits.data(), WEFT_F32, 3, {2, 3, TOY_SYMBOLS}};
  ASSERT_EQ(weft_run(context.get(), &input, 1, &output, 1, &error), WEFT_OK) << error.message;
  EXPECT_EQ(weft_output(context.get(), 0).data, logits.data());
  output.shape[1] = 4;
  EXPECT_EQ(weft_run(context.get(), &input, 1, &output, 1, &error), WEFT_MISUSE);
  EXPECT_STREQ(error.message, "output 'logits' has shape [2, 3, 256] but the memory given for it has [2, 4, 256]");
  output.shape[1] = 3;
  output.type = WEFT_I32;
  EXPECT_EQ(weft_run(context.get(), &input, 1, &output, 1, &error), WEFT_MISUSE);
  EXPECT_EQ(weft_run(context.get(), &input, 1, &output, 2, &error), WEFT_MISUSE);
}

TEST_P(Conformance, AcceptsEmptySequences) {
  ASSERT_EQ(run(view({}, {0, 5})), WEFT_OK) << error.message;
  ASSERT_EQ(run(view({}, {2, 0})), WEFT_OK) << error.message;
  EXPECT_EQ(weft_output(context.get(), 0).shape[1], 0);
  ASSERT_EQ(step(1, 0), WEFT_OK) << error.message;
  EXPECT_EQ(weft_past(context.get()), 0);
}

TEST_P(Conformance, CountsThePast) {
  EXPECT_EQ(step(2, 5), WEFT_OK) << error.message;
  EXPECT_EQ(step(2, 1), WEFT_OK) << error.message;
  EXPECT_EQ(weft_past(context.get()), 6);
  EXPECT_EQ(weft_truncate(context.get(), 7, &error), WEFT_MISUSE);
  EXPECT_STREQ(error.message, "the cache holds 6 positions and cannot be truncated to 7");
  EXPECT_EQ(weft_truncate(context.get(), -1, &error), WEFT_MISUSE);
  EXPECT_EQ(weft_truncate(context.get(), 2, &error), WEFT_OK);
  EXPECT_EQ(weft_past(context.get()), 2);
  weft_reset(context.get());
  EXPECT_EQ(weft_past(context.get()), 0);
}

TEST_P(Conformance, RefusesStepsPastTheContext) {
  ASSERT_EQ(step(1, TOY_CONTEXT - 3), WEFT_OK) << error.message;
  EXPECT_EQ(step(1, 4), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "a step of 4 positions after 45 in the cache does not fit in the context of 48");
  EXPECT_EQ(weft_past(context.get()), TOY_CONTEXT - 3);
  EXPECT_EQ(step(1, 3), WEFT_OK) << error.message;
  EXPECT_EQ(step(1, 1), WEFT_BAD_INPUT);
}

TEST_P(Conformance, KeepsTheBatchOfACache) {
  ASSERT_EQ(step(2, 3), WEFT_OK) << error.message;
  EXPECT_EQ(step(3, 1), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "axis 'batch' is 3 but the cache was begun with 2; reset the context to change it");
  weft_reset(context.get());
  EXPECT_EQ(step(3, 1), WEFT_OK) << error.message;
}

TEST_P(Conformance, MayRunSequencesBetweenSteps) {
  std::vector<int32_t> tokens = someTokens(4);
  ASSERT_EQ(step(2, 3), WEFT_OK);
  ASSERT_EQ(run(view(tokens, {1, 4})), WEFT_OK);
  EXPECT_EQ(weft_past(context.get()), 3);
  EXPECT_EQ(step(2, 1), WEFT_OK) << error.message;
}

TEST_P(Conformance, LacksEntriesWithASentence) {
  weft_abi_module half = weft_module_toy;
  half.entries = 1;
  Module sequencesOnly = load(half, GetParam());
  Context other = open(sequencesOnly);
  EXPECT_EQ(weft_step(other.get(), nullptr, 0, nullptr, 0, &error), WEFT_MISUSE);
  EXPECT_STREQ(error.message, "model 'toy' has no entry for steps: it has no cache");
  half.entry = &weft_module_toy.entry[1];
  Module stepsOnly = load(half, GetParam());
  Context another = open(stepsOnly);
  EXPECT_EQ(weft_run(another.get(), nullptr, 0, nullptr, 0, &error), WEFT_MISUSE);
}

TEST_P(Conformance, MayLoseItsModuleFirst) {
  module.reset();
  EXPECT_EQ(step(1, 1), WEFT_OK);
}

TEST_P(Conformance, RefusesImpossibleThreads) {
  for (int threads : {-1, 1025}) {
    weft_context_options options{threads};
    weft_context *other = nullptr;
    EXPECT_EQ(weft_context_create(module.get(), &options, &other, &error), WEFT_MISUSE);
    EXPECT_EQ(other, nullptr);
  }
}

TEST_P(Conformance, DoesWithoutAnErrorPlace) {
  EXPECT_EQ(weft_run(context.get(), nullptr, 0, nullptr, 0, nullptr), WEFT_MISUSE);
  EXPECT_EQ(weft_run(nullptr, nullptr, 0, nullptr, 0, nullptr), WEFT_MISUSE);
  EXPECT_EQ(weft_module_from_descriptor(nullptr, nullptr, nullptr, nullptr), WEFT_MISUSE);
  EXPECT_EQ(weft_context_create(nullptr, nullptr, nullptr, nullptr), WEFT_MISUSE);
  weft_module_destroy(nullptr);
  weft_context_destroy(nullptr);
}

TEST(NullDevice, RecordsCalls) {
  Module module = load(weft_module_toy, "null");
  Context context = open(module);
  std::vector<int32_t> tokens = someTokens(6);
  weft_view input = view(tokens, {2, 3});
  weft_error error;
  ASSERT_EQ(weft_step(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK);
  ASSERT_EQ(weft_step(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK);
  for (float x : floats(weft_output(context.get(), 0)))
    ASSERT_EQ(x, 0);
  ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK);
  const weft_null_record *records;
  ASSERT_EQ(weft_null_calls(context.get(), &records), 3u);
  EXPECT_EQ(records[1].kind, WEFT_STEP);
  EXPECT_EQ(records[1].past, 3);
  EXPECT_EQ(records[1].input_elements, 6);
  EXPECT_EQ(records[1].output_elements, 6 * TOY_SYMBOLS);
  EXPECT_EQ(records[2].kind, WEFT_SEQUENCE);
}

TEST(Devices, AreListedWhereThereIsNone) {
  weft_load_options options{};
  options.device = "abacus";
  weft_module *module;
  weft_error error;
  EXPECT_EQ(weft_module_from_descriptor(&weft_module_toy, &options, &module, &error), WEFT_MISUSE);
  EXPECT_STREQ(error.message, "there is no device 'abacus'; this runtime has 'cpu', 'vulkan', 'null'");
}

} // namespace
