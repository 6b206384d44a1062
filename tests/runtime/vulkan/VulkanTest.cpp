//===- VulkanTest.cpp - does the toy compute on a Vulkan device what it computes on a CPU?
//-------------------------===//
// Results, steps, replay without recording, indices out of range; with memory that host and device share, and as if
// they had memory of their own each.
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/core/context.h"
#include "runtime/vulkan/state.h"
#include "tests/runtime/support.h"
#include <chrono>
#include <gmock/gmock.h>

using namespace weft_test;
using testing::HasSubstr;

namespace {

class Vulkan : public testing::TestWithParam<const char *> {
protected:
  const std::string missing = missingDevice("vulkan");
  weft_error error{};
  Module module;
  Context context;

  void SetUp() override {
    if (!missing.empty())
      GTEST_SKIP() << missing;
    setenv("WEFT_VULKAN_MEMORY", GetParam(), 1);
    module = load(weft_module_toy, "vulkan");
    unsetenv("WEFT_VULKAN_MEMORY");
    context = open(module);
  }
  weft_vk_state *state() { return static_cast<weft_vk_state *>(context->device_state); }
  uint64_t recorded(weft_kind kind) { return state()->recordings[kind].recorded; }
  weft_status run(const std::vector<int32_t> &tokens, int64_t batch, int64_t seq) {
    weft_view input = view(tokens, {batch, seq});
    return weft_run(context.get(), &input, 1, nullptr, 0, &error);
  }
  weft_status step(const std::vector<int32_t> &tokens) {
    weft_view input = view(tokens, {1, static_cast<int64_t>(tokens.size())});
    return weft_step(context.get(), &input, 1, nullptr, 0, &error);
  }
  std::vector<float> output() { return floats(weft_output(context.get(), 0)); }
};

std::string name(const testing::TestParamInfo<const char *> &info) { return info.param; }
INSTANTIATE_TEST_SUITE_P(Memory, Vulkan, testing::Values("unified", "separate"), name);

TEST_P(Vulkan, ComputesWholeSequences) {
  for (auto [batch, seq] : {std::pair<int64_t, int64_t>{1, 1}, {2, 3}, {17, 20}, {3, 1}, {1, 300}}) {
    std::vector<int32_t> tokens = someTokens(batch * seq);
    ASSERT_EQ(run(tokens, batch, seq), WEFT_OK) << error.message;
    EXPECT_EQ(output(), toyLogits(tokens, batch, seq)) << batch << " x " << seq;
  }
}

TEST_P(Vulkan, ContinuesItsCache) {
  std::vector<int32_t> tokens = someTokens(20);
  std::vector<float> expected = toyLogits(tokens, 1, 20), got;
  for (size_t at = 0; at < tokens.size(); at += 4) {
    ASSERT_EQ(step({tokens.begin() + at, tokens.begin() + at + 4}), WEFT_OK) << error.message;
    std::vector<float> part = output();
    got.insert(got.end(), part.begin(), part.end());
  }
  EXPECT_EQ(got, expected);
  ASSERT_EQ(weft_truncate(context.get(), 19, &error), WEFT_OK);
  ASSERT_EQ(step({tokens.back()}), WEFT_OK) << error.message;
  EXPECT_EQ(output(), std::vector<float>(expected.end() - TOY_SYMBOLS, expected.end()));
}

TEST_P(Vulkan, RecordsOnceForAllSizesAndPositions) {
  std::vector<int32_t> tokens = someTokens(40);
  ASSERT_EQ(step({tokens[0], tokens[1], tokens[2], tokens[3]}), WEFT_OK) << error.message;
  ASSERT_EQ(step({tokens[4]}), WEFT_OK) << error.message;
  // What the host reads is copied where memory is separate, and how much of it is part of the commands.
  uint64_t first = recorded(WEFT_STEP);
  EXPECT_EQ(first, GetParam() == std::string("unified") ? 1u : 2u);
  for (int i = 5; i < 40; ++i)
    ASSERT_EQ(step({tokens[i]}), WEFT_OK) << error.message;
  EXPECT_EQ(recorded(WEFT_STEP), first);
  std::vector<float> expected = toyLogits(tokens, 1, 40);
  EXPECT_EQ(output(), std::vector<float>(expected.end() - TOY_SYMBOLS, expected.end()));
  ASSERT_EQ(run(tokens, 2, 20), WEFT_OK);
  EXPECT_EQ(recorded(WEFT_STEP), first);
  EXPECT_EQ(recorded(WEFT_SEQUENCE), 1u);
}

TEST_P(Vulkan, WritesToMemoryOfTheCaller) {
  std::vector<int32_t> tokens = someTokens(6);
  std::vector<float> logits(6 * TOY_SYMBOLS);
  weft_view input = view(tokens, {2, 3}), output{logits.data(), WEFT_F32, 3, {2, 3, TOY_SYMBOLS}};
  for (int round = 0; round < 3; ++round) {
    std::fill(logits.begin(), logits.end(), -1.0f);
    ASSERT_EQ(weft_run(context.get(), &input, 1, &output, 1, &error), WEFT_OK) << error.message;
    EXPECT_EQ(logits, toyLogits(tokens, 2, 3));
  }
  ASSERT_EQ(run(tokens, 2, 3), WEFT_OK);
  EXPECT_EQ(this->output(), toyLogits(tokens, 2, 3));
}

TEST_P(Vulkan, ReportsTheFirstIndexOutOfRange) {
  std::vector<int32_t> tokens = someTokens(40);
  tokens[33] = 256;
  tokens[12] = -7;
  EXPECT_EQ(run(tokens, 2, 20), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "tokens[0, 12] is -7, which is not in 0 .. 255");
  EXPECT_EQ(weft_output(context.get(), 0).data, nullptr);
  tokens[12] = 0;
  EXPECT_EQ(run(tokens, 2, 20), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "tokens[1, 13] is 256, which is not in 0 .. 255");
  tokens[33] = 255;
  EXPECT_EQ(run(tokens, 2, 20), WEFT_OK) << error.message;
  EXPECT_EQ(step({tokens[0], 300}), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "tokens[0, 1] is 300, which is not in 0 .. 255");
  EXPECT_EQ(weft_past(context.get()), 0);
}

TEST_P(Vulkan, ServesSeveralContexts) {
  Context other = open(module);
  std::vector<int32_t> tokens = someTokens(8);
  ASSERT_EQ(step({tokens.begin(), tokens.begin() + 4}), WEFT_OK);
  weft_view input = view(tokens, {1, 8});
  ASSERT_EQ(weft_step(other.get(), &input, 1, nullptr, 0, &error), WEFT_OK) << error.message;
  ASSERT_EQ(step({tokens.begin() + 4, tokens.end()}), WEFT_OK);
  std::vector<float> all = toyLogits(tokens, 1, 8);
  EXPECT_EQ(floats(weft_output(other.get(), 0)), all);
  EXPECT_EQ(output(), std::vector<float>(all.begin() + 4 * TOY_SYMBOLS, all.end()));
}

/// The toy, with code that counts the time of its two kernels.
struct Timed {
  std::vector<weft_abi_entry> entries{weft_module_toy.entry, weft_module_toy.entry + weft_module_toy.entries};
  std::vector<std::vector<weft_abi_code>> codes;
  weft_abi_module module = weft_module_toy;
  uint64_t ticks[2] = {};

