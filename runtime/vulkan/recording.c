/* recording.c - when must commands be recorded, and which are they? */
#include "vulkan/recording.h"
#include "core/error.h"
#include "vulkan/pipelines.h"
#include <string.h>

static int serves(const weft_vk_recording *recording, const weft_sequence *sequence, const weft_vk_plan *plan) {
  return recording->valid && recording->code == sequence->code && recording->count == sequence->count &&
         recording->generation == plan->generation && recording->errors == plan->errors &&
         recording->clock == plan->clock && recording->copy_count == plan->copy_count &&
         (!sequence->count || !memcmp(recording->steps, sequence->steps, sequence->count * sizeof *sequence->steps)) &&
         (!plan->copy_count || !memcmp(recording->copies, plan->copies, plan->copy_count * sizeof *plan->copies));
}

/* A copy of an array, in memory that is kept and grows. */
static weft_status keep(weft_gpu *gpu, void **array, size_t *capacity, const void *from, size_t count, size_t size,
                        weft_error *error) {
  if (count > *capacity) {
    weft_release(gpu->allocator, *array, *capacity * size);
    *capacity = 0;
    *array = weft_allocate(gpu->allocator, count * size, "the recording", error);
    if (!*array)
      return WEFT_NO_MEMORY;
    *capacity = count;
  }
  if (count)
    memcpy(*array, from, count * size);
  return WEFT_OK;
}

static weft_status remember(weft_gpu *gpu, weft_vk_recording *recording, const weft_sequence *sequence,
                            const weft_vk_plan *plan, weft_error *error) {
  void *steps = recording->steps, *copies = recording->copies;
  weft_status status =
      keep(gpu, &steps, &recording->capacity, sequence->steps, sequence->count, sizeof *recording->steps, error);
  recording->steps = steps;
  if (status == WEFT_OK)
    status =
        keep(gpu, &copies, &recording->copy_capacity, plan->copies, plan->copy_count, sizeof *recording->copies, error);
  recording->copies = copies;
  recording->code = sequence->code;
  recording->count = sequence->count;
  recording->generation = plan->generation;
  recording->errors = plan->errors;
  recording->clock = plan->clock;
  recording->copy_count = plan->copy_count;
  return status;
}

static void barrier(const weft_vk_functions *vk, VkCommandBuffer commands, VkPipelineStageFlags before,
                    VkAccessFlags written, VkPipelineStageFlags after, VkAccessFlags used) {
  const VkMemoryBarrier memory = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = written, .dstAccessMask = used};
  vk->CmdPipelineBarrier(commands, before, after, 0, 1, &memory, 0, NULL, 0, NULL);
}

/* The time when all that was asked for before is done. */
static void take_time(const weft_vk_functions *vk, VkCommandBuffer commands, VkQueryPool clock, size_t number) {
  if (clock)
    vk->CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, clock, (uint32_t)number);
}

/* The end of the dispatches from `first` on that no barrier stands between. */
static size_t end_of_group(const weft_sequence *sequence, const weft_vk_plan *plan, size_t first) {
  size_t end = first + 1;
  // Where time is taken nothing runs beside anything else.
  while (end < sequence->count && !sequence->steps[end].barrier && !plan->clock)
    end++;
  return end;
}

static void dispatch_all(const weft_gpu *gpu, VkCommandBuffer commands, const weft_sequence *sequence,
                         const weft_vk_plan *plan) {
  const weft_vk_functions *vk = &gpu->vk;
  const VkPipeline *pipelines = weft_vk_pipelines_of(gpu, sequence->code);
  uint32_t bound = UINT32_MAX;
  for (size_t first = 0, end; first < sequence->count; first = end) {
    end = end_of_group(sequence, plan, first);
    take_time(vk, commands, plan->clock, first);
    if (first)
      barrier(vk, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
              VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
    for (size_t i = first; i < end; i++) {
      const weft_dispatch_step *step = &sequence->steps[gpu->reverses ? first + end - 1 - i : i];
      if (step->kernel != bound)
        vk->CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines[step->kernel]);
      bound = step->kernel;
      const VkDeviceAddress record = plan->slots->address + step->slot + WEFT_SLOT_RECORD;
      vk->CmdPushConstants(commands, gpu->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof record, &record);
      vk->CmdDispatchIndirect(commands, plan->slots->buffer, step->slot);
    }
  }
  take_time(vk, commands, plan->clock, sequence->count);
}

static VkResult record(weft_gpu *gpu, VkCommandBuffer commands, const weft_sequence *sequence,
                       const weft_vk_plan *plan) {
  const weft_vk_functions *vk = &gpu->vk;
  const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  VkResult result = vk->BeginCommandBuffer(commands, &begin);
  if (result != VK_SUCCESS)
    return result;
  if (plan->clock)
    vk->CmdResetQueryPool(commands, plan->clock, 0, (uint32_t)sequence->count + 1);
  // What an earlier call left, caches above all. (What the host wrote is seen anyway.)
  barrier(vk, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
          VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
          VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
          VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
  if (plan->errors) {
    vk->CmdFillBuffer(commands, plan->errors, 0, VK_WHOLE_SIZE, UINT32_MAX);
    barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
  }
  dispatch_all(gpu, commands, sequence, plan);
  barrier(vk, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
          VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT,
          VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_HOST_READ_BIT);
  for (size_t i = 0; i < plan->copy_count; i++) {
    const VkBufferCopy region = {.size = plan->copies[i].bytes};
    vk->CmdCopyBuffer(commands, plan->copies[i].from, plan->copies[i].to, 1, &region);
  }
  if (plan->copy_count)
    barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT,
            VK_ACCESS_HOST_READ_BIT);
  return vk->EndCommandBuffer(commands);
}

weft_status weft_vk_record(weft_gpu *gpu, VkCommandPool pool, weft_vk_recording *recording,
                           const weft_sequence *sequence, const weft_vk_plan *plan, weft_error *error) {
  if (serves(recording, sequence, plan))
    return WEFT_OK;
  recording->valid = 0;
  weft_status status = remember(gpu, recording, sequence, plan, error);
  if (status != WEFT_OK)
    return status;
  VkResult result = VK_SUCCESS;
  if (!recording->commands) {
    const VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                              .commandPool = pool,
                                              .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                              .commandBufferCount = 1};
    result = gpu->vk.AllocateCommandBuffers(gpu->device, &info, &recording->commands);
  }
  if (result == VK_SUCCESS)
    result = record(gpu, recording->commands, sequence, plan);
  if (result != VK_SUCCESS)
    return weft_gpu_fail(gpu, result, "recording commands", error);
  recording->valid = 1;
  recording->recorded++;
  return WEFT_OK;
}

void weft_vk_recording_free(weft_gpu *gpu, weft_vk_recording *recording) {
  weft_release(gpu->allocator, recording->steps, recording->capacity * sizeof *recording->steps);
  weft_release(gpu->allocator, recording->copies, recording->copy_capacity * sizeof *recording->copies);
  *recording = (weft_vk_recording){0};
}
