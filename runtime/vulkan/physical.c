/* physical.c - which devices are there, what can each do, and why can one not be used? */
#include "vulkan/physical.h"
#include "core/error.h"
#include <stdlib.h>
#include <string.h>

static const struct {
  uint32_t bit;
  const char *name;
} names[] = {{WEFT_ABI_VK_INT64, "64-bit integers"},
             {WEFT_ABI_VK_FLOAT16, "16-bit floats"},
             {WEFT_ABI_VK_INT16, "16-bit integers"},
             {WEFT_ABI_VK_INT8, "8-bit integers"},
             {WEFT_ABI_VK_STORAGE16, "16-bit storage"},
             {WEFT_ABI_VK_STORAGE8, "8-bit storage"},
             {WEFT_ABI_VK_INT64_ATOMICS, "64-bit atomics"},
             {WEFT_ABI_VK_MEMORY_MODEL, "the Vulkan memory model"},
             {WEFT_ABI_VK_SUBGROUP_ARITHMETIC, "subgroup arithmetic"},
             {WEFT_ABI_VK_SUBGROUP_SHUFFLE, "subgroup shuffles"},
             {WEFT_ABI_VK_SUBGROUP_BALLOT, "subgroup ballots"},
             {WEFT_ABI_VK_DOT_PRODUCT, "integer dot products"},
             {WEFT_ABI_VK_COOPMAT, "VK_KHR_cooperative_matrix"},
             {WEFT_ABI_VK_COOPMAT2, "VK_NV_cooperative_matrix2"},
             {WEFT_ABI_VK_BFLOAT16, "VK_KHR_shader_bfloat16"},
             {WEFT_ABI_VK_FLOAT64, "64-bit floats"}};

const char *weft_vk_feature_name(uint32_t bit) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].bit == bit)
      return names[i].name;
  return NULL;
}

const char *weft_vk_type_name(VkPhysicalDeviceType type) {
  switch (type) {
  case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
    return "a discrete GPU";
  case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
    return "an integrated GPU";
  case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
    return "a virtual GPU";
  case VK_PHYSICAL_DEVICE_TYPE_CPU:
    return "the CPU, in software";
  default:
    return "a device of another kind";
  }
}

int weft_vk_rank(const weft_vk_physical *device) {
  switch (device->properties.deviceType) {
  case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
    return 4;
  case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
    return 3;
  case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
    return 2;
  case VK_PHYSICAL_DEVICE_TYPE_CPU:
    return 0;
  default:
    return 1;
  }
}

uint64_t weft_vk_heap_bytes(const weft_vk_physical *device) {
  uint64_t most = 0;
  for (uint32_t i = 0; i < device->memory.memoryHeapCount; i++) {
    const VkMemoryHeap *heap = &device->memory.memoryHeaps[i];
    if (heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT && heap->size > most)
      most = heap->size;
  }
  return most;
}

void weft_vk_chain_features(const weft_vk_physical *device, weft_vk_features *features) {
  *features = (weft_vk_features){.core = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2},
                                 .v11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES},
                                 .v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES}};
  features->core.pNext = &features->v11;
  features->v11.pNext = &features->v12;
  void **end = &features->v12.pNext;
  if (device->properties.apiVersion >= VK_API_VERSION_1_3) {
    features->v13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
    *end = &features->v13;
    end = &features->v13.pNext;
  }
  if (device->has_coopmat) {
    features->coopmat.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;
    *end = &features->coopmat;
    end = &features->coopmat.pNext;
  }
  if (device->has_coopmat2) {
    features->coopmat2.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV;
    *end = &features->coopmat2;
    end = &features->coopmat2.pNext;
  }
  if (device->has_bfloat16) {
    features->bfloat16.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR;
    *end = &features->bfloat16;
  }
}

static void find_extensions(const weft_vk_functions *vk, weft_vk_physical *device) {
  uint32_t count = 0;
  if (vk->EnumerateDeviceExtensionProperties(device->handle, NULL, &count, NULL) != VK_SUCCESS || !count)
    return;
  VkExtensionProperties *extensions = malloc(count * sizeof *extensions);
  if (!extensions)
    return;
  if (vk->EnumerateDeviceExtensionProperties(device->handle, NULL, &count, extensions) == VK_SUCCESS)
    for (uint32_t i = 0; i < count; i++) {
      device->has_coopmat |= !strcmp(extensions[i].extensionName, "VK_KHR_cooperative_matrix");
      device->has_coopmat2 |= !strcmp(extensions[i].extensionName, "VK_NV_cooperative_matrix2");
      device->has_bfloat16 |= !strcmp(extensions[i].extensionName, "VK_KHR_shader_bfloat16");
    }
  free(extensions);
}

