//===- MachineLimits.cpp - what this machine can do at best -------------------------------------------------------===//
#include "compiler/inspect/MachineLimits.h"
#include "compiler/inspect/MachineLoops.h"
#include "compiler/inspect/Team.h"
#include <algorithm>
#include <chrono>
#include <sys/mman.h>
#include <unistd.h>

namespace weft {

/// The shortest time of what is repeated for so many seconds.
static double shortest(double seconds, Team &team, const std::function<void(int)> &what) {
  using Clock = std::chrono::steady_clock;
  auto since = [](Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  double best = 0;
  for (Clock::time_point begin = Clock::now(); best == 0 || since(begin) < seconds;) {
    Clock::time_point before = Clock::now();
    team.run(what);
    double time = since(before);
    best = best == 0 ? time : std::min(best, time);
  }
  return best;
}

/// Bytes per second; each thread reads a part of its own, `times` times.
static double readRate(Team &team, int64_t bytes, int64_t times) {
  int64_t each = std::max<int64_t>(1, bytes / team.size() / readBlock) * readBlock, all = each * team.size();
  void *memory = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return 0;
  madvise(memory, all, MADV_HUGEPAGE); // so that looking up addresses costs nothing
  auto part = [&](int thread) { return static_cast<char *>(memory) + thread * each; };
  team.run([&](int thread) { std::fill(part(thread), part(thread) + each, 1); });
  double time = shortest(0.15, team, [&](int thread) {
    for (int64_t i = 0; i < times; ++i)
      readAll(part(thread), each);
  });
  munmap(memory, all);
  return all * times / time;
}

MachineLimits measureMachine(int threads) {
  Team team(threads);
  MachineLimits limits;
  limits.threads = threads;
  const Loop *loop = multiplyAdds("f32");
  constexpr int64_t rounds = 100'000;
  limits.flops = loop->operations * rounds * threads / shortest(0.1, team, [&](int) { loop->run(rounds); });
  limits.cacheSize = std::max<int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE), 8 << 20);
  limits.memory = readRate(team, std::min<int64_t>(4 * limits.cacheSize, 256 << 20), 1);
  limits.cache = readRate(team, threads * (2 << 20), 8); // more than the caches of a core hold
  return limits;
}

} // namespace weft
