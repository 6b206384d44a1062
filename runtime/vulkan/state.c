/* state.c - what does one context hold of a Vulkan device? */
#include "vulkan/state.h"
#include "core/error.h"
#include <string.h>

weft_status weft_vk_state_open(weft_gpu *gpu, const weft_allocator *allocator, weft_vk_state **result,
                               weft_error *error) {
  weft_vk_state *state = weft_allocate(allocator, sizeof *state, "the device", error);
  if (!state)
    return WEFT_NO_MEMORY;
  state->gpu = gpu;
  state->allocator = allocator;
  const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                        .queueFamilyIndex = gpu->physical.queue_family};
  const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkResult made = gpu->vk.CreateCommandPool(gpu->device, &pool, NULL, &state->pool);
  if (made == VK_SUCCESS)
    made = gpu->vk.CreateFence(gpu->device, &fence, NULL, &state->fence);
  if (made != VK_SUCCESS) {
    weft_vk_state_close(state);
    return weft_gpu_fail(gpu, made, "opening a context", error);
  }
  *result = state;
  return WEFT_OK;
}

static void free_arguments(weft_vk_state *state) {
  weft_vk_arguments *a = &state->arguments;
  const weft_allocator *allocator = state->allocator;
  for (size_t i = 0; i < a->capacity; i++)
    weft_vk_release(state, &a->given[i]);
  weft_release(allocator, a->memrefs, a->capacity * sizeof *a->memrefs);
  weft_release(allocator, a->pointers, a->capacity * sizeof *a->pointers);
  weft_release(allocator, a->copies, a->capacity * sizeof *a->copies);
  weft_release(allocator, a->given, a->capacity * sizeof *a->given);
  *a = (weft_vk_arguments){0};
}

weft_status weft_vk_arguments_reserve(weft_vk_state *state, size_t count, weft_error *error) {
  weft_vk_arguments *a = &state->arguments;
  if (count <= a->capacity)
    return WEFT_OK;
  free_arguments(state);
  const weft_allocator *allocator = state->allocator;
  weft_vk_arguments made = {.capacity = count};
  if ((made.memrefs = weft_allocate(allocator, count * sizeof *made.memrefs, "the arguments", error)) &&
      (made.pointers = weft_allocate(allocator, count * sizeof *made.pointers, "the arguments", error)) &&
      (made.copies = weft_allocate(allocator, count * sizeof *made.copies, "the arguments", error)) &&
      (made.given = weft_allocate(allocator, count * sizeof *made.given, "the arguments", error))) {
    *a = made;
    return WEFT_OK;
  }
  weft_release(allocator, made.memrefs, count * sizeof *made.memrefs);
  weft_release(allocator, made.pointers, count * sizeof *made.pointers);
  weft_release(allocator, made.copies, count * sizeof *made.copies);
  return WEFT_NO_MEMORY;
}

static void destroy_block(weft_vk_state *state, weft_vk_block *block) {
  weft_vk_memory_destroy(state->gpu, &block->memory);
  weft_vk_memory_destroy(state->gpu, &block->readback);
}

void weft_vk_state_close(weft_vk_state *state) {
  weft_gpu *gpu = state->gpu;
  free_arguments(state);
  for (int i = 0; i < 2; i++)
    weft_vk_recording_free(gpu, &state->recordings[i]);
  weft_sequence_free(&state->sequence);
  weft_vk_memory_destroy(gpu, &state->slots);
  weft_vk_memory_destroy(gpu, &state->inputs);
  destroy_block(state, &state->errors);
  weft_vk_clock_free(gpu, &state->clock);
  if (state->fence)
    gpu->vk.DestroyFence(gpu->device, state->fence, NULL);
  if (state->pool)
    gpu->vk.DestroyCommandPool(gpu->device, state->pool, NULL);
  weft_release(state->allocator, state, sizeof *state);
}

weft_status weft_vk_block_create(weft_vk_state *state, uint64_t bytes, const char *what, weft_vk_block *block,
                                 weft_error *error) {
  state->generation++;
  weft_status status = weft_vk_memory_create(state->gpu, WEFT_VK_LOCAL, bytes, what, &block->memory, error);
  if (status == WEFT_OK && !state->gpu->unified)
    status = weft_vk_memory_create(state->gpu, WEFT_VK_READBACK, bytes, what, &block->readback, error);
  if (status != WEFT_OK)
    destroy_block(state, block);
  return status;
}

void *weft_vk_block_data(const weft_vk_block *block) {
  return block->readback.buffer ? block->readback.mapped : block->memory.mapped;
}

const weft_vk_block *weft_vk_find_block(const weft_vk_state *state, const void *data) {
  const weft_vk_block *block = state->blocks;
  while (block && weft_vk_block_data(block) != data)
    block = block->next;
  return block;
}

static weft_status fill_block(weft_vk_state *state, weft_vk_block *block, size_t bytes, weft_use use,
                              weft_error *error) {
  if (use == WEFT_USE_OUTPUT)
    return weft_vk_block_create(state, bytes, weft_use_name(use), block, error);
  weft_status status =
      weft_vk_memory_create(state->gpu, WEFT_VK_LOCAL, bytes, weft_use_name(use), &block->memory, error);
  // A kernel may read more of a cache than is filled, and throw it away; what it reads must not be NaN.
  if (status == WEFT_OK && use == WEFT_USE_CACHE)
    status = weft_vk_memory_write(state->gpu, &block->memory, NULL, bytes, error);
  return status;
}

weft_status weft_vk_reserve(weft_vk_state *state, weft_buffer *buffer, size_t bytes, weft_use use, weft_error *error) {
  if (buffer->data && buffer->capacity >= bytes)
    return WEFT_OK;
  // Freed first, as on the host. Sequences that grow by one position would else allocate at every call.
  size_t before = buffer->capacity, larger = before + before / 2;
  weft_vk_release(state, buffer);
  weft_vk_block *block = weft_allocate(state->allocator, sizeof *block, weft_use_name(use), error);
  if (!block)
    return WEFT_NO_MEMORY;
  size_t wanted = larger > bytes ? larger : bytes;
  weft_status status = fill_block(state, block, wanted, use, error);
  if (status == WEFT_NO_MEMORY && wanted > bytes) {
    destroy_block(state, block);
    status = fill_block(state, block, wanted = bytes, use, error);
  }
  if (status != WEFT_OK) {
    destroy_block(state, block);
    weft_release(state->allocator, block, sizeof *block);
    return status;
  }
  block->next = state->blocks;
  state->blocks = block;
  void *address = (void *)(uintptr_t)block->memory.address;
  *buffer = (weft_buffer){use == WEFT_USE_OUTPUT ? weft_vk_block_data(block) : address, wanted, block};
  return WEFT_OK;
}

void weft_vk_release(weft_vk_state *state, weft_buffer *buffer) {
  weft_vk_block *block = buffer->owner, **link = &state->blocks;
  *buffer = (weft_buffer){0};
  if (!block)
    return;
  while (*link != block)
    link = &(*link)->next;
  *link = block->next;
  destroy_block(state, block);
  weft_release(state->allocator, block, sizeof *block);
}
