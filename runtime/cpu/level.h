/* level.h - which of the CPU levels of abi.h can this CPU run?
 *
 * A level is usable when the CPU has its instructions (CPUID) and the system saves its registers (XGETBV). */
#ifndef WEFT_CPU_LEVEL_H
#define WEFT_CPU_LEVEL_H

#include "weft/abi.h"
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What CPUID and XGETBV say, so that tests can ask about CPUs that are not at hand. */
typedef struct weft_cpuid {
  uint32_t leaf1_ecx, leaf7_ebx, extended1_ecx;
  uint64_t xcr0;
  uint32_t leaf7_ecx, leaf7_1_eax; /* the latter of subleaf 1 */
} weft_cpuid;

weft_cpuid weft_cpuid_read(void);

/* 1 when all of `level` is there. Else 0, with `missing` listing what is not ("avx512f, avx512bw"). Levels that this
 * runtime does not know are never usable. */
int weft_cpu_has(const weft_cpuid *cpu, uint32_t level, char *missing, size_t bytes);

/* "x86-64-v4", or NULL for an unknown level. */
const char *weft_cpu_level_name(uint32_t level);

#ifdef __cplusplus
}
#endif
#endif
