//===- PoolTest.cpp - does every item of every region run exactly once? -------------------------------------------===//
// Also run under ThreadSanitizer, as weft_runtime_threads_tests.
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/cpu/parallel.h"
#include "weft/abi.h"
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <immintrin.h>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

void ignore(void *) {}

struct Pool {
  weft_pool *pool = nullptr;
  explicit Pool(int threads, void (*enter)(void *) = ignore, void *argument = nullptr) {
    weft_error error{};
    EXPECT_EQ(weft_pool_create(&weft_malloc_allocator, threads, enter, argument, &pool, &error), WEFT_OK)
        << error.message;
  }
  ~Pool() { weft_pool_destroy(pool, &weft_malloc_allocator); }

  template <typename Body> void run(int64_t count, Body body) {
    weft_pool_run(pool, [](void *closure, int64_t index) { (*static_cast<Body *>(closure))(index); }, &body, count);
  }
};

TEST(Pool, EveryItemRunsOnce) {
  for (int threads : {2, 3, 8}) {
    Pool pool(threads);
    for (int64_t count : {1, 2, 3, 7, 16, 64, 129, 1000, 100000}) {
      std::vector<unsigned char> seen(count); // not atomic: a second run of an item would be a race
      pool.run(count, [&](int64_t i) { seen[i]++; });
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), count) << threads << " threads";
    }
  }
}

TEST(Pool, ManyShortRegionsSeeEachOthersWrites) {
  for (int threads : {2, 4}) {
    Pool pool(threads);
    std::vector<int64_t> values(16);
    for (int region = 0; region < 20000; ++region)
      // Reversed, so that an item reads what another thread is likely to have written.
      pool.run(16, [&](int64_t i) { values[(i + region) % 16] += i; });
    EXPECT_EQ(std::accumulate(values.begin(), values.end(), int64_t(0)), 20000 * (15 * 16 / 2));
  }
}

TEST(Pool, WakesThreadsThatSleep) {
  Pool pool(3);
  for (int pause = 0; pause < 5; ++pause) {
    usleep(20000);
    std::atomic<int64_t> sum{0};
    pool.run(100, [&](int64_t i) { sum += i; });
    EXPECT_EQ(sum, 4950);
  }
}

TEST(Pool, WaitsForTheSlowest) {
  Pool pool(4);
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::vector<int> done(4);
    pool.run(4, [&](int64_t i) {
      usleep(static_cast<useconds_t>(i * 3000));
      done[i] = 1;
    });
    EXPECT_EQ(done, std::vector<int>(4, 1));
  }
}

TEST(Pool, UsesItsThreads) {
  Pool pool(3);
  std::mutex lock;
  std::set<std::thread::id> threads;
  for (int attempt = 0; attempt < 100 && threads.size() < 3; ++attempt)
    pool.run(24, [&](int64_t) {
      usleep(500);
      std::lock_guard<std::mutex> guard(lock);
      threads.insert(std::this_thread::get_id());
    });
  EXPECT_EQ(threads.size(), 3u);
}

TEST(Pool, ThreadsRoundAndFlushAsTheCallerDoes) {
  Pool pool(2);
  unsigned before = _mm_getcsr();
  for (unsigned mode : {before | 0x8040u, before}) { // flush to zero and denormals are zero, then neither
    _mm_setcsr(mode);
    std::atomic<int> other{0};
    pool.run(64, [&](int64_t) {
      usleep(50);
      other += (_mm_getcsr() & 0x8040u) != (mode & 0x8040u);
    });
    EXPECT_EQ(other, 0);
  }
  _mm_setcsr(before);
}

TEST(Pool, BlocksSignalsOnItsThreads) {
  Pool pool(2);
  std::atomic<int> open{0};
  std::thread::id main = std::this_thread::get_id();
  pool.run(64, [&](int64_t) {
    usleep(100);
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, nullptr, &set);
    open += std::this_thread::get_id() != main && !sigismember(&set, SIGINT);
  });
  EXPECT_EQ(open, 0);
}

TEST(Pool, MoreThreadsThanCanBeIsAnError) {
  // The size of the structure is the only limit that a test can reach without harm.
  weft_allocator none{[](void *, size_t, size_t) -> void * { return nullptr; }, nullptr, nullptr};
  weft_pool *pool = nullptr;
  weft_error error{};
  EXPECT_EQ(weft_pool_create(&none, 4, ignore, nullptr, &pool, &error), WEFT_NO_MEMORY);
}

TEST(Parallel, RunsInPlaceForNobody) {
  std::vector<int64_t> order;
  weft_parallel([](void *closure, int64_t i) { static_cast<std::vector<int64_t> *>(closure)->push_back(i); }, &order,
                4);
  EXPECT_EQ(order, (std::vector<int64_t>{0, 1, 2, 3}));
  weft_bad_index(0, 0, 0, 0);
}

TEST(Parallel, RegionsInRegionsRunInPlace) {
  weft_cpu cpu{};
  pthread_mutex_init(&cpu.lock, nullptr);
  Pool pool(3, weft_cpu_enter_worker, &cpu);
  cpu.pool = pool.pool;
  weft_cpu *before = weft_cpu_enter(&cpu);
  std::vector<int> counts(16 * 8);
  weft_parallel(
      [](void *closure, int64_t outer) {
        int *row = static_cast<std::vector<int> *>(closure)->data() + outer * 8;
        weft_parallel([](void *inner, int64_t i) { static_cast<int *>(inner)[i]++; }, row, 8);
      },
      &counts, 16);
  weft_cpu_enter(before);
  EXPECT_EQ(counts, std::vector<int>(16 * 8, 1));
  pthread_mutex_destroy(&cpu.lock);
}

TEST(Parallel, KeepsTheLowestReport) {
  weft_cpu cpu{};
  pthread_mutex_init(&cpu.lock, nullptr);
  Pool pool(4, weft_cpu_enter_worker, &cpu);
  cpu.pool = pool.pool;
  weft_cpu *before = weft_cpu_enter(&cpu);
  for (int repeat = 0; repeat < 200; ++repeat) {
    cpu.report.made = 0;
    weft_parallel([](void *, int64_t i) { weft_bad_index(1 + i % 2, 100 - i, -i, 7); }, nullptr, 64);
    EXPECT_EQ(cpu.report.label, 1);
    EXPECT_EQ(cpu.report.position, 38);
    EXPECT_EQ(cpu.report.index, -62);
    EXPECT_EQ(cpu.report.bound, 7);
  }
  weft_cpu_enter(before);
  pthread_mutex_destroy(&cpu.lock);
}

TEST(Pool, Latency) {
  for (int threads : {2}) {
    Pool pool(threads);
    for (int64_t count : {2, 16, 64}) {
      constexpr int regions = 5000;
      auto begin = std::chrono::steady_clock::now();
      for (int region = 0; region < regions; ++region)
        weft_pool_run(pool.pool, [](void *, int64_t) {}, nullptr, count);
      double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / regions;
      std::string name = "us_" + std::to_string(count) + "_items";
      RecordProperty(name, std::to_string(us));
      printf("%lld items: %.2f us per region\n", static_cast<long long>(count), us);
      EXPECT_LT(us, 1000) << "a region costs more than any system call";
    }
  }
}

} // namespace
