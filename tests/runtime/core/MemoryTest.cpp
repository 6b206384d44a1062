//===- MemoryTest.cpp - what does large memory look like, and what does it cost to have it? -----------------------===//
// Zero and aligned however large; large memory that nobody writes to is not there, and weights in the page cache are
// read without a fault for each few pages.
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/core/memory.h"
#include "runtime/core/weights.h"
#include "tests/runtime/support.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

using namespace weft_test;

namespace {

constexpr size_t mebibyte = 1 << 20;

long faults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(Memory, IsZeroAndAligned) {
  weft_error error;
  for (size_t bytes : {size_t(0), size_t(1), size_t(4095), 2 * mebibyte - 1, 2 * mebibyte, 5 * mebibyte + 17}) {
    auto *memory = static_cast<char *>(weft_allocate(&weft_malloc_allocator, bytes, "a test", &error));
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % WEFT_ALIGNMENT, 0u);
    for (size_t i = 0; i < bytes; ++i)
      ASSERT_EQ(memory[i], 0) << i << " of " << bytes;
    std::fill(memory, memory + bytes, 1); // all of it is there
    weft_release(&weft_malloc_allocator, memory, bytes);
  }
}

TEST(Memory, WhatIsNeverUsedCostsNothing) {
  weft_error error;
  constexpr size_t bytes = 1024 * mebibyte;
  long before = faults();
  void *memory = weft_allocate(&weft_malloc_allocator, bytes, "a test", &error);
  ASSERT_NE(memory, nullptr);
  EXPECT_LT(faults() - before, 100);
  weft_release(&weft_malloc_allocator, memory, bytes);
}

TEST(Memory, ThatIsNotToBeHadIsAnError) {
  weft_error error{};
  for (size_t bytes : {SIZE_MAX, SIZE_MAX - mebibyte, size_t(1) << 60}) {
    EXPECT_EQ(weft_allocate(&weft_malloc_allocator, bytes, "a test", &error), nullptr);
    EXPECT_EQ(error.status, WEFT_NO_MEMORY);
  }
}

TEST(Memory, WeightsInThePageCacheAreMappedAtOnce) {
  Folder folder;
  std::string path = folder / "w.bin";
  constexpr size_t bytes = 64 * mebibyte;
  writeFile(path, std::string(bytes, 1));
  int file = open(path.c_str(), O_RDONLY);
  auto *data = static_cast<const volatile char *>(mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0));
  ASSERT_NE(data, MAP_FAILED);
  close(file);
  if (madvise(const_cast<char *>(data), 4096, 22 /* MADV_POPULATE_READ */))
    GTEST_SKIP() << "Linux before 5.14";
  weft_weights weights{const_cast<char *>(data) + 64, bytes - 64, 1};
  weft_weights_touch(&weights);
  long before = faults();
  int sum = 0;
  for (size_t i = 0; i < bytes; i += 4096)
    sum += data[i];
  EXPECT_EQ(sum, int(bytes / 4096));
  EXPECT_LT(faults() - before, 100);
  munmap(const_cast<char *>(data), bytes);
}

} // namespace
