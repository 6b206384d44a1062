/* cache.h - how does the driver remember what it compiled?
 *
 * One file for each pair of driver and module, in $XDG_CACHE_HOME/weft or ~/.cache/weft, written whole or not at all.
 * WEFT_VULKAN_CACHE names another folder; empty, it switches this off. A cache that cannot be read or written costs
 * time, not results, and is nobody's error. */
#ifndef WEFT_VULKAN_CACHE_H
#define WEFT_VULKAN_CACHE_H

#include "vulkan/gpu.h"
#include <limits.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_vk_cache {
  VkPipelineCache handle; /* may be null */
  char path[PATH_MAX];    /* "": none */
  size_t bytes_before;
} weft_vk_cache;

void weft_vk_cache_open(weft_gpu *gpu, weft_vk_cache *cache);
/* Writes it, where asked to and where it has grown. */
void weft_vk_cache_close(weft_gpu *gpu, weft_vk_cache *cache, int keep);

#ifdef __cplusplus
}
#endif
#endif