static void find_properties(const weft_vk_functions *vk, weft_vk_physical *device) {
  VkPhysicalDeviceVulkan13Properties v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES};
  VkPhysicalDeviceVulkan12Properties v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES};
  VkPhysicalDeviceVulkan11Properties v11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES,
                                            .pNext = &v12};
  VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &v11};
  if (device->properties.apiVersion >= VK_API_VERSION_1_3)
    v12.pNext = &v13;
  vk->GetPhysicalDeviceProperties2(device->handle, &all);
  weft_text driver = weft_text_in(device->driver, sizeof device->driver);
  weft_text_add(&driver, "%s %s", v12.driverName, v12.driverInfo);
  memcpy(device->driver_uuid, v11.driverUUID, sizeof device->driver_uuid);
  device->largest_allocation = v11.maxMemoryAllocationSize;
  device->subgroup_size = device->subgroup_least = device->subgroup_most = v11.subgroupSize;
  if (device->properties.apiVersion >= VK_API_VERSION_1_3 &&
      v13.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) {
    device->subgroup_control = 1;
    device->subgroup_least = v13.minSubgroupSize;
    device->subgroup_most = v13.maxSubgroupSize;
  }
  if (v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) {
    if (v11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT)
      device->features |= WEFT_ABI_VK_SUBGROUP_ARITHMETIC;
    if (v11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT)
      device->features |= WEFT_ABI_VK_SUBGROUP_SHUFFLE;
    if (v11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_BALLOT_BIT)
      device->features |= WEFT_ABI_VK_SUBGROUP_BALLOT;
  }
}

static void find_features(const weft_vk_functions *vk, weft_vk_physical *device) {
  weft_vk_features has;
  weft_vk_chain_features(device, &has);
  vk->GetPhysicalDeviceFeatures2(device->handle, &has.core);
  const struct {
    VkBool32 has;
    uint32_t bit;
  } found[] = {{has.core.features.shaderInt64, WEFT_ABI_VK_INT64},
               {has.v12.shaderFloat16, WEFT_ABI_VK_FLOAT16},
               {has.core.features.shaderInt16, WEFT_ABI_VK_INT16},
               {has.v12.shaderInt8, WEFT_ABI_VK_INT8},
               {has.v11.storageBuffer16BitAccess, WEFT_ABI_VK_STORAGE16},
               {has.v12.storageBuffer8BitAccess, WEFT_ABI_VK_STORAGE8},
               {has.v12.shaderBufferInt64Atomics, WEFT_ABI_VK_INT64_ATOMICS},
               {has.v12.vulkanMemoryModel && has.v12.vulkanMemoryModelDeviceScope, WEFT_ABI_VK_MEMORY_MODEL},
               {has.v13.shaderIntegerDotProduct, WEFT_ABI_VK_DOT_PRODUCT},
               {has.coopmat.cooperativeMatrix, WEFT_ABI_VK_COOPMAT},
               {device->properties.apiVersion >= VK_API_VERSION_1_3 && has.coopmat.cooperativeMatrix &&
                    has.coopmat2.cooperativeMatrixReductions && has.coopmat2.cooperativeMatrixConversions &&
                    has.coopmat2.cooperativeMatrixPerElementOperations,
                WEFT_ABI_VK_COOPMAT2},
               {has.bfloat16.shaderBFloat16Type, WEFT_ABI_VK_BFLOAT16},
               {has.core.features.shaderFloat64, WEFT_ABI_VK_FLOAT64}};
  for (size_t i = 0; i < sizeof found / sizeof *found; i++)
    if (found[i].has)
      device->features |= found[i].bit;
  device->subgroup_control &= has.v13.subgroupSizeControl && has.v13.computeFullSubgroups;

  weft_text exclusion = weft_text_in(device->exclusion, sizeof device->exclusion);
  if (!has.v12.bufferDeviceAddress)
    weft_text_add(&exclusion, "it has no buffer device addresses");
  else if (!has.core.features.shaderInt64)
    weft_text_add(&exclusion, "it has no 64-bit integers");
}

static int find_queue(const weft_vk_functions *vk, weft_vk_physical *device) {
  enum { MOST = 32 };
  VkQueueFamilyProperties families[MOST];
  uint32_t count = MOST;
  vk->GetPhysicalDeviceQueueFamilyProperties(device->handle, &count, families);
  for (uint32_t i = 0; i < count; i++)
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
      device->queue_family = i;
      device->timestamp_bits = families[i].timestampValidBits;
      return 1;
    }
  return 0;
}

