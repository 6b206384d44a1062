//===- Product.cpp - the one product of matrices ------------------------------------------------------------------===//
// Answers: how does the interpreter multiply matrices fast enough for real models without ceasing to be naive?
// Only columns are computed side by side; each sum is still one chain of multiplications and additions over k.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Product.h"

// A fused multiply-add would make the naive float result better than naive, and different on different machines.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__clang__) && !__has_feature(address_sanitizer)
#define WEFT_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define WEFT_CLONES
#endif

namespace weft::reference {
namespace {

constexpr int64_t tileRows = 4;

template <typename T>
__attribute__((always_inline)) inline void multiply(const T *x, int64_t rows, int64_t depth, const T *w, int64_t width,
                                                    T *out) {
  constexpr int64_t tileColumns = 64 / sizeof(T); // with tileRows: sums that fit in 16 vector registers
  int64_t wholeRows = rows / tileRows * tileRows, wholeColumns = width / tileColumns * tileColumns;
  for (int64_t i = 0; i < wholeRows; i += tileRows)
    for (int64_t j = 0; j < wholeColumns; j += tileColumns) {
      T sums[tileRows][tileColumns] = {};
      for (int64_t k = 0; k < depth; ++k)
        for (int64_t r = 0; r < tileRows; ++r)
          for (int64_t c = 0; c < tileColumns; ++c)
            sums[r][c] += x[(i + r) * depth + k] * w[k * width + j + c];
      for (int64_t r = 0; r < tileRows; ++r)
        for (int64_t c = 0; c < tileColumns; ++c)
          out[(i + r) * width + j + c] = sums[r][c];
    }
  for (int64_t i = 0; i < rows; ++i) {
    int64_t first = i < wholeRows ? wholeColumns : 0;
    for (int64_t j = first; j < width; ++j)
      out[i * width + j] = 0;
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t j = first; j < width; ++j)
        out[i * width + j] += x[i * depth + k] * w[k * width + j];
  }
}

} // namespace

WEFT_CLONES void product(const double *x, int64_t rows, int64_t depth, const double *w, int64_t width, double *out) {
  multiply(x, rows, depth, w, width, out);
}

WEFT_CLONES void product(const float *x, int64_t rows, int64_t depth, const float *w, int64_t width, float *out) {
  multiply(x, rows, depth, w, width, out);
}

} // namespace weft::reference
