/* recording.h - when must commands be recorded, and which are they?
 *
 * The commands of an entry read everything that changes from call to call - sizes, addresses, positions - from memory.
 * They are recorded again only where another sequence of kernels, other buffers or other copies are needed. */
#ifndef WEFT_VULKAN_RECORDING_H
#define WEFT_VULKAN_RECORDING_H

#include "vulkan/gpu.h"
#include "vulkan/sequence.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the host reads after a call, copied from memory that it cannot reach. */
typedef struct weft_vk_copy {
  VkBuffer from, to;
  uint64_t bytes;
} weft_vk_copy;

/* All that commands depend on, beside the code. */
typedef struct weft_vk_plan {
  uint64_t generation; /* of all buffers: another one where any was made anew, since handles may come again */
  const weft_vk_memory *slots;
  VkBuffer errors;   /* filled with ones before all else; null where the host does that */
  VkQueryPool clock; /* takes the time before each dispatch, and after the last; null where none is taken */
  const weft_vk_copy *copies;
  size_t copy_count;
} weft_vk_plan;

typedef struct weft_vk_recording {
  VkCommandBuffer commands;
  int valid;
  uint64_t recorded; /* how often, for tests */
  const weft_abi_code *code;
  weft_dispatch_step *steps;
  size_t count, capacity;
  uint64_t generation;
  VkBuffer errors;
  VkQueryPool clock;
  weft_vk_copy *copies;
  size_t copy_count, copy_capacity;
} weft_vk_recording;

/* Records, where what was recorded does not serve. */
weft_status weft_vk_record(weft_gpu *gpu, VkCommandPool pool, weft_vk_recording *recording,
                           const weft_sequence *sequence, const weft_vk_plan *plan, weft_error *error);
/* Frees its memory; the commands go with their pool. */
void weft_vk_recording_free(weft_gpu *gpu, weft_vk_recording *recording);

#ifdef __cplusplus
}
#endif
#endif
