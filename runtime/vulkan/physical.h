/* physical.h - which devices are there, what can each do, and why can one not be used? */
#ifndef WEFT_VULKAN_PHYSICAL_H
#define WEFT_VULKAN_PHYSICAL_H

#include "vulkan/extensions.h"
#include "vulkan/instance.h"
#include "weft/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The features that Vulkan knows, chained as it wants them: those a device has, or those that are asked for. */
typedef struct weft_vk_features {
  VkPhysicalDeviceFeatures2 core;
  VkPhysicalDeviceVulkan11Features v11;
  VkPhysicalDeviceVulkan12Features v12;
  VkPhysicalDeviceVulkan13Features v13;
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR coopmat;
  VkPhysicalDeviceCooperativeMatrix2FeaturesNV coopmat2;
  VkPhysicalDeviceShaderBfloat16FeaturesKHR bfloat16;
} weft_vk_features;

enum { WEFT_VK_MOST_DEVICES = 16, WEFT_VK_MOST_MATRICES = 8 };

/* Sizes of cooperative matrices, as weft_abi_kernel names them. */
typedef struct weft_vk_matrices {
  uint32_t sizes[WEFT_VK_MOST_MATRICES], count;
} weft_vk_matrices;

typedef struct weft_vk_physical {
  VkPhysicalDevice handle;
  VkPhysicalDeviceProperties properties;
  VkPhysicalDeviceMemoryProperties memory;
  char driver[2 * VK_MAX_DRIVER_NAME_SIZE];
  uint8_t driver_uuid[VK_UUID_SIZE];
  uint32_t subgroup_size, subgroup_least, subgroup_most;
  int subgroup_control; /* a pipeline may require a size from least to most */
  uint64_t largest_allocation;
  uint32_t queue_family;
  uint32_t timestamp_bits;                     /* of that family's queues; 0: they count no time */
  int has_coopmat, has_coopmat2, has_bfloat16; /* the extensions */
  uint32_t features;                           /* WEFT_ABI_VK_ bits */
  weft_vk_matrices matrices, half_matrices;    /* cooperative ones of f16, summed up in f32, and in f16 */
  char exclusion[160];                         /* why no module can use it; "" where one can */
} weft_vk_physical;

/* All devices, in the order of Vulkan, which numbers them. Fails with WEFT_NO_DEVICE where there are none. */
weft_status weft_vk_enumerate(const weft_vk_instance *instance, weft_vk_physical devices[WEFT_VK_MOST_DEVICES],
                              uint32_t *count, weft_error *error);

/* Chains the structures, for the version and the extensions of this device. */
void weft_vk_chain_features(const weft_vk_physical *device, weft_vk_features *features);

/* 1 when the device can run the kernel; else 0, with what is missing in `missing`: "16-bit floats". */
int weft_vk_can_run(const weft_vk_physical *device, const weft_abi_kernel *kernel, char *missing, size_t bytes);

/* Finds the device's cooperative matrices: matrices.c. */
void weft_vk_find_matrices(const weft_vk_instance *instance, weft_vk_physical *device);
int weft_vk_has_matrix(const weft_vk_matrices *matrices, uint32_t size);

/* The name of a feature bit, for people; NULL for none. */
const char *weft_vk_feature_name(uint32_t bit);

/* "a discrete GPU" */
const char *weft_vk_type_name(VkPhysicalDeviceType type);

/* The higher, the more it is worth to be chosen where nobody chose: discrete GPUs before others. */
int weft_vk_rank(const weft_vk_physical *device);

/* The bytes of its largest heap of memory of its own. */
uint64_t weft_vk_heap_bytes(const weft_vk_physical *device);

#ifdef __cplusplus
}
#endif
#endif
