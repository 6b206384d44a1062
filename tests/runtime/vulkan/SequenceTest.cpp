//===- SequenceTest.cpp - what do calls of weft_dispatch leave for a device?
//---------------------------------------===//
#include "runtime/vulkan/sequence.h"
#include "tests/runtime/support.h"
#include <cstring>

using namespace weft_test;

namespace {

const weft_abi_kernel kernels[] = {{"first", nullptr, 0, {1, 1, 1}, 0, 0, 0, 0},
                                   {"second", nullptr, 0, {1, 1, 1}, 0, 0, 0, 0}};

class Sequence : public testing::Test {
protected:
  TestAllocator allocator;
  weft_abi_code code = {0, WEFT_ABI_DEVICE_VULKAN, nullptr, nullptr, 2, 0, kernels, nullptr};
  weft_sequence sequence{};

  void SetUp() override { weft_sequence_begin(&sequence, &allocator.c, &code); }
  void TearDown() override {
    weft_sequence_free(&sequence);
    EXPECT_EQ(allocator.out, 0);
  }
  void dispatch(int64_t kernel, int64_t flags, int64_t groups, const std::vector<uint64_t> &record) {
    weft_sequence *before = weft_sequence_enter(&sequence);
    const int64_t all[3] = {groups, 2, 3};
    weft_dispatch(kernel, flags, all, record.data(), static_cast<int64_t>(record.size() * 8));
    weft_sequence_enter(before);
  }
};

TEST_F(Sequence, HoldsGroupsAndRecords) {
  dispatch(1, 0, 7, {10, 11, 12});
  dispatch(0, WEFT_ABI_BARRIER, 0, {20});
  dispatch(0, WEFT_ABI_BARRIER | 8, 1, {});
  ASSERT_EQ(sequence.status, WEFT_OK);
  ASSERT_EQ(sequence.count, 3u);
  EXPECT_EQ(sequence.steps[0].kernel, 1u);
  EXPECT_EQ(sequence.steps[0].barrier, 0u);
  EXPECT_EQ(sequence.steps[1].barrier, 1u);
  EXPECT_EQ(sequence.steps[2].barrier, 1u) << "unknown flags are no barriers";
  EXPECT_EQ(sequence.bytes, (16 + 32) + (16 + 16) + 16u);
  uint32_t groups[4];
  memcpy(groups, sequence.slots, sizeof groups);
  EXPECT_EQ(groups[0], 7u);
  EXPECT_EQ(groups[2], 3u);
  uint64_t argument;
  memcpy(&argument, sequence.slots + WEFT_SLOT_RECORD + 16, sizeof argument);
  EXPECT_EQ(argument, 12u);
  memcpy(&argument, sequence.slots + sequence.steps[1].slot + WEFT_SLOT_RECORD, sizeof argument);
  EXPECT_EQ(argument, 20u);
}

TEST_F(Sequence, GrowsAndBeginsAnew) {
  for (int round = 0; round < 2; ++round) {
    weft_sequence_begin(&sequence, &allocator.c, &code);
    for (uint64_t i = 0; i < 1000; ++i)
      dispatch(i % 2, 0, 1, {i});
    ASSERT_EQ(sequence.status, WEFT_OK);
    ASSERT_EQ(sequence.count, 1000u);
    uint64_t argument;
    memcpy(&argument, sequence.slots + sequence.steps[777].slot + WEFT_SLOT_RECORD, sizeof argument);
    EXPECT_EQ(argument, 777u);
  }
}

TEST_F(Sequence, RefusesWhatNoCompilerShouldAskFor) {
  dispatch(2, 0, 1, {});
  EXPECT_EQ(sequence.status, WEFT_BAD_MODULE);
  EXPECT_STREQ(sequence.error.message, "the module is damaged: it has no kernel 2, only 2");
  weft_sequence_begin(&sequence, &allocator.c, &code);
  dispatch(0, 0, 1, std::vector<uint64_t>(129));
  EXPECT_STREQ(sequence.error.message, "the module is damaged: kernel 'first' is called with 1032 bytes");
  weft_sequence_begin(&sequence, &allocator.c, &code);
  dispatch(1, 0, 65536, {});
  dispatch(7, 0, 1, {});
  EXPECT_EQ(sequence.status, WEFT_BAD_INPUT) << "the first failure stays";
  EXPECT_STREQ(sequence.error.message, "kernel 'second' would need 65536 x 2 x 3 workgroups, but each may be 65535 at "
                                       "most; use smaller sizes");
}

TEST_F(Sequence, RefusesMoreElementsThanKernelsCount) {
  dispatch(0, WEFT_ABI_BARRIER | WEFT_ABI_TOO_LARGE, 1, {});
  EXPECT_EQ(sequence.status, WEFT_BAD_INPUT);
  EXPECT_STREQ(sequence.error.message, "kernel 'first' would have to count 2147483648 elements or more, and code for "
                                       "Vulkan counts in 31 bits; use smaller sizes");
}

TEST_F(Sequence, KnowsWhoseTimeADispatchTakes) {
  uint64_t ticks[2];
  code.ticks = ticks;
  code.calls = 2;
  dispatch(1, WEFT_ABI_BARRIER | int64_t(1) << WEFT_ABI_CALL_SHIFT, 1, {});
  ASSERT_EQ(sequence.status, WEFT_OK);
  EXPECT_EQ(sequence.steps[0].call, 1u);
  EXPECT_EQ(sequence.steps[0].barrier, 1u);
  dispatch(1, int64_t(2) << WEFT_ABI_CALL_SHIFT, 1, {});
  EXPECT_EQ(sequence.status, WEFT_BAD_MODULE);
  EXPECT_STREQ(sequence.error.message, "the module is damaged: it counts the time of 2 calls, but not of call 2");
}

TEST_F(Sequence, SaysWhereMemoryIsMissing) {
  allocator.failAt = 2;
  dispatch(0, 0, 1, {1});
  EXPECT_EQ(sequence.status, WEFT_NO_MEMORY);
  EXPECT_EQ(sequence.count, 0u);
}

TEST(Dispatch, OutsideOfACallDoesNothing) {
  const int64_t groups[3] = {1, 1, 1};
  weft_dispatch(0, 0, groups, nullptr, 0);
}

} // namespace
