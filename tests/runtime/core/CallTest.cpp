//===- CallTest.cpp - are the results right, whatever the path to them? -------------------------------------------===//
// Whole sequences, steps split at every point, any number of threads, batches, reports of bad indices.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/runtime/support.h"

using namespace weft_test;

extern "C" int run_toy_from_c(void);

namespace {

TEST(Call, ExampleOfTheHeaderWorks) { EXPECT_EQ(run_toy_from_c(), 0); }

std::vector<float> sequence(const Context &context, const std::vector<int32_t> &tokens, int64_t batch) {
  weft_view input = view(tokens, {batch, static_cast<int64_t>(tokens.size()) / batch});
  weft_error error{};
  EXPECT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK) << error.message;
  return floats(weft_output(context.get(), 0));
}

std::vector<float> step(const Context &context, const std::vector<int32_t> &tokens) {
  weft_view input = view(tokens, {1, static_cast<int64_t>(tokens.size())});
  weft_error error{};
  EXPECT_EQ(weft_step(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK) << error.message;
  return floats(weft_output(context.get(), 0));
}

TEST(Call, SequencesAreRightForAllSizesAndThreads) {
  Module module = load(weft_module_toy);
  for (int threads : {0, 1, 2, 3, 7}) {
    Context context = open(module, threads);
    for (int64_t batch : {1, 3})
      for (int64_t seq : {1, 2, 7, 33}) {
        std::vector<int32_t> tokens = someTokens(batch * seq);
        EXPECT_EQ(sequence(context, tokens, batch), toyLogits(tokens, batch, seq)) << threads << " threads";
      }
  }
}

TEST(Call, StepsEqualTheSequenceWhereverItIsSplit) {
  Module module = load(weft_module_toy);
  Context context = open(module, 2);
  std::vector<int32_t> tokens = someTokens(12);
  std::vector<float> whole = sequence(context, tokens, 1);
  for (size_t split = 0; split <= tokens.size(); ++split) {
    weft_reset(context.get());
    std::vector<float> logits = step(context, {tokens.begin(), tokens.begin() + split});
    for (size_t i = split; i < tokens.size(); ++i) {
      std::vector<float> more = step(context, {tokens[i]});
      logits.insert(logits.end(), more.begin(), more.end());
    }
    EXPECT_EQ(logits, whole) << "split at " << split;
  }
}

TEST(Call, TruncatedPositionsAreForgotten) {
  Module module = load(weft_module_toy);
  Context context = open(module);
  std::vector<int32_t> tokens = someTokens(9);
  std::vector<float> first = step(context, tokens);
  ASSERT_EQ(weft_truncate(context.get(), 4, nullptr), WEFT_OK);
  std::vector<float> again = step(context, {tokens.begin() + 4, tokens.end()});
  EXPECT_TRUE(std::equal(again.begin(), again.end(), first.begin() + 4 * TOY_SYMBOLS));
}

// The second call with the same sizes checks and fills in nothing but addresses.
TEST(Call, CallsWithTheSameSizesHaveAddressesOfTheirOwn) {
  Module module = load(weft_module_toy);
  Context context = open(module);
  std::vector<int32_t> first = someTokens(6), second = someTokens(6, 11);
  std::vector<float> given(6 * TOY_SYMBOLS);
  weft_view output{given.data(), WEFT_F32, 3, {1, 6, TOY_SYMBOLS}};
  weft_error error;
  for (int repeat = 0; repeat < 3; ++repeat) {
    EXPECT_EQ(sequence(context, first, 1), toyLogits(first, 1, 6));
    EXPECT_EQ(sequence(context, second, 1), toyLogits(second, 1, 6));
    EXPECT_EQ(sequence(context, second, 2), toyLogits(second, 2, 3)) << "as many numbers, another shape";
    weft_view input = view(first, {1, 6});
    ASSERT_EQ(weft_run(context.get(), &input, 1, &output, 1, &error), WEFT_OK) << error.message;
    EXPECT_EQ(given, toyLogits(first, 1, 6));
    EXPECT_EQ(sequence(context, second, 1), toyLogits(second, 1, 6)) << "the caller's memory is not the context's";
    EXPECT_EQ(given, toyLogits(first, 1, 6));
    input.data = nullptr;
    ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_MISUSE);
    EXPECT_STREQ(error.message, "input 'tokens' has no data");
    input.data = reinterpret_cast<char *>(first.data()) + 1;
    ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_MISUSE);
    EXPECT_STREQ(error.message, "the data of input 'tokens' is not aligned to its 4-byte elements");
    weft_reset(context.get());
    EXPECT_EQ(step(context, first), toyLogits(first, 1, 6)) << "of the same sizes, but another entry";
    weft_reset(context.get());
    EXPECT_EQ(step(context, second), toyLogits(second, 1, 6));
  }
}

