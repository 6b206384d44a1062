/* parallel.c - how are the two functions served that generated code calls? */
#include "cpu/parallel.h"
#include "core/services.h"

static _Thread_local weft_cpu *current;   /* for whom this thread runs */
static _Thread_local int inside_a_region; /* it runs a body: a region in there has no other threads to wait for */

weft_cpu *weft_cpu_enter(weft_cpu *cpu) {
  weft_cpu *before = current;
  current = cpu;
  return before;
}

void weft_cpu_enter_worker(void *cpu) {
  current = cpu;
  inside_a_region = 1;
}

WEFT_API void weft_parallel(void (*body)(void *closure, int64_t index), void *closure, int64_t count) {
  if (!current) {
    const weft_abi_services *services = weft_bound_services();
    if (services) {
      services->parallel(body, closure, count);
      return;
    }
  }
  if (count <= 1 || inside_a_region || !current || !current->pool) {
    for (int64_t i = 0; i < count; i++)
      body(closure, i);
    return;
  }
  inside_a_region = 1;
  weft_pool_run(current->pool, body, closure, count);
  inside_a_region = 0;
}

WEFT_API void weft_bad_index(int64_t label, int64_t position, int64_t index, int64_t bound_of_index) {
  if (!current) {
    const weft_abi_services *services = weft_bound_services();
    if (services)
      services->bad_index(label, position, index, bound_of_index);
    return;
  }
  pthread_mutex_lock(&current->lock);
  weft_report *report = &current->report;
  // The lowest, not the earliest: which thread comes first must not decide what is reported.
  if (!report->made || label < report->label || (label == report->label && position < report->position))
    *report = (weft_report){1, label, position, index, bound_of_index};
  pthread_mutex_unlock(&current->lock);
}
