/* sequence.c - which dispatches has the host function of an entry asked for? */
#include "vulkan/sequence.h"
#include "core/error.h"
#include "core/services.h"
#include <string.h>

static _Thread_local weft_sequence *current;

void weft_sequence_begin(weft_sequence *sequence, const weft_allocator *allocator, const weft_abi_code *code) {
  sequence->allocator = allocator;
  sequence->code = code;
  sequence->count = sequence->bytes = 0;
  sequence->status = WEFT_OK;
}

void weft_sequence_free(weft_sequence *sequence) {
  if (!sequence->allocator)
    return;
  weft_release(sequence->allocator, sequence->steps, sequence->step_capacity);
  weft_release(sequence->allocator, sequence->slots, sequence->slot_capacity);
  *sequence = (weft_sequence){0};
}

weft_sequence *weft_sequence_enter(weft_sequence *sequence) {
  weft_sequence *before = current;
  current = sequence;
  return before;
}

/* Makes room for `wanted` bytes in an array that holds `used`; `capacity` is in bytes. */
static void *grow(weft_sequence *sequence, void *memory, size_t used, size_t *capacity, size_t wanted) {
  if (wanted <= *capacity)
    return memory;
  size_t larger = *capacity ? *capacity : 4096;
  while (larger < wanted)
    larger *= 2;
  void *grown = weft_allocate(sequence->allocator, larger, "the dispatches", &sequence->error);
  if (!grown)
    return NULL;
  if (used)
    memcpy(grown, memory, used);
  weft_release(sequence->allocator, memory, *capacity);
  *capacity = larger;
  return grown;
}

/* What generated code gets wrong only where the compiler has. */
static weft_status check(weft_sequence *sequence, int64_t kernel, int64_t flags, const int64_t groups[3],
                         int64_t bytes) {
  weft_error *error = &sequence->error;
  if (kernel < 0 || kernel >= (int64_t)sequence->code->kernels)
    return weft_fail(error, WEFT_BAD_MODULE, "the module is damaged: it has no kernel %lld, only %u", (long long)kernel,
                     sequence->code->kernels);
  const char *name = sequence->code->kernel[kernel].name;
  if (bytes < 0 || bytes > WEFT_ABI_MAX_RECORD || bytes % 8)
    return weft_fail(error, WEFT_BAD_MODULE, "the module is damaged: kernel '%s' is called with %lld bytes", name,
                     (long long)bytes);
  if (flags & WEFT_ABI_TOO_LARGE)
    return weft_fail(
        error, WEFT_BAD_INPUT,
        "kernel '%s' would have to count 2147483648 elements or more, and code for Vulkan counts in 31 bits; "
        "use smaller sizes",
        name);
  if (sequence->code->ticks && (uint64_t)flags >> WEFT_ABI_CALL_SHIFT >= sequence->code->calls)
    return weft_fail(error, WEFT_BAD_MODULE,
                     "the module is damaged: it counts the time of %u calls, but not of call %u", sequence->code->calls,
                     (uint32_t)((uint64_t)flags >> WEFT_ABI_CALL_SHIFT));
  for (int d = 0; d < 3; d++)
    if (groups[d] < 0 || groups[d] > WEFT_ABI_MAX_GROUPS)
      return weft_fail(error, WEFT_BAD_INPUT,
                       "kernel '%s' would need %lld x %lld x %lld workgroups, but each may be %d at most; use smaller "
                       "sizes",
                       name, (long long)groups[0], (long long)groups[1], (long long)groups[2], WEFT_ABI_MAX_GROUPS);
  return WEFT_OK;
}

static weft_status append(weft_sequence *sequence, int64_t kernel, int64_t flags, const int64_t groups[3],
                          const void *record, int64_t bytes) {
  weft_status status = check(sequence, kernel, flags, groups, bytes);
  if (status != WEFT_OK)
    return status;
  size_t size = sizeof *sequence->steps;
  void *steps =
      grow(sequence, sequence->steps, sequence->count * size, &sequence->step_capacity, (sequence->count + 1) * size);
  if (!steps)
    return WEFT_NO_MEMORY;
  sequence->steps = steps;
  size_t slot =
      WEFT_SLOT_RECORD + ((size_t)bytes + WEFT_SLOT_ALIGNMENT - 1) / WEFT_SLOT_ALIGNMENT * WEFT_SLOT_ALIGNMENT;
  void *slots = grow(sequence, sequence->slots, sequence->bytes, &sequence->slot_capacity, sequence->bytes + slot);
  if (!slots)
    return WEFT_NO_MEMORY;
  sequence->slots = slots;

  const uint32_t header[4] = {(uint32_t)groups[0], (uint32_t)groups[1], (uint32_t)groups[2], 0};
  unsigned char *at = sequence->slots + sequence->bytes;
  memset(at, 0, slot);
  memcpy(at, header, sizeof header);
  if (bytes)
    memcpy(at + WEFT_SLOT_RECORD, record, (size_t)bytes);
  sequence->steps[sequence->count++] = (weft_dispatch_step){.kernel = (uint32_t)kernel,
                                                            .barrier = flags & WEFT_ABI_BARRIER,
                                                            .call = (uint64_t)flags >> WEFT_ABI_CALL_SHIFT,
                                                            .slot = sequence->bytes};
  sequence->bytes += slot;
  return WEFT_OK;
}

WEFT_API void weft_dispatch(int64_t kernel, int64_t flags, const int64_t groups[3], const void *record, int64_t bytes) {
  if (!current) {
    const weft_abi_services *services = weft_bound_services();
    if (services)
      services->dispatch(kernel, flags, groups, record, bytes);
    return;
  }
  if (current->status == WEFT_OK)
    current->status = append(current, kernel, flags, groups, record, bytes);
}