static void describe(const weft_vk_functions *vk, VkPhysicalDevice handle, weft_vk_physical *device) {
  *device = (weft_vk_physical){.handle = handle};
  vk->GetPhysicalDeviceProperties(handle, &device->properties);
  vk->GetPhysicalDeviceMemoryProperties(handle, &device->memory);
  uint32_t version = device->properties.apiVersion;
  weft_text exclusion = weft_text_in(device->exclusion, sizeof device->exclusion);
  if (version < VK_API_VERSION_1_2) {
    weft_text_add(&exclusion, "it has Vulkan %u.%u, but 1.2 is needed", VK_API_VERSION_MAJOR(version),
                  VK_API_VERSION_MINOR(version));
    return;
  }
  find_extensions(vk, device);
  find_properties(vk, device);
  find_features(vk, device);
  if (!*device->exclusion && !find_queue(vk, device))
    weft_text_add(&exclusion, "it has no queue for computing");
}

weft_status weft_vk_enumerate(const weft_vk_instance *instance, weft_vk_physical devices[WEFT_VK_MOST_DEVICES],
                              uint32_t *count, weft_error *error) {
  const weft_vk_functions *vk = &instance->vk;
  VkPhysicalDevice handles[WEFT_VK_MOST_DEVICES];
  *count = WEFT_VK_MOST_DEVICES;
  VkResult result = vk->EnumeratePhysicalDevices(instance->handle, count, handles);
  char memory[32];
  if (result != VK_SUCCESS && result != VK_INCOMPLETE)
    return weft_fail(error, WEFT_NO_DEVICE, "the devices cannot be listed: %s", weft_vk_result_name(result, memory));
  if (!*count)
    return weft_fail(error, WEFT_NO_DEVICE, "Vulkan is on this machine, but it finds no device");
  for (uint32_t i = 0; i < *count; i++) {
    describe(vk, handles[i], &devices[i]);
    weft_vk_find_matrices(instance, &devices[i]);
  }
  return WEFT_OK;
}

static void add_matrix(weft_text *text, uint32_t size, const char *more) {
  weft_text_add(text, "cooperative matrices of f16 of %u x %u x %u%s", size & 255, size >> 8 & 255, size >> 16 & 255,
                more);
}

int weft_vk_can_run(const weft_vk_physical *device, const weft_abi_kernel *kernel, char *missing, size_t bytes) {
  weft_text text = weft_text_in(missing, bytes);
  const VkPhysicalDeviceLimits *limits = &device->properties.limits;
  int lacking = 0;
  for (uint32_t bit = 1; bit; bit <<= 1)
    if (kernel->features & ~device->features & bit) {
      const char *name = weft_vk_feature_name(bit);
      weft_text_add(&text, "%s%s", lacking++ ? ", " : "", name ? name : "a feature that this runtime does not know");
    }
  if (lacking)
    return 0;
  uint64_t invocations = 1;
  for (int d = 0; d < 3; d++) {
    invocations *= kernel->local_size[d];
    lacking |= kernel->local_size[d] > limits->maxComputeWorkGroupSize[d];
  }
  if (lacking || invocations > limits->maxComputeWorkGroupInvocations)
    weft_text_add(&text, "workgroups of %u x %u x %u (%u invocations at most)", kernel->local_size[0],
                  kernel->local_size[1], kernel->local_size[2], limits->maxComputeWorkGroupInvocations);
  else if (kernel->shared_bytes > limits->maxComputeSharedMemorySize)
    weft_text_add(&text, "%u bytes of workgroup memory (%u at most)", kernel->shared_bytes,
                  limits->maxComputeSharedMemorySize);
  else if (kernel->subgroup_size &&
           (kernel->subgroup_size < device->subgroup_least || kernel->subgroup_size > device->subgroup_most))
    weft_text_add(&text, "subgroups of %u (it has %u)", kernel->subgroup_size, device->subgroup_size);
  else if (kernel->matrix && !weft_vk_has_matrix(&device->matrices, kernel->matrix))
    add_matrix(&text, kernel->matrix, "");
  else if (kernel->features & WEFT_ABI_VK_COOPMAT2 && !weft_vk_has_matrix(&device->half_matrices, kernel->matrix))
    add_matrix(&text, kernel->matrix, ", summed up in f16"); /* through which sums become operands */
  return !*missing;
}
