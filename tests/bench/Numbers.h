//===- Numbers.h - numbers in huge pages ----------------------------------------------------------------*- C++ -*-===//
// Answers: where do the inputs of what is measured lie?
//
// Where the runtime puts what lies between the ops of a model, queries, keys and values of a layer among it. What
// malloc gives is in such pages by chance: a heap that grows for each of several inputs has a part of every one in
// small pages.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include <cstdlib>
#include <new>
#include <sys/mman.h>
#include <vector>

namespace weft::bench {

template <typename T> struct HugePages {
  using value_type = T;
  HugePages() = default;
  template <typename U> HugePages(const HugePages<U> &) {}

  T *allocate(size_t count) {
    constexpr size_t page = 2 << 20;
    size_t bytes = (count * sizeof(T) + page - 1) / page * page;
    void *memory = std::aligned_alloc(page, bytes);
    if (!memory)
      throw std::bad_alloc();
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
    return static_cast<T *>(memory);
  }
  void deallocate(T *memory, size_t) { std::free(memory); }

  friend bool operator==(const HugePages &, const HugePages &) { return true; }
};

using Numbers = std::vector<float, HugePages<float>>;

} // namespace weft::bench
