//===- MachineContender.cpp - the machine itself among the contenders ---------------------------------------------===//
// Answers: how many multiply-adds, and how many bytes read, does this machine do at best, on some threads at once?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/MachineLoops.h"
#include "compiler/inspect/Team.h"
#include "tests/bench/Contender.h"
#include <functional>
#include <memory>
#include <stdexcept>
#include <sys/mman.h>

namespace weft::bench {
namespace {

/// Memory to read: in large pages where the system has them, so that looking up addresses costs nothing.
class Memory {
public:
  explicit Memory(size_t bytes) : bytes(bytes) {
    data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
      throw std::runtime_error("there is no memory to read");
    madvise(data, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < bytes / 4; ++i)
      static_cast<float *>(data)[i] = 1;
  }
  Memory(const Memory &) = delete;
  ~Memory() { munmap(data, bytes); }
  const char *begin() const { return static_cast<const char *>(data); }

private:
  size_t bytes;
  void *data;
};

class Machine : public Contender {
public:
  Json prepare(const Json &work) override {
    int threads = work.value("threads", 1);
    if (!team || team->size() != threads)
      team = std::make_unique<Team>(threads);
    memory.reset();
    if (work.at("kind") == "read")
      return prepareReading(work.at("bytes"));
    std::string type = work.at("type");
    const Loop *loop = multiplyAdds(type);
    if (!loop)
      throw std::runtime_error("this CPU has no dot products of " + type);
    constexpr int64_t rounds = 200'000;
    once = [loop](int) { loop->run(rounds); };
    return {{"flops", double(loop->operations) * rounds * threads}};
  }

  void call() override { team->run(once); }

private:
  Json prepareReading(int64_t bytes) {
    // Whole blocks of the loop for each thread.
    int64_t each = (bytes / team->size() + readBlock - 1) / readBlock * readBlock;
    // What is in a cache is read several times, so that starting does not count.
    int64_t times = std::max<int64_t>(1, (4 << 20) / each);
    memory = std::make_unique<Memory>(each * team->size());
    once = [this, each, times](int thread) {
      for (int64_t i = 0; i < times; ++i)
        readAll(memory->begin() + thread * each, each);
    };
    return {{"bytes", double(each) * team->size() * times}};
  }

  std::unique_ptr<Team> team;
  std::unique_ptr<Memory> memory;
  std::function<void(int)> once;
};

} // namespace
} // namespace weft::bench

int main() {
  weft::bench::Machine machine;
  return weft::bench::serve(machine);
}
