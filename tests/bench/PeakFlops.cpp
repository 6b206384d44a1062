//===- PeakFlops.cpp - what this machine can do at best -----------------------------------------------------------===//
#include "tests/bench/PeakFlops.h"
#include <cstdint>
#include <ctime>
#include <immintrin.h>

namespace weft::bench {

double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

// As many independent chains as cover the latency of two units; the results are used, so that nothing is left out.
constexpr int chains = 12;

__attribute__((target("avx512f"))) static float multiplyAdds512(int64_t count) {
  __m512 sums[chains], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
  for (int i = 0; i < chains; ++i)
    sums[i] = _mm512_set1_ps(float(i));
  for (int64_t n = 0; n < count; ++n) {
#pragma unroll
    for (int i = 0; i < chains; ++i) {
      sums[i] = _mm512_fmadd_ps(sums[i], x, y);
      asm volatile("" : "+x"(sums[i]));
    }
  }
  float total = 0;
  for (int i = 0; i < chains; ++i)
    total += _mm512_reduce_add_ps(sums[i]);
  return total;
}

__attribute__((target("avx2,fma"))) static float multiplyAdds256(int64_t count) {
  __m256 sums[chains], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
  for (int i = 0; i < chains; ++i)
    sums[i] = _mm256_set1_ps(float(i));
  for (int64_t n = 0; n < count; ++n) {
#pragma unroll
    for (int i = 0; i < chains; ++i) {
      sums[i] = _mm256_fmadd_ps(sums[i], x, y);
      asm volatile("" : "+x"(sums[i]));
    }
  }
  float total = 0, lanes[8];
  for (int i = 0; i < chains; ++i) {
    _mm256_storeu_ps(lanes, sums[i]);
    for (float lane : lanes)
      total += lane;
  }
  return total;
}

double peakFlops(double seconds) {
  bool wide = __builtin_cpu_supports("avx512f");
  constexpr int64_t count = 1'000'000;
  volatile float used;
  double best = 0;
  for (double start = threadSeconds(); threadSeconds() - start < seconds;) {
    double before = threadSeconds();
    used = wide ? multiplyAdds512(count) : multiplyAdds256(count);
    double flops = 2.0 * count * chains * (wide ? 16 : 8) / (threadSeconds() - before);
    best = flops > best ? flops : best;
  }
  (void)used;
  return best;
}

} // namespace weft::bench
