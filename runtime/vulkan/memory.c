/* memory.c - where in a device's memory do things lie? */
#include "vulkan/memory.h"
#include "core/error.h"
#include <stdlib.h>
#include <string.h>

enum {
  LOCAL = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
  MAPPED = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
  CACHED = VK_MEMORY_PROPERTY_HOST_CACHED_BIT
};

/* The first type that has `wanted` and nothing of `unwanted`; -1 for none. */
static int find_type(const VkPhysicalDeviceMemoryProperties *memory, VkFlags wanted, VkFlags unwanted) {
  // Memory of other kinds has rules of its own.
  unwanted |= VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT |
              VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;
  for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
    VkFlags flags = memory->memoryTypes[i].propertyFlags;
    if ((flags & wanted) == wanted && !(flags & unwanted))
      return (int)i;
  }
  return -1;
}

static uint32_t first_of(const int types[3]) {
  for (int i = 0; i < 3; i++)
    if (types[i] >= 0)
      return (uint32_t)types[i];
  return 0; // Vulkan promises memory that is mapped and memory that is local
}

void weft_vk_choose_memory(weft_gpu *gpu) {
  const VkPhysicalDeviceMemoryProperties *all = &gpu->physical.memory;
  // One memory for both is best everywhere. Where the host reaches the device's memory through a window, it writes well
  // there, but reads badly, and the window may be small.
  int unified = find_type(all, LOCAL | MAPPED | CACHED, 0);
  const char *wanted = getenv("WEFT_VULKAN_MEMORY");
  gpu->unified = unified >= 0 && !(wanted && !strcmp(wanted, "separate"));
  gpu->memory_type[WEFT_VK_LOCAL] =
      first_of((int[]){unified, find_type(all, LOCAL, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT), find_type(all, LOCAL, 0)});
  gpu->memory_type[WEFT_VK_UPLOAD] =
      first_of((int[]){unified, find_type(all, LOCAL | MAPPED, 0), find_type(all, MAPPED, 0)});
  gpu->memory_type[WEFT_VK_READBACK] =
      first_of((int[]){unified, find_type(all, MAPPED | CACHED, 0), find_type(all, MAPPED, 0)});
}

static weft_status fail(weft_gpu *gpu, VkResult result, uint64_t bytes, const char *what, weft_error *error) {
  if (result != VK_ERROR_OUT_OF_DEVICE_MEMORY && result != VK_ERROR_OUT_OF_HOST_MEMORY)
    return weft_gpu_fail(gpu, result, what, error);
  return weft_fail(error, WEFT_NO_MEMORY,
                   "%llu bytes for %s could not be allocated on %s (%s), which has %llu bytes, and at most %llu in one "
                   "piece",
                   (unsigned long long)bytes, what, gpu->name, gpu->physical.properties.deviceName,
                   (unsigned long long)weft_vk_heap_bytes(&gpu->physical),
                   (unsigned long long)gpu->physical.largest_allocation);
}

static VkResult allocate(weft_gpu *gpu, uint32_t type, int mapped, weft_vk_memory *memory) {
  const weft_vk_functions *vk = &gpu->vk;
  const VkBufferCreateInfo buffer = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                     .size = memory->bytes,
                                     .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                              VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                                              VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                              VK_BUFFER_USAGE_TRANSFER_DST_BIT};
  VkResult result = vk->CreateBuffer(gpu->device, &buffer, NULL, &memory->buffer);
  if (result != VK_SUCCESS)
    return result;
  VkMemoryRequirements needs;
  vk->GetBufferMemoryRequirements(gpu->device, memory->buffer, &needs);
  if (!(needs.memoryTypeBits >> type & 1) || needs.size > gpu->physical.largest_allocation)
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                           .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
  const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                     .pNext = &flags,
                                     .allocationSize = needs.size,
                                     .memoryTypeIndex = type};
  result = vk->AllocateMemory(gpu->device, &info, NULL, &memory->memory);
  if (result == VK_SUCCESS)
    result = vk->BindBufferMemory(gpu->device, memory->buffer, memory->memory, 0);
  if (result == VK_SUCCESS && mapped)
    result = vk->MapMemory(gpu->device, memory->memory, 0, VK_WHOLE_SIZE, 0, &memory->mapped);
  if (result == VK_SUCCESS) {
    const VkBufferDeviceAddressInfo of = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                          .buffer = memory->buffer};
    memory->address = vk->GetBufferDeviceAddress(gpu->device, &of);
  }
  return result;
}

weft_status weft_vk_memory_create(weft_gpu *gpu, weft_vk_use use, uint64_t bytes, const char *what,
                                  weft_vk_memory *memory, weft_error *error) {
  // Nothing is empty, or its address would be nowhere; and all can be filled, which is done in words.
  enum { UNIT = 256 };
  *memory = (weft_vk_memory){.bytes = bytes ? (bytes + UNIT - 1) / UNIT * UNIT : UNIT};
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  if (memory->bytes <= gpu->physical.largest_allocation) {
    uint32_t type = gpu->memory_type[use];
    result = allocate(gpu, type, use != WEFT_VK_LOCAL || gpu->unified, memory);
    // The window into a device's memory may be full: then the device reads over the bus.
    int other = find_type(&gpu->physical.memory, MAPPED, LOCAL);
    if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY && use == WEFT_VK_UPLOAD && other >= 0 && (uint32_t)other != type) {
      uint64_t wanted = memory->bytes;
      weft_vk_memory_destroy(gpu, memory);
      memory->bytes = wanted;
      result = allocate(gpu, (uint32_t)other, 1, memory);
    }
  }
  if (result == VK_SUCCESS)
    return WEFT_OK;
  weft_vk_memory_destroy(gpu, memory);
  return fail(gpu, result, bytes, what, error);
}

