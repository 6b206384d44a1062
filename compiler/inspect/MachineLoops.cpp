//===- MachineLoops.cpp - loops that nothing but the machine limits -----------------------------------------------===//
#include "compiler/inspect/MachineLoops.h"
#include <immintrin.h>

namespace weft {
namespace {

// As many independent chains as cover the latency of two units; what a chain holds is used, so that none is left out.
constexpr int chains = 12;

#define CHAINS(Vector, Zero, Step)                                                                                     \
  Vector sums[chains];                                                                                                 \
  for (int i = 0; i < chains; ++i)                                                                                     \
    sums[i] = Zero;                                                                                                    \
  for (int64_t n = 0; n < rounds; ++n) {                                                                               \
    _Pragma("unroll") for (int i = 0; i < chains; ++i) {                                                               \
      sums[i] = Step;                                                                                                  \
      asm volatile("" : "+x"(sums[i]));                                                                                \
    }                                                                                                                  \
  }

__attribute__((target("avx512f"))) void f32Wide(int64_t rounds) {
  __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
  CHAINS(__m512, _mm512_setzero_ps(), _mm512_fmadd_ps(sums[i], x, y))
}

__attribute__((target("avx2,fma"))) void f32Narrow(int64_t rounds) {
  __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
  CHAINS(__m256, _mm256_setzero_ps(), _mm256_fmadd_ps(sums[i], x, y))
}

__attribute__((target("avx512f,avx512bf16"))) void bf16Wide(int64_t rounds) {
  __m512bh x = (__m512bh)_mm512_set1_epi16(0x3c00), y = (__m512bh)_mm512_set1_epi16(0x3c01);
  CHAINS(__m512, _mm512_setzero_ps(), _mm512_dpbf16_ps(sums[i], x, y))
}

__attribute__((target("avx512f,avx512vnni"))) void int8Wide(int64_t rounds) {
  __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(-5);
  CHAINS(__m512i, _mm512_setzero_si512(), _mm512_dpbusd_epi32(sums[i], x, y))
}

#define READ(Vector, Zero, Add, Load)                                                                                  \
  constexpr int64_t vectors = 8;                                                                                       \
  Vector sums[vectors];                                                                                                \
  for (int i = 0; i < vectors; ++i)                                                                                    \
    sums[i] = Zero;                                                                                                    \
  for (const char *at = begin; at != end; at += vectors * sizeof(Vector)) {                                            \
    _Pragma("unroll") for (int i = 0; i < vectors; ++i) sums[i] =                                                      \
        Add(sums[i], Load(reinterpret_cast<const float *>(at + i * sizeof(Vector))));                                  \
  }                                                                                                                    \
  for (int i = 0; i < vectors; ++i)                                                                                    \
    asm volatile("" : "+x"(sums[i]));

__attribute__((target("avx512f"))) void readWide(const char *begin, const char *end) {
  READ(__m512, _mm512_setzero_ps(), _mm512_add_ps, _mm512_loadu_ps)
}

__attribute__((target("avx2"))) void readNarrow(const char *begin, const char *end) {
  READ(__m256, _mm256_setzero_ps(), _mm256_add_ps, _mm256_loadu_ps)
}

} // namespace

const Loop *multiplyAdds(const std::string &type) {
  static const bool wide = __builtin_cpu_supports("avx512f");
  static const Loop f32{wide ? f32Wide : f32Narrow, 2 * chains * (wide ? 16 : 8)};
  static const Loop bf16{bf16Wide, 2 * chains * 32}, int8{int8Wide, 2 * chains * 64};
  if (type == "f32")
    return &f32;
  if (type == "bf16" && __builtin_cpu_supports("avx512bf16"))
    return &bf16;
  if (type == "int8" && __builtin_cpu_supports("avx512vnni"))
    return &int8;
  return nullptr;
}

void readAll(const void *data, int64_t bytes) {
  static const bool wide = __builtin_cpu_supports("avx512f");
  const char *begin = static_cast<const char *>(data);
  (wide ? readWide : readNarrow)(begin, begin + bytes);
}

} // namespace weft
