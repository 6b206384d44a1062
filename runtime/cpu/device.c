/* device.c - how does the CPU run an entry? */
#include "core/device.h"
#include "core/error.h"
#include "core/module.h"
#include "cpu/level.h"
#include "cpu/parallel.h"
#include <sched.h>

static weft_status choose(void *shared, const weft_abi_entry *entry, int cpu_level, const weft_abi_code **code,
                          weft_error *error) {
  (void)shared;
  weft_cpuid cpu = weft_cpuid_read();
  char missing[256];
  // Code for CPUs comes first.
  uint32_t codes = 0;
  while (codes < entry->codes && entry->code[codes].device == WEFT_ABI_DEVICE_CPU)
    codes++;
  if (!codes)
    return weft_fail(error, WEFT_MISUSE, "entry '%s' holds no code for CPUs; compile the model for cpu too",
                     entry->name);
  for (uint32_t i = codes; i-- > 0;) {
    *code = &entry->code[i];
    if ((!cpu_level || (*code)->cpu_level <= (uint32_t)cpu_level) &&
        weft_cpu_has(&cpu, (*code)->cpu_level, missing, sizeof missing))
      return WEFT_OK;
  }
  // All were refused, so the lowest is what is needed at least.
  uint32_t least = entry->code[0].cpu_level;
  const char *name = weft_cpu_level_name(least);
  if (cpu_level && least > (uint32_t)cpu_level)
    return weft_fail(error, WEFT_NO_CPU, "the code needs CPU level %u at least, but level %d at most is allowed", least,
                     cpu_level);
  return weft_fail(error, WEFT_NO_CPU, "the code needs a CPU of level %s; this CPU lacks %s", name ? name : "unknown",
                   missing);
}

/* The CPUs that this process may use, which can be fewer than there are. */
static int available_cpus(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

static weft_status open_state(void *shared, const weft_allocator *allocator, int threads, void **state,
                              weft_error *error) {
  (void)shared;
  weft_cpu *cpu = weft_allocate(allocator, sizeof *cpu, "the device", error);
  if (!cpu)
    return WEFT_NO_MEMORY;
  pthread_mutex_init(&cpu->lock, NULL);
  if (!threads)
    threads = available_cpus();
  weft_status status =
      threads > 1 ? weft_pool_create(allocator, threads, weft_cpu_enter_worker, cpu, &cpu->pool, error) : WEFT_OK;
  if (status != WEFT_OK) {
    pthread_mutex_destroy(&cpu->lock);
    weft_release(allocator, cpu, sizeof *cpu);
    return status;
  }
  *state = cpu;
  return WEFT_OK;
}

static weft_status prepare(const weft_module *module, void *shared, weft_error *error) {
  (void)shared, (void)error;
  weft_weights_touch(&module->weights);
  return WEFT_OK;
}

static void close_state(void *state, const weft_allocator *allocator) {
  weft_cpu *cpu = state;
  if (cpu->pool)
    weft_pool_destroy(cpu->pool, allocator);
  pthread_mutex_destroy(&cpu->lock);
  weft_release(allocator, cpu, sizeof *cpu);
}

static weft_status reserve(void *state, weft_buffer *buffer, const weft_allocator *allocator, size_t bytes,
                           weft_use use, weft_error *error) {
  (void)state;
  return weft_buffer_reserve(buffer, allocator, bytes, weft_use_name(use), error);
}

static void release(void *state, weft_buffer *buffer, const weft_allocator *allocator) {
  (void)state;
  weft_buffer_free(buffer, allocator);
}

static int64_t arena(void *state, const weft_call *call) {
  (void)state;
  return call->code->arena(call->arguments);
}

static weft_status run(void *state, const weft_call *call, weft_error *error) {
  weft_cpu *cpu = state;
  cpu->report.made = 0;
  weft_cpu *before = weft_cpu_enter(cpu);
  call->code->run(call->arguments);
  weft_cpu_enter(before);
  return cpu->report.made ? weft_fail_index(call, &cpu->report, error) : WEFT_OK;
}

const weft_device weft_cpu_device = {.name = "cpu",
                                     .prepare = prepare,
                                     .choose = choose,
                                     .open = open_state,
                                     .close = close_state,
                                     .reserve = reserve,
                                     .release = release,
                                     .arena = arena,
                                     .run = run};