TEST(Call, ReportsTheLowestBadIndex) {
  Module module = load(weft_module_toy);
  for (int threads : {1, 4}) {
    Context context = open(module, threads);
    std::vector<int32_t> tokens(8 * 16, 1);
    tokens[5 * 16 + 2] = 256;
    tokens[3 * 16 + 9] = -7;
    tokens[7 * 16] = 1000;
    weft_view input = view(tokens, {8, 16});
    weft_error error;
    for (int repeat = 0; repeat < 20; ++repeat) {
      ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_BAD_INPUT);
      ASSERT_STREQ(error.message, "tokens[3, 9] is -7, which is not in 0 .. 255");
    }
    EXPECT_EQ(weft_output(context.get(), 0).data, nullptr);
    ASSERT_EQ(weft_step(context.get(), &input, 1, nullptr, 0, &error), WEFT_BAD_INPUT);
    EXPECT_EQ(weft_past(context.get()), 0);
    tokens.assign(tokens.size(), 2);
    ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK) << "the report outlived its call";
  }
}

// Two inputs that share an axis, one of them of flags: what the toy cannot show.
namespace pair {
void run(void **) {}
int64_t arena(void **) { return 0; }
int64_t hugeArena(void **) { return int64_t(1) << 60; }
int64_t negativeArena(void **) { return -1; }
const weft_abi_axis axes[] = {{"seq"}};
const weft_abi_dim dims[] = {{0, 0}, {-1, 2}};
const weft_abi_tensor tensors[] = {{"x", WEFT_ABI_F32, 2, dims, nullptr},
                                   {"mask", WEFT_ABI_I1, 1, dims, nullptr},
                                   {"y", WEFT_ABI_F32, 1, dims, nullptr}};
weft_abi_code code[] = {{WEFT_ABI_CPU_V3, WEFT_ABI_DEVICE_CPU, run, arena, 0, 0, nullptr}};
const weft_abi_entry entries[] = {{"pair", WEFT_ABI_SEQUENCE, 2, 0, 1, tensors, -1, 0, 1, 0, code}};
const weft_abi_module module = {WEFT_ABI_MAGIC, WEFT_ABI_VERSION, "pair", 1,       1, axes, entries, 0,
                                nullptr,        nullptr,          0,      nullptr, 0};
} // namespace pair

TEST(Call, InputsMustAgree) {
  Module module = load(pair::module);
  Context context = open(module);
  float x[8] = {};
  unsigned char mask[4] = {0, 1, 1, 0};
  weft_view inputs[] = {{x, WEFT_F32, 2, {4, 2}}, {mask, WEFT_I1, 1, {4}}};
  weft_error error;
  EXPECT_EQ(weft_run(context.get(), inputs, 2, nullptr, 0, &error), WEFT_OK) << error.message;
  inputs[1].shape[0] = 3;
  EXPECT_EQ(weft_run(context.get(), inputs, 2, nullptr, 0, &error), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "axis 'seq' is 4 in input 'x' but 3 in input 'mask'");
  inputs[0].shape[1] = 3;
  EXPECT_EQ(weft_run(context.get(), inputs, 2, nullptr, 0, &error), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "input 'x' has shape [4, 3] but the model wants [seq, 2]");
}

TEST(Call, FlagsAreZeroOrOne) {
  Module module = load(pair::module);
  Context context = open(module);
  float x[8] = {};
  unsigned char mask[4] = {0, 1, 2, 0};
  weft_view inputs[] = {{x, WEFT_F32, 2, {4, 2}}, {mask, WEFT_I1, 1, {4}}};
  weft_error error;
  EXPECT_EQ(weft_run(context.get(), inputs, 2, nullptr, 0, &error), WEFT_BAD_INPUT);
  EXPECT_STREQ(error.message, "element 2 of input 'mask' is 2, neither 0 nor 1");
}

TEST(Call, MemoryThatCannotBeHadIsAnError) {
  float x[2] = {};
  unsigned char mask[1] = {0};
  weft_view inputs[] = {{x, WEFT_F32, 2, {1, 2}}, {mask, WEFT_I1, 1, {1}}};
  weft_error error;
  for (auto *arena : {pair::hugeArena, pair::negativeArena}) {
    pair::code[0].arena = arena;
    TestAllocator allocator;
    Module module = load(pair::module, "cpu", &allocator.c);
    Context context = open(module);
    EXPECT_EQ(weft_run(context.get(), inputs, 2, nullptr, 0, &error), WEFT_NO_MEMORY) << error.message;
  }
  pair::code[0].arena = pair::arena;
}

} // namespace
