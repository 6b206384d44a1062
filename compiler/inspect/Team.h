//===- Team.h - threads that begin together -------------------------------------------------------------*- C++ -*-===//
// Answers: how do several threads do one thing at the same time, and sleep until the next?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace weft {

class Team {
public:
  explicit Team(int size) {
    for (int i = 1; i < size; ++i)
      threads.emplace_back([this, i] { follow(i); });
  }
  Team(const Team &) = delete;
  ~Team() {
    start(nullptr);
    for (std::thread &thread : threads)
      thread.join();
  }
  int size() const { return static_cast<int>(threads.size()) + 1; }

  /// Does it on all threads, this one included, and returns when all are done.
  void run(const std::function<void(int)> &what) {
    left = static_cast<int>(threads.size());
    start(&what);
    what(0);
    while (left.load(std::memory_order_acquire) > 0)
      ;
  }

private:
  void start(const std::function<void(int)> *what) {
    std::lock_guard<std::mutex> lock(mutex);
    task = what;
    round.fetch_add(1, std::memory_order_release);
    changed.notify_all();
  }

  void follow(int index) {
    for (int seen = 0;;) {
      // Awake for a while: the next round of a measurement comes at once.
      for (int spin = 0; spin < 20000 && round.load(std::memory_order_acquire) == seen; ++spin)
        __builtin_ia32_pause();
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return round != seen; });
      seen = round;
      const std::function<void(int)> *what = task;
      lock.unlock();
      if (!what)
        return;
      (*what)(index);
      left.fetch_sub(1, std::memory_order_release);
    }
  }

  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable changed;
  const std::function<void(int)> *task = nullptr;
  std::atomic<int> round{0}, left{0};
};

} // namespace weft
