/* level.c - which of the CPU levels of abi.h can this CPU run? */
#include "cpu/level.h"
#include "core/error.h"
#include <cpuid.h>

/* The state that the system must save for registers of these widths: bits of XCR0. */
enum { XCR0_YMM = 0x06, XCR0_ZMM = 0xe6 };

typedef struct feature {
  const char *name;
  enum { LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, LEAF7_1_EAX, EXTENDED1_ECX } word;
  int bit;
  uint32_t level; /* the lowest level that has it */
} feature;

/* The levels of the x86-64 psABI, as far as CPUs and virtual machines differ in them, and one above. */
static const feature features[] = {
    {"avx", LEAF1_ECX, 28, WEFT_ABI_CPU_V3},
    {"fma", LEAF1_ECX, 12, WEFT_ABI_CPU_V3},
    {"movbe", LEAF1_ECX, 22, WEFT_ABI_CPU_V3},
    {"f16c", LEAF1_ECX, 29, WEFT_ABI_CPU_V3},
    {"bmi1", LEAF7_EBX, 3, WEFT_ABI_CPU_V3},
    {"avx2", LEAF7_EBX, 5, WEFT_ABI_CPU_V3},
    {"bmi2", LEAF7_EBX, 8, WEFT_ABI_CPU_V3},
    {"lzcnt", EXTENDED1_ECX, 5, WEFT_ABI_CPU_V3},
    {"avx512f", LEAF7_EBX, 16, WEFT_ABI_CPU_V4},
    {"avx512dq", LEAF7_EBX, 17, WEFT_ABI_CPU_V4},
    {"avx512cd", LEAF7_EBX, 28, WEFT_ABI_CPU_V4},
    {"avx512bw", LEAF7_EBX, 30, WEFT_ABI_CPU_V4},
    {"avx512vl", LEAF7_EBX, 31, WEFT_ABI_CPU_V4},
    {"avx512_vnni", LEAF7_ECX, 11, WEFT_ABI_CPU_V4_BF16},
    {"avx512_bf16", LEAF7_1_EAX, 5, WEFT_ABI_CPU_V4_BF16},
};

weft_cpuid weft_cpuid_read(void) {
  enum { OSXSAVE = 1 << 27 };
  weft_cpuid cpu = {0};
  uint32_t a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d))
    cpu.leaf1_ecx = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    uint32_t subleaves = a;
    cpu.leaf7_ebx = b;
    cpu.leaf7_ecx = c;
    if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d))
      cpu.leaf7_1_eax = a;
  }
  if (__get_cpuid(0x80000001, &a, &b, &c, &d))
    cpu.extended1_ecx = c;
  if (cpu.leaf1_ecx & OSXSAVE) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    cpu.xcr0 = (uint64_t)high << 32 | low;
  }
  return cpu;
}

int weft_cpu_has(const weft_cpuid *cpu, uint32_t level, char *missing, size_t bytes) {
  weft_text text = weft_text_in(missing, bytes);
  if (!weft_cpu_level_name(level)) {
    weft_text_add(&text, "level %u, which this runtime does not know", level);
    return 0;
  }
  const uint32_t words[] = {cpu->leaf1_ecx, cpu->leaf7_ebx, cpu->leaf7_ecx, cpu->leaf7_1_eax, cpu->extended1_ecx};
  int lacking = 0;
  for (size_t i = 0; i < sizeof features / sizeof *features; i++)
    if (features[i].level <= level && !(words[features[i].word] >> features[i].bit & 1))
      weft_text_add(&text, "%s%s", lacking++ ? ", " : "", features[i].name);
  uint64_t state = level >= WEFT_ABI_CPU_V4 ? XCR0_ZMM : XCR0_YMM;
  if (!lacking && (cpu->xcr0 & state) != state)
    weft_text_add(&text, "%sthe system's support for its vector registers", lacking++ ? ", " : "");
  return !lacking;
}

const char *weft_cpu_level_name(uint32_t level) {
  switch (level) {
  case WEFT_ABI_CPU_V3:
    return "x86-64-v3";
  case WEFT_ABI_CPU_V4:
    return "x86-64-v4";
  case WEFT_ABI_CPU_V4_BF16:
    return "x86-64-v4-bf16";
  }
  return NULL;
}
