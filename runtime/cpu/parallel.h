/* parallel.h - for whom does a thread run generated code?
 *
 * Generated code names no context: it calls weft_parallel and weft_bad_index, and these find, in a thread-local
 * variable, the run that the thread works for. */
#ifndef WEFT_CPU_PARALLEL_H
#define WEFT_CPU_PARALLEL_H

#include "cpu/pool.h"
#include "weft/abi.h"
#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The index out of range that a run reports. */
typedef struct weft_report {
  int made;
  int64_t label, position, index, bound;
} weft_report;

/* What the CPU device holds for one context. */
typedef struct weft_cpu {
  weft_pool *pool; /* NULL: one thread */
  pthread_mutex_t lock;
  weft_report report; /* guarded by `lock`: bodies report at once */
} weft_cpu;

/* Makes the calling thread run for `cpu` (NULL: for nobody); returns for whom it ran before. */
weft_cpu *weft_cpu_enter(weft_cpu *cpu);

/* The same for a thread of a pool: regions inside a region run in place. */
void weft_cpu_enter_worker(void *cpu);

/* What this copy of the runtime offers to libraries that it loads. */
extern const weft_abi_services weft_own_services;

#ifdef __cplusplus
}
#endif
#endif
