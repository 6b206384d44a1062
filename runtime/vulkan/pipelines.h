/* pipelines.h - how do kernels become something that the device runs?
 *
 * The driver compiles each when the module is loaded, several at once. What it made is kept in the user's cache folder
 * and given to it the next time. */
#ifndef WEFT_VULKAN_PIPELINES_H
#define WEFT_VULKAN_PIPELINES_H

#include "vulkan/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the pipelines of these codes (NULL: none). */
weft_status weft_vk_pipelines_create(weft_gpu *gpu, const weft_abi_code *const codes[WEFT_VK_TABLES],
                                     weft_error *error);
void weft_vk_pipelines_destroy(weft_gpu *gpu);

/* The pipelines of a code, by kernel. */
const VkPipeline *weft_vk_pipelines_of(const weft_gpu *gpu, const weft_abi_code *code);

#ifdef __cplusplus
}
#endif
#endif
