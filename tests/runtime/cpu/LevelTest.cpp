//===- LevelTest.cpp - which CPU levels do CPUs have that are not at hand? ----------------------------------------===//
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/cpu/level.h"
#include "tests/runtime/support.h"

namespace {

constexpr uint32_t haswell1 = 1u << 28 | 1u << 12 | 1u << 22 | 1u << 29 | 1u << 27;
constexpr uint32_t haswell7 = 1u << 3 | 1u << 5 | 1u << 8;
constexpr uint32_t skylakeServer7 = haswell7 | 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
constexpr uint32_t lzcnt = 1u << 5;

std::string missing(const weft_cpuid &cpu, uint32_t level) {
  char text[256];
  bool has = weft_cpu_has(&cpu, level, text, sizeof text);
  EXPECT_EQ(has, !*text) << text;
  return text;
}

TEST(CpuLevel, OfAHaswell) {
  weft_cpuid cpu{haswell1, haswell7, lzcnt, 0x7};
  EXPECT_EQ(missing(cpu, WEFT_ABI_CPU_V3), "");
  EXPECT_EQ(missing(cpu, WEFT_ABI_CPU_V4), "avx512f, avx512dq, avx512cd, avx512bw, avx512vl");
}

TEST(CpuLevel, OfASkylakeServer) {
  weft_cpuid cpu{haswell1, skylakeServer7, lzcnt, 0xe7};
  EXPECT_EQ(missing(cpu, WEFT_ABI_CPU_V3), "");
  EXPECT_EQ(missing(cpu, WEFT_ABI_CPU_V4), "");
}

TEST(CpuLevel, NeedsASystemThatSavesTheRegisters) {
  weft_cpuid cpu{haswell1, skylakeServer7, lzcnt, 0x7};
  EXPECT_EQ(missing(cpu, WEFT_ABI_CPU_V3), "");
  EXPECT_EQ(missing(cpu, WEFT_ABI_CPU_V4), "the system's support for its vector registers");
  cpu.xcr0 = 0x3;
  EXPECT_EQ(missing(cpu, WEFT_ABI_CPU_V3), "the system's support for its vector registers");
}

TEST(CpuLevel, OfAnOldCpu) {
  EXPECT_EQ(missing({}, WEFT_ABI_CPU_V3), "avx, fma, movbe, f16c, bmi1, avx2, bmi2, lzcnt");
}

TEST(CpuLevel, WithDotProductsOfNarrowNumbers) {
  constexpr uint32_t vnni = 1u << 11, bf16 = 1u << 5;
  weft_cpuid iceLake{haswell1, skylakeServer7, lzcnt, 0xe7, vnni, 0};
  EXPECT_EQ(missing(iceLake, WEFT_ABI_CPU_V4), "");
  EXPECT_EQ(missing(iceLake, WEFT_ABI_CPU_V4_BF16), "avx512_bf16");
  weft_cpuid sapphireRapids{haswell1, skylakeServer7, lzcnt, 0xe7, vnni, bf16};
  EXPECT_EQ(missing(sapphireRapids, WEFT_ABI_CPU_V4_BF16), "");
  EXPECT_STREQ(weft_cpu_level_name(WEFT_ABI_CPU_V4_BF16), "x86-64-v4-bf16");
}

TEST(CpuLevel, UnknownOnesAreNeverThere) {
  weft_cpuid cpu{~0u, ~0u, ~0u, ~0ull, ~0u, ~0u};
  EXPECT_EQ(missing(cpu, 6), "level 6, which this runtime does not know");
}

TEST(CpuLevel, AgreesWithTheCompilerAboutThisCpu) {
  weft_cpuid cpu = weft_cpuid_read();
  char text[256];
  EXPECT_EQ(weft_cpu_has(&cpu, WEFT_ABI_CPU_V3, text, sizeof text), __builtin_cpu_supports("x86-64-v3") != 0) << text;
  bool hasV4 = __builtin_cpu_supports("x86-64-v4");
  EXPECT_EQ(weft_cpu_has(&cpu, WEFT_ABI_CPU_V4, text, sizeof text), hasV4) << text;
  EXPECT_EQ(weft_cpu_has(&cpu, WEFT_ABI_CPU_V4_BF16, text, sizeof text),
            hasV4 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni"))
      << text;
}

} // namespace
