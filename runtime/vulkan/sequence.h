/* sequence.h - which dispatches has the host function of an entry asked for?
 *
 * A sequence is what one call of `run` appends by weft_dispatch: kernels in order, and for each a slot, which is laid
 * out as the device reads it: the numbers of workgroups (VkDispatchIndirectCommand) and, 16 bytes on, the record. Which
 * kernels run in which order rarely changes from call to call, what is in the slots often does: so a command buffer is
 * recorded for the former and reads the latter when it runs. */
#ifndef WEFT_VULKAN_SEQUENCE_H
#define WEFT_VULKAN_SEQUENCE_H

#include "core/memory.h"
#include "weft/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_SLOT_RECORD = 16, WEFT_SLOT_ALIGNMENT = 16 };

typedef struct weft_dispatch_step {
  uint32_t kernel;
  uint32_t barrier;       /* before it */
  uint32_t call, padding; /* whose time it takes, see weft_abi_code.ticks */
  uint64_t slot;          /* offset of its slot */
} weft_dispatch_step;

typedef struct weft_sequence {
  const weft_allocator *allocator;
  const weft_abi_code *code;
  weft_dispatch_step *steps;
  size_t count, step_capacity; /* the latter in bytes */
  unsigned char *slots;
  size_t bytes, slot_capacity;
  weft_status status; /* of appending: the first failure */
  weft_error error;
} weft_sequence;

/* Empties it for a run of `code`; keeps its memory. */
void weft_sequence_begin(weft_sequence *sequence, const weft_allocator *allocator, const weft_abi_code *code);
void weft_sequence_free(weft_sequence *sequence);

/* Makes weft_dispatch of the calling thread append to `sequence` (NULL: to none); returns to which it did before. */
weft_sequence *weft_sequence_enter(weft_sequence *sequence);

#ifdef __cplusplus
}
#endif
#endif
