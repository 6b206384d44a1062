/* device.c - how does the CPU run an entry? */
#include "core/device.h"
#include "core/error.h"
#include "cpu/level.h"
#include "cpu/parallel.h"
#include <sched.h>
#include <string.h>

static weft_status choose(const weft_abi_entry *entry, int cpu_level, const weft_abi_code **code, weft_error *error) {
  weft_cpuid cpu = weft_cpuid_read();
  char missing[256];
  for (uint32_t i = entry->codes; i-- > 0;) {
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

static weft_status open_state(const weft_allocator *allocator, int threads, void **state, weft_error *error) {
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

static void close_state(void *state, const weft_allocator *allocator) {
  weft_cpu *cpu = state;
  if (cpu->pool)
    weft_pool_destroy(cpu->pool, allocator);
  pthread_mutex_destroy(&cpu->lock);
  weft_release(allocator, cpu, sizeof *cpu);
}

static weft_status reserve(void *state, weft_buffer *buffer, const weft_allocator *allocator, size_t bytes,
                           const char *what, weft_error *error) {
  (void)state;
  return weft_buffer_reserve(buffer, allocator, bytes, what, error);
}

static void release(void *state, weft_buffer *buffer, const weft_allocator *allocator) {
  (void)state;
  weft_buffer_free(buffer, allocator);
}

static int64_t arena(void *state, const weft_call *call) {
  (void)state;
  return call->code->arena(call->arguments);
}

/* "tokens[0, 5]" where the label is an input's name, else "element 5 of label". */
static const char *place(const weft_call *call, const weft_report *report, char *memory, size_t bytes) {
  weft_text text = weft_text_in(memory, bytes);
  int known = report->label >= 0 && (uint64_t)report->label < call->module->label_count;
  const char *label = known ? call->module->labels[report->label] : "an unnamed tensor";
  for (uint32_t i = 0; i < call->entry->inputs; i++) {
    const weft_abi_tensor *tensor = &call->entry->tensors[i];
    if (strcmp(tensor->name, label) || report->position < 0)
      continue;
    const weft_abi_memref *memref = call->arguments[i];
    int64_t rest = report->position, at[WEFT_ABI_MAX_RANK];
    for (uint32_t d = tensor->rank; d-- > 0;) {
      int64_t size = memref->sizes_then_strides[d];
      at[d] = size ? rest % size : 0;
      rest = size ? rest / size : 0;
    }
    weft_text_add(&text, "%s", label);
    for (uint32_t d = 0; d < tensor->rank; d++)
      weft_text_add(&text, "%s%lld%s", d ? ", " : "[", (long long)at[d], d + 1 == tensor->rank ? "]" : "");
    return memory;
  }
  weft_text_add(&text, "element %lld of '%s'", (long long)report->position, label);
  return memory;
}

static weft_status run(void *state, const weft_call *call, weft_error *error) {
  weft_cpu *cpu = state;
  cpu->report.made = 0;
  weft_cpu *before = weft_cpu_enter(cpu);
  call->code->run(call->arguments);
  weft_cpu_enter(before);
  if (!cpu->report.made)
    return WEFT_OK;
  char memory[256];
  return weft_fail(error, WEFT_BAD_INPUT, "%s is %lld, which is not in 0 .. %lld",
                   place(call, &cpu->report, memory, sizeof memory), (long long)cpu->report.index,
                   (long long)cpu->report.bound - 1);
}

const weft_device weft_cpu_device = {"cpu", choose, open_state, close_state, reserve, release, arena, run};
