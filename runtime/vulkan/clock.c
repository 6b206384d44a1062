/* clock.c - how long does each dispatch of a call take? */
#include "vulkan/clock.h"
#include "core/error.h"

void weft_vk_clock_free(weft_gpu *gpu, weft_vk_clock *clock) {
  if (clock->queries)
    gpu->vk.DestroyQueryPool(gpu->device, clock->queries, NULL);
  weft_release(gpu->allocator, clock->times, clock->capacity * sizeof *clock->times);
  *clock = (weft_vk_clock){0};
}

weft_status weft_vk_clock_reserve(weft_gpu *gpu, weft_vk_clock *clock, size_t dispatches, weft_error *error) {
  if (!gpu->physical.timestamp_bits)
    return weft_fail(error, WEFT_NO_DEVICE, "%s (%s) has no clock that kernels could be timed by", gpu->name,
                     gpu->physical.properties.deviceName);
  const size_t count = dispatches + 1;
  if (count <= clock->capacity)
    return WEFT_OK;
  weft_vk_clock_free(gpu, clock);
  const VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                      .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                      .queryCount = (uint32_t)count};
  VkResult result = gpu->vk.CreateQueryPool(gpu->device, &info, NULL, &clock->queries);
  if (result != VK_SUCCESS)
    return weft_gpu_fail(gpu, result, "taking the time", error);
  clock->times = weft_allocate(gpu->allocator, count * sizeof *clock->times, "the times", error);
  if (!clock->times) {
    weft_vk_clock_free(gpu, clock);
    return WEFT_NO_MEMORY;
  }
  clock->capacity = count;
  return WEFT_OK;
}

weft_status weft_vk_clock_read(weft_gpu *gpu, weft_vk_clock *clock, const weft_sequence *sequence, weft_error *error) {
  const size_t count = sequence->count + 1;
  VkResult result = gpu->vk.GetQueryPoolResults(gpu->device, clock->queries, 0, (uint32_t)count,
                                                count * sizeof *clock->times, clock->times, sizeof *clock->times,
                                                VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
  if (result != VK_SUCCESS)
    return weft_gpu_fail(gpu, result, "taking the time", error);
  const uint32_t bits = gpu->physical.timestamp_bits;
  const uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX; // it begins anew from 0
  const double period = gpu->physical.properties.limits.timestampPeriod;    // in nanoseconds
  for (size_t i = 0; i < sequence->count; i++) {
    const uint64_t spent = (clock->times[i + 1] - clock->times[i]) & mask;
    sequence->code->ticks[sequence->steps[i].call] += (uint64_t)((double)spent * period + 0.5);
  }
  return WEFT_OK;
}
