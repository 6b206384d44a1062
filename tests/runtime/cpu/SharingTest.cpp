//===- SharingTest.cpp - may one module serve many threads at once? -----------------------------------------------===//
// 64 threads with a context each, and one context that several threads fight for. Also run under ThreadSanitizer.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/runtime/toy/toy.h"
#include "weft/runtime.h"
#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

TEST(Sharing, SixtyFourThreadsOnOneModule) {
  weft_module *module = nullptr;
  weft_error error{};
  ASSERT_EQ(weft_module_from_descriptor(&weft_module_toy, nullptr, &module, &error), WEFT_OK) << error.message;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 64; ++t)
    threads.emplace_back([&, t] {
      weft_context_options options{1 + t % 3};
      weft_context *context = nullptr;
      weft_error mine{};
      if (weft_context_create(module, &options, &context, &mine) != WEFT_OK) {
        ++wrong;
        return;
      }
      for (int repeat = 0; repeat < 8; ++repeat) {
        weft_reset(context);
        std::vector<int32_t> tokens(5 + (t + repeat) % 7, t + repeat);
        weft_view input{tokens.data(), WEFT_I32, 2, {1, static_cast<int64_t>(tokens.size())}};
        int64_t last = static_cast<int64_t>(tokens.size()) - 1;
        for (bool step : {false, true}) {
          weft_status status =
              step ? weft_step(context, &input, 1, nullptr, 0, &mine) : weft_run(context, &input, 1, nullptr, 0, &mine);
          wrong += status != WEFT_OK;
          if (status != WEFT_OK)
            continue;
          const float *row = static_cast<const float *>(weft_output(context, 0).data) + last * TOY_SYMBOLS;
          for (int32_t symbol = 0; symbol < TOY_SYMBOLS; ++symbol)
            wrong += row[symbol] != toy_logit(int64_t(t + repeat) * (last + 1), last, symbol);
        }
      }
      weft_context_destroy(context);
    });
  for (std::thread &thread : threads)
    thread.join();
  weft_module_destroy(module);
  EXPECT_EQ(wrong, 0);
}

TEST(Sharing, AContextRefusesASecondThread) {
  weft_module *module = nullptr;
  weft_context *context = nullptr;
  weft_context_options options{1};
  ASSERT_EQ(weft_module_from_descriptor(&weft_module_toy, nullptr, &module, nullptr), WEFT_OK);
  ASSERT_EQ(weft_context_create(module, &options, &context, nullptr), WEFT_OK);
  std::atomic<int> done{0}, refused{0}, other{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      std::vector<int32_t> tokens(64, 1);
      weft_view input{tokens.data(), WEFT_I32, 2, {1, 64}};
      weft_error error{};
      for (int repeat = 0; repeat < 200; ++repeat) {
        weft_status status = weft_run(context, &input, 1, nullptr, 0, &error);
        done += status == WEFT_OK;
        refused += status == WEFT_MISUSE && std::strstr(error.message, "in use by another thread") != nullptr;
        other += status != WEFT_OK && status != WEFT_MISUSE;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(done + refused, 800);
  EXPECT_EQ(other, 0);
  EXPECT_GT(done, 0);
  weft_context_destroy(context);
  weft_module_destroy(module);
}

} // namespace
