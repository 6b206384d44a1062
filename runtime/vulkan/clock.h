/* clock.h - how long does each dispatch of a call take?
 *
 * Only of code that wants to know (weft_abi_code.ticks): its dispatches run one after the other. */
#ifndef WEFT_VULKAN_CLOCK_H
#define WEFT_VULKAN_CLOCK_H

#include "vulkan/gpu.h"
#include "vulkan/sequence.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where commands write the time: before each dispatch, and after the last. */
typedef struct weft_vk_clock {
  VkQueryPool queries;
  uint64_t *times;
  size_t capacity;
} weft_vk_clock;

/* Makes room for the times of so many dispatches. Fails with WEFT_NO_DEVICE where the device has no clock. */
weft_status weft_vk_clock_reserve(weft_gpu *gpu, weft_vk_clock *clock, size_t dispatches, weft_error *error);

/* Adds to the ticks of the sequence's code what the commands took, which must have run. */
weft_status weft_vk_clock_read(weft_gpu *gpu, weft_vk_clock *clock, const weft_sequence *sequence, weft_error *error);

void weft_vk_clock_free(weft_gpu *gpu, weft_vk_clock *clock);

#ifdef __cplusplus
}
#endif
#endif