  Timed() {
    for (weft_abi_entry &entry : entries) {
      codes.emplace_back(entry.code, entry.code + entry.codes);
      codes.back().back().calls = 2;
      codes.back().back().ticks = ticks;
      entry.code = codes.back().data();
    }
    module.entry = entries.data();
  }
};

TEST_P(Vulkan, CountsTheTimeOfEachKernel) {
  Timed timed;
  std::shared_ptr<void> end(nullptr, [&](void *) { context.reset(), module.reset(); }); // before `timed` does
  module = load(timed.module, "vulkan");
  context = open(module);
  std::vector<int32_t> tokens = someTokens(40);
  uint64_t before[2] = {};
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(run(tokens, 2, 20), WEFT_OK) << error.message;
    EXPECT_EQ(output(), toyLogits(tokens, 2, 20));
    for (int i = 0; i < 2; ++i) {
      EXPECT_GT(timed.ticks[i], before[i]) << i;
      EXPECT_LT(timed.ticks[i], before[i] + 60'000'000'000) << i;
      before[i] = timed.ticks[i];
    }
    ASSERT_EQ(step({tokens.begin(), tokens.begin() + 3}), WEFT_OK) << error.message;
  }
  EXPECT_EQ(recorded(WEFT_SEQUENCE), 2u) << "anew only after the memory of the first step had been made";
  state()->gpu->physical.timestamp_bits = 0;
  EXPECT_EQ(run(tokens, 2, 20), WEFT_NO_DEVICE);
  EXPECT_THAT(error.message, HasSubstr("has no clock that kernels could be timed by"));
}

TEST_P(Vulkan, FailsForGoodOnceTheDeviceIsLost) {
  std::vector<int32_t> tokens = someTokens(4);
  ASSERT_EQ(run(tokens, 1, 4), WEFT_OK);
  EXPECT_EQ(weft_gpu_fail(state()->gpu, VK_ERROR_DEVICE_LOST, "entry 'toy' (2 dispatches)", &error), WEFT_DEVICE_LOST);
  EXPECT_THAT(error.message, HasSubstr("was lost in entry 'toy' (2 dispatches)"));
  EXPECT_EQ(run(tokens, 1, 4), WEFT_DEVICE_LOST);
  EXPECT_THAT(error.message, HasSubstr("was lost in an earlier call"));
  EXPECT_EQ(weft_output(context.get(), 0).data, nullptr);
  Context other = open(module);
  weft_view input = view(tokens, {1, 4});
  EXPECT_EQ(weft_run(other.get(), &input, 1, nullptr, 0, &error), WEFT_DEVICE_LOST);
  Module again = load(weft_module_toy, "vulkan");
  Context anew = open(again);
  EXPECT_EQ(weft_run(anew.get(), &input, 1, nullptr, 0, &error), WEFT_OK) << error.message;
}

TEST_P(Vulkan, SaysHowMuchMemoryIsMissing) {
  weft_gpu *gpu = state()->gpu;
  weft_vk_memory memory;
  uint64_t bytes = uint64_t(1) << 50;
  EXPECT_EQ(weft_vk_memory_create(gpu, WEFT_VK_LOCAL, bytes, "the weights", &memory, &error), WEFT_NO_MEMORY);
  EXPECT_THAT(error.message, HasSubstr("1125899906842624 bytes for the weights could not be allocated on vulkan:"));
  EXPECT_EQ(memory.buffer, VkBuffer(VK_NULL_HANDLE));
  gpu->physical.largest_allocation = 100000;
  std::vector<int32_t> tokens = someTokens(300);
  EXPECT_EQ(run(tokens, 1, 300), WEFT_NO_MEMORY);
  EXPECT_THAT(error.message, HasSubstr("307200 bytes for an output"));
  EXPECT_EQ(run(tokens, 30, 1), WEFT_OK) << error.message;
}

} // namespace
