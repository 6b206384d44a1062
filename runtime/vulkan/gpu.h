/* gpu.h - what does a module hold of a Vulkan device?
 *
 * One logical device with one queue, which all contexts of the module share, the weights in its memory, and a pipeline
 * for each kernel. */
#ifndef WEFT_VULKAN_GPU_H
#define WEFT_VULKAN_GPU_H

#include "core/memory.h"
#include "vulkan/physical.h"
#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A buffer with memory of its own. */
typedef struct weft_vk_memory {
  VkBuffer buffer;
  VkDeviceMemory memory;
  VkDeviceAddress address;
  void *mapped; /* where the host can reach it, else NULL */
  uint64_t bytes;
} weft_vk_memory;

/* The kernels of one code, and of all that share its table. */
typedef struct weft_vk_pipelines {
  const weft_abi_kernel *kernels;
  uint32_t count;
  VkPipeline *pipelines;
} weft_vk_pipelines;

enum { WEFT_VK_TABLES = 2 }; /* one for each kind of entry at most */

typedef struct weft_gpu {
  const weft_allocator *allocator;
  weft_vk_instance instance;
  weft_vk_functions vk;
  weft_vk_physical physical;
  uint32_t index; /* of the device, as "vulkan:index" numbers it */
  char name[32];  /* "vulkan:0" */
  VkDevice device;
  VkQueue queue;
  pthread_mutex_t lock;    /* of the queue */
  int lost;                /* atomic: no call can succeed any more */
  uint32_t memory_type[3]; /* by weft_vk_use */
  int unified;             /* the host works in the device's memory, too */
  int reverses;            /* between two barriers the last dispatch goes first: a test of the barriers */
  weft_vk_memory weights;
  VkPipelineLayout layout;
  weft_vk_pipelines tables[WEFT_VK_TABLES];
} weft_gpu;

/* Opens device number `index`, or the best that can run all of the module (-1). */
weft_status weft_gpu_open(const weft_allocator *allocator, const weft_abi_module *module, int64_t index,
                          weft_gpu **result, weft_error *error);
void weft_gpu_close(weft_gpu *gpu);

/* 1 when the device can run this code; else 0, and why not: "kernel 'norm' needs 16-bit floats". */
int weft_gpu_fits(const weft_vk_physical *device, const weft_abi_code *code, char *why, size_t bytes);

/* Submits commands and waits until they are done. `what` names them in messages. */
weft_status weft_gpu_submit(weft_gpu *gpu, VkCommandBuffer commands, VkFence fence, const char *what,
                            weft_error *error);

/* Fails for a result of Vulkan: out of memory, device lost, or something else. */
weft_status weft_gpu_fail(weft_gpu *gpu, VkResult result, const char *what, weft_error *error);

#ifdef __cplusplus
}
#endif
#endif
