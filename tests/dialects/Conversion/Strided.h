//===- Strided.h - operands of attention that do not lie dense ------------------------------------------*- C++ -*-===//
// Answers: how does a test hand a kernel [batch, position, head, width] with gaps, and see whether they were touched?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "tests/dialects/Conversion/Jit.h"
#include <algorithm>
#include <functional>

namespace weft::test {

/// [batch, position, head, width] whose positions lie `gap` numbers further apart than they must.
struct Strided {
  Strided(int64_t batch, int64_t positions, int64_t heads, int64_t width, int64_t gap, float fill)
      : sizes{batch, positions, heads, width},
        strides{positions * (heads * width + gap), heads * width + gap, width, 1},
        numbers(std::max<int64_t>(batch * strides[0], 1), fill) {}

  float &at(int64_t b, int64_t i, int64_t h, int64_t e) {
    return numbers[b * strides[0] + i * strides[1] + h * strides[2] + e];
  }
  void forEach(const std::function<void(float &, int64_t b, int64_t i, int64_t h, int64_t e)> &visit) {
    for (int64_t b = 0; b < sizes[0]; ++b)
      for (int64_t i = 0; i < sizes[1]; ++i)
        for (int64_t h = 0; h < sizes[2]; ++h)
          for (int64_t e = 0; e < sizes[3]; ++e)
            visit(at(b, i, h, e), b, i, h, e);
  }
  Descriptor descriptor() { return Descriptor(numbers.data(), sizes, strides); }

  std::vector<int64_t> sizes, strides;
  std::vector<float> numbers;
};

} // namespace weft::test