void weft_vk_memory_destroy(weft_gpu *gpu, weft_vk_memory *memory) {
  if (memory->buffer)
    gpu->vk.DestroyBuffer(gpu->device, memory->buffer, NULL);
  if (memory->memory)
    gpu->vk.FreeMemory(gpu->device, memory->memory, NULL); // unmaps it
  *memory = (weft_vk_memory){0};
}

weft_status weft_vk_memory_reserve(weft_gpu *gpu, weft_vk_use use, uint64_t bytes, const char *what,
                                   weft_vk_memory *memory, weft_error *error) {
  if (memory->buffer && memory->bytes >= bytes)
    return WEFT_OK;
  // Sequences that grow by one position would else allocate at every call.
  uint64_t wanted = bytes, larger = memory->bytes + memory->bytes / 2;
  weft_vk_memory_destroy(gpu, memory);
  if (larger > wanted && weft_vk_memory_create(gpu, use, larger, what, memory, NULL) == WEFT_OK)
    return WEFT_OK;
  return weft_vk_memory_create(gpu, use, wanted, what, memory, error);
}

/* One-time commands, for what happens when loading. */
typedef struct transfer {
  VkCommandPool pool;
  VkCommandBuffer commands;
  VkFence fence;
} transfer;

static VkResult open_transfer(weft_gpu *gpu, transfer *t) {
  const weft_vk_functions *vk = &gpu->vk;
  const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                        .queueFamilyIndex = gpu->physical.queue_family};
  VkResult result = vk->CreateCommandPool(gpu->device, &pool, NULL, &t->pool);
  if (result != VK_SUCCESS)
    return result;
  const VkCommandBufferAllocateInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                .commandPool = t->pool,
                                                .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                .commandBufferCount = 1};
  result = vk->AllocateCommandBuffers(gpu->device, &commands, &t->commands);
  if (result != VK_SUCCESS)
    return result;
  const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  return vk->CreateFence(gpu->device, &fence, NULL, &t->fence);
}

static void close_transfer(weft_gpu *gpu, transfer *t) {
  if (t->fence)
    gpu->vk.DestroyFence(gpu->device, t->fence, NULL);
  if (t->pool)
    gpu->vk.DestroyCommandPool(gpu->device, t->pool, NULL); // frees its commands
}

/* Copies `bytes` (a multiple of 4) from the beginning of `from` to `offset`, or fills them with zeros. */
static weft_status do_transfer(weft_gpu *gpu, transfer *t, const weft_vk_memory *from, weft_vk_memory *to,
                               uint64_t offset, uint64_t bytes, weft_error *error) {
  const weft_vk_functions *vk = &gpu->vk;
  const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                          .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  VkResult result = vk->BeginCommandBuffer(t->commands, &begin);
  if (from) {
    const VkBufferCopy region = {.dstOffset = offset, .size = bytes};
    vk->CmdCopyBuffer(t->commands, from->buffer, to->buffer, 1, &region);
  } else {
    vk->CmdFillBuffer(t->commands, to->buffer, offset, VK_WHOLE_SIZE, 0);
  }
  if (result == VK_SUCCESS)
    result = vk->EndCommandBuffer(t->commands);
  if (result != VK_SUCCESS)
    return weft_gpu_fail(gpu, result, "bringing memory to the device", error);
  return weft_gpu_submit(gpu, t->commands, t->fence, "bringing memory to the device", error);
}

weft_status weft_vk_memory_write(weft_gpu *gpu, weft_vk_memory *memory, const void *data, uint64_t bytes,
                                 weft_error *error) {
  if (memory->mapped) {
    if (data)
      memcpy(memory->mapped, data, bytes);
    else
      memset(memory->mapped, 0, memory->bytes);
    return WEFT_OK;
  }
  enum { PIECE = 32 << 20 };
  weft_vk_memory staging = {0};
  transfer t = {0};
  weft_status status = WEFT_OK;
  if (data)
    status = weft_vk_memory_create(gpu, WEFT_VK_UPLOAD, bytes < PIECE ? bytes : PIECE, "staging", &staging, error);
  VkResult result = status == WEFT_OK ? open_transfer(gpu, &t) : VK_SUCCESS;
  if (result != VK_SUCCESS)
    status = weft_gpu_fail(gpu, result, "bringing memory to the device", error);
  if (status == WEFT_OK && !data)
    status = do_transfer(gpu, &t, NULL, memory, 0, 0, error);
  for (uint64_t done = 0; status == WEFT_OK && data && done < bytes; done += PIECE) {
    uint64_t piece = bytes - done < PIECE ? bytes - done : PIECE;
    memcpy(staging.mapped, (const char *)data + done, piece);
    status = do_transfer(gpu, &t, &staging, memory, done, piece, error);
  }
  close_transfer(gpu, &t);
  weft_vk_memory_destroy(gpu, &staging);
  return status;
}
