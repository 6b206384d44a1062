//===- AllocationTest.cpp - what happens when the n-th allocation fails? ------------------------------------------===//
// For every n: an error and nothing else; nothing leaks, and a context that saw a failure works afterwards.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/runtime/support.h"

using namespace weft_test;

namespace {

/// Loads, opens, runs a sequence and two steps of growing size; the first status that is not WEFT_OK.
weft_status useAll(TestAllocator &allocator, const char *device, int threads, weft_error &error) {
  weft_load_options load{};
  load.device = device;
  load.allocator = &allocator.c;
  weft_module *module = nullptr;
  weft_context *context = nullptr;
  weft_context_options options{threads};
  std::vector<int32_t> tokens = someTokens(30);
  weft_view few = view(tokens, {2, 3}), many = view(tokens, {2, 15}), output{};
  weft_status status = weft_module_from_descriptor(&weft_module_toy, &load, &module, &error);
  if (status == WEFT_OK)
    status = weft_context_create(module, &options, &context, &error);
  if (status == WEFT_OK)
    status = weft_run(context, &few, 1, nullptr, 0, &error);
  if (status == WEFT_OK)
    status = weft_step(context, &few, 1, nullptr, 0, &error);
  if (status == WEFT_OK)
    status = weft_step(context, &many, 1, nullptr, 0, &error);
  if (status == WEFT_OK)
    status = weft_module_shapes(module, WEFT_STEP, &few, 1, &output, 1, &error);
  weft_context_destroy(context);
  weft_module_destroy(module);
  return status;
}

void failEach(const char *device, int threads) {
  TestAllocator none;
  weft_error error{};
  ASSERT_EQ(useAll(none, device, threads, error), WEFT_OK) << error.message;
  EXPECT_EQ(none.out, 0);
  int64_t requests = none.requests;
  EXPECT_GT(requests, 10);
  for (int64_t n = 1; n <= requests; ++n) {
    TestAllocator allocator;
    allocator.failAt = n;
    error = {};
    EXPECT_EQ(useAll(allocator, device, threads, error), WEFT_NO_MEMORY) << "request " << n;
    EXPECT_NE(std::string(error.message).find("could not be allocated"), std::string::npos) << error.message;
    EXPECT_EQ(allocator.out, 0) << "request " << n;
  }
}

TEST(Allocation, EveryFailureIsAnErrorAndLeaksNothing) {
  for (int threads : {1, 3})
    failEach("cpu", threads);
}

TEST(Allocation, EveryFailureIsAnErrorAndLeaksNothingOnVulkan) {
  if (std::string reason = missingDevice("vulkan"); !reason.empty())
    GTEST_SKIP() << reason;
  failEach("vulkan", 1);
}

TEST(Allocation, AContextSurvivesAFailure) {
  TestAllocator allocator;
  weft_load_options load{};
  load.allocator = &allocator.c;
  weft_module *module = nullptr;
  weft_error error{};
  ASSERT_EQ(weft_module_from_descriptor(&weft_module_toy, &load, &module, &error), WEFT_OK);
  Module owner(module);
  std::vector<int32_t> tokens = someTokens(20);
  for (int64_t ahead = 1; ahead <= 3; ++ahead) { // the output, the cache, the arena
    Context context = open(owner);
    weft_view first = view(tokens, {1, 2}), second = view({tokens.begin() + 2, tokens.end()}, {1, 18});
    ASSERT_EQ(weft_step(context.get(), &first, 1, nullptr, 0, &error), WEFT_OK);
    std::vector<int32_t> rest(tokens.begin() + 2, tokens.end());
    second.data = rest.data();
    allocator.failAt = allocator.requests + ahead;
    weft_status status = weft_step(context.get(), &second, 1, nullptr, 0, &error);
    allocator.failAt = 0;
    if (status != WEFT_OK) {
      EXPECT_EQ(status, WEFT_NO_MEMORY);
      EXPECT_EQ(weft_past(context.get()), 2);
      ASSERT_EQ(weft_step(context.get(), &second, 1, nullptr, 0, &error), WEFT_OK) << error.message;
    }
    std::vector<float> whole = toyLogits(tokens, 1, 20);
    EXPECT_EQ(floats(weft_output(context.get(), 0)), std::vector<float>(whole.begin() + 2 * TOY_SYMBOLS, whole.end()));
  }
}

} // namespace
