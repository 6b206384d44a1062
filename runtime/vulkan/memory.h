/* memory.h - where in a device's memory do things lie?
 *
 * In few large buffers, one for each purpose. Kernels reach all of them by address. */
#ifndef WEFT_VULKAN_MEMORY_H
#define WEFT_VULKAN_MEMORY_H

#include "vulkan/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum weft_vk_use {
  WEFT_VK_LOCAL = 0,   /* the device works in it; mapped where memory is unified */
  WEFT_VK_UPLOAD = 1,  /* the host writes, the device reads; always mapped */
  WEFT_VK_READBACK = 2 /* the device writes, the host reads; always mapped */
} weft_vk_use;

/* Picks the type of memory for each use. WEFT_VULKAN_MEMORY=separate treats unified memory as if it were not, so that a
 * machine that has nothing else can test what happens on others. */
void weft_vk_choose_memory(weft_gpu *gpu);

/* Contents are undefined. `what` names the purpose: "the weights". */
weft_status weft_vk_memory_create(weft_gpu *gpu, weft_vk_use use, uint64_t bytes, const char *what,
                                  weft_vk_memory *memory, weft_error *error);
void weft_vk_memory_destroy(weft_gpu *gpu, weft_vk_memory *memory);

/* Makes room for `bytes`, at least half as much again as before; contents are lost when it grows. */
weft_status weft_vk_memory_reserve(weft_gpu *gpu, weft_vk_use use, uint64_t bytes, const char *what,
                                   weft_vk_memory *memory, weft_error *error);

/* Brings bytes of the host into memory that may not be mapped; NULL: zeros. Waits until they are there. */
weft_status weft_vk_memory_write(weft_gpu *gpu, weft_vk_memory *memory, const void *data, uint64_t bytes,
                                 weft_error *error);

#ifdef __cplusplus
}
#endif
#endif
