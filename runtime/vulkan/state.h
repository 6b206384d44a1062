/* state.h - what does one context hold of a Vulkan device?
 *
 * Commands, the memory that calls use, and what of it the host reads. The contexts of a module share its weft_gpu. */
#ifndef WEFT_VULKAN_STATE_H
#define WEFT_VULKAN_STATE_H

#include "core/device.h"
#include "vulkan/clock.h"
#include "vulkan/memory.h"
#include "vulkan/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Memory that the runtime reserved. `readback` is what the host reads, where it cannot read `memory` itself. */
typedef struct weft_vk_block {
  weft_vk_memory memory, readback;
  struct weft_vk_block *next;
} weft_vk_block;

/* Arrays with a place for each argument of a call. */
typedef struct weft_vk_arguments {
  size_t capacity;
  weft_abi_memref *memrefs;
  void **pointers;
  weft_vk_copy *copies;
  weft_buffer *given; /* of outputs that go to memory of the caller: where the device puts them */
} weft_vk_arguments;

typedef struct weft_vk_state {
  weft_gpu *gpu;
  const weft_allocator *allocator;
  VkCommandPool pool;
  VkFence fence;
  weft_vk_block *blocks;
  uint64_t generation; /* counts what weft_vk_plan says */
  weft_sequence sequence;
  weft_vk_recording recordings[2]; /* by kind of entry */
  weft_vk_memory slots, inputs;
  weft_vk_block errors;
  weft_vk_arguments arguments;
  weft_vk_clock clock;
} weft_vk_state;

weft_status weft_vk_state_open(weft_gpu *gpu, const weft_allocator *allocator, weft_vk_state **state,
                               weft_error *error);
void weft_vk_state_close(weft_vk_state *state);

/* Memory for an argument, as weft_device.reserve has it. */
weft_status weft_vk_reserve(weft_vk_state *state, weft_buffer *buffer, size_t bytes, weft_use use, weft_error *error);
void weft_vk_release(weft_vk_state *state, weft_buffer *buffer);

/* Memory that the device writes and the host reads. */
weft_status weft_vk_block_create(weft_vk_state *state, uint64_t bytes, const char *what, weft_vk_block *block,
                                 weft_error *error);
/* Where the host reads it. */
void *weft_vk_block_data(const weft_vk_block *block);
/* The block whose data lies at `data`; NULL for memory of others. */
const weft_vk_block *weft_vk_find_block(const weft_vk_state *state, const void *data);

/* Makes places for `count` arguments. */
weft_status weft_vk_arguments_reserve(weft_vk_state *state, size_t count, weft_error *error);

#ifdef __cplusplus
}
#endif
#endif
