/* parallel.h - for whom does a thread run generated code?
 *
 * Generated code names no context: it calls weft_parallel and weft_bad_index, and these find, in a thread-local
 * variable, the run that the thread works for. */
#ifndef WEFT_CPU_PARALLEL_H
#define WEFT_CPU_PARALLEL_H

#include "core/report.h"
#include "cpu/pool.h"
#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif
