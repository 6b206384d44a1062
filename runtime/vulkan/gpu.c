/* gpu.c - what does a module hold of a Vulkan device? */
#include "vulkan/gpu.h"
#include "core/error.h"
#include "vulkan/memory.h"
#include "vulkan/pipelines.h"
#include <stdlib.h>
#include <string.h>

weft_status weft_gpu_fail(weft_gpu *gpu, VkResult result, const char *what, weft_error *error) {
  char memory[32];
  const char *device = gpu->physical.properties.deviceName;
  switch (result) {
  case VK_ERROR_DEVICE_LOST:
    __atomic_store_n(&gpu->lost, 1, __ATOMIC_RELEASE);
    return weft_fail(error, WEFT_DEVICE_LOST,
                     "the device %s (%s) was lost in %s; its driver or the system may have reset it, as they do with "
                     "work of many seconds; load the model again",
                     gpu->name, device, what);
  case VK_ERROR_OUT_OF_DEVICE_MEMORY:
  case VK_ERROR_OUT_OF_HOST_MEMORY:
    return weft_fail(error, WEFT_NO_MEMORY, "%s has no memory left for %s: %s", gpu->name, what,
                     weft_vk_result_name(result, memory));
  default:
    return weft_fail(error, WEFT_SYSTEM, "%s (%s) failed in %s: %s", gpu->name, device, what,
                     weft_vk_result_name(result, memory));
  }
}

int weft_gpu_fits(const weft_vk_physical *device, const weft_abi_code *code, char *why, size_t bytes) {
  weft_text text = weft_text_in(why, bytes);
  char missing[128];
  if (*device->exclusion)
    weft_text_add(&text, "%s", device->exclusion);
  for (uint32_t i = 0; !*why && i < code->kernels; i++)
    if (!weft_vk_can_run(device, &code->kernel[i], missing, sizeof missing))
      weft_text_add(&text, "kernel '%s' needs %s", code->kernel[i].name, missing);
  return !*why;
}

/* Some code of each entry must fit; else says why the last one does not. */
static int fits_module(const weft_vk_physical *device, const weft_abi_module *module, char *why, size_t bytes) {
  for (uint32_t e = 0; e < module->entries; e++) {
    const weft_abi_entry *entry = &module->entry[e];
    int fits = 0;
    for (uint32_t i = entry->codes; i-- > 0 && !fits;)
      fits = entry->code[i].device == WEFT_ABI_DEVICE_VULKAN && weft_gpu_fits(device, &entry->code[i], why, bytes);
    if (!fits)
      return 0;
  }
  return 1;
}

/* The best of those that can run the module; else an error that says of each why it cannot. */
static int64_t choose(const weft_vk_physical *devices, uint32_t count, const weft_abi_module *module,
                      weft_error *error) {
  int64_t best = -1;
  char why[160], all[640];
  weft_text text = weft_text_in(all, sizeof all);
  for (uint32_t i = 0; i < count; i++)
    if (!fits_module(&devices[i], module, why, sizeof why))
      weft_text_add(&text, "%svulkan:%u (%s): %s", i ? "; " : "", i, devices[i].properties.deviceName, why);
    else if (best < 0 || weft_vk_rank(&devices[i]) > weft_vk_rank(&devices[best]))
      best = i;
  if (best < 0)
    weft_fail(error, WEFT_NO_DEVICE, "no Vulkan device can run model '%s': %s", module->name, all);
  return best;
}

static weft_status pick(weft_gpu *gpu, const weft_abi_module *module, int64_t index, weft_error *error) {
  weft_vk_physical devices[WEFT_VK_MOST_DEVICES];
  uint32_t count;
  weft_status status = weft_vk_enumerate(&gpu->instance, devices, &count, error);
  if (status != WEFT_OK)
    return status;
  char why[160];
  if (index >= (int64_t)count)
    return weft_fail(error, WEFT_NO_DEVICE, "there is no device vulkan:%lld; Vulkan has %u on this machine, from 0 on",
                     (long long)index, count);
  if (index >= 0 && !fits_module(&devices[index], module, why, sizeof why))
    return weft_fail(error, WEFT_NO_DEVICE, "vulkan:%lld (%s) cannot run model '%s': %s", (long long)index,
                     devices[index].properties.deviceName, module->name, why);
  if (index < 0)
    index = choose(devices, count, module, error);
  if (index < 0)
    return WEFT_NO_DEVICE;
  gpu->physical = devices[index];
  gpu->index = (uint32_t)index;
  weft_text name = weft_text_in(gpu->name, sizeof gpu->name);
  weft_text_add(&name, "vulkan:%u", gpu->index);
  return WEFT_OK;
}

/* Asks for what kernels may need, where the device has it, and for nothing else. */
static void ask_for(const weft_vk_physical *device, weft_vk_features *wanted, const char *extensions[3],
                    uint32_t *extension_count) {
  uint32_t has = device->features;
  weft_vk_chain_features(device, wanted);
  wanted->core.features.shaderInt64 = VK_TRUE;
  wanted->core.features.shaderInt16 = !!(has & WEFT_ABI_VK_INT16);
  wanted->core.features.shaderFloat64 = !!(has & WEFT_ABI_VK_FLOAT64);
  wanted->v11.storageBuffer16BitAccess = !!(has & WEFT_ABI_VK_STORAGE16);
  wanted->v12.storageBuffer8BitAccess = !!(has & WEFT_ABI_VK_STORAGE8);
  wanted->v12.shaderFloat16 = !!(has & WEFT_ABI_VK_FLOAT16);
  wanted->v12.shaderInt8 = !!(has & WEFT_ABI_VK_INT8);
  wanted->v12.shaderBufferInt64Atomics = !!(has & WEFT_ABI_VK_INT64_ATOMICS);
  wanted->v12.vulkanMemoryModel = wanted->v12.vulkanMemoryModelDeviceScope = !!(has & WEFT_ABI_VK_MEMORY_MODEL);
  wanted->v12.bufferDeviceAddress = VK_TRUE;
  wanted->v13.subgroupSizeControl = wanted->v13.computeFullSubgroups = device->subgroup_control;
  wanted->v13.shaderIntegerDotProduct = !!(has & WEFT_ABI_VK_DOT_PRODUCT);
  wanted->coopmat.cooperativeMatrix = !!(has & WEFT_ABI_VK_COOPMAT);
  wanted->coopmat2.cooperativeMatrixReductions = wanted->coopmat2.cooperativeMatrixConversions =
      wanted->coopmat2.cooperativeMatrixPerElementOperations = !!(has & WEFT_ABI_VK_COOPMAT2);
  wanted->bfloat16.shaderBFloat16Type = !!(has & WEFT_ABI_VK_BFLOAT16);
  *extension_count = 0;
  if (device->has_coopmat)
    extensions[(*extension_count)++] = "VK_KHR_cooperative_matrix";
  if (device->has_coopmat2)
    extensions[(*extension_count)++] = "VK_NV_cooperative_matrix2";
  if (device->has_bfloat16)
    extensions[(*extension_count)++] = "VK_KHR_shader_bfloat16";
}

static weft_status create_device(weft_gpu *gpu, weft_error *error) {
  weft_vk_features wanted;
  const char *extensions[3];
  uint32_t extension_count;
  ask_for(&gpu->physical, &wanted, extensions, &extension_count);
  static const float priority = 1;
  const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                         .queueFamilyIndex = gpu->physical.queue_family,
                                         .queueCount = 1,
                                         .pQueuePriorities = &priority};
  const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                   .pNext = &wanted.core,
                                   .queueCreateInfoCount = 1,
                                   .pQueueCreateInfos = &queue,
                                   .enabledExtensionCount = extension_count,
                                   .ppEnabledExtensionNames = extensions};
  const weft_vk_functions *loader = &gpu->instance.vk;
  VkResult result = loader->CreateDevice(gpu->physical.handle, &info, NULL, &gpu->device);
  if (result != VK_SUCCESS)
    return weft_gpu_fail(gpu, result, "opening it", error);
  gpu->vk = *loader;
#define FIND(name) gpu->vk.name = (PFN_vk##name)loader->GetDeviceProcAddr(gpu->device, "vk" #name);
  WEFT_VK_DEVICE_FUNCTIONS(FIND)
#undef FIND
  gpu->vk.GetDeviceQueue(gpu->device, gpu->physical.queue_family, 0, &gpu->queue);
  return WEFT_OK;
}

weft_status weft_gpu_open(const weft_allocator *allocator, const weft_abi_module *module, int64_t index,
                          weft_gpu **result, weft_error *error) {
  weft_gpu *gpu = weft_allocate(allocator, sizeof *gpu, "the device", error);
  if (!gpu)
    return WEFT_NO_MEMORY;
  gpu->allocator = allocator;
  pthread_mutex_init(&gpu->lock, NULL);
  weft_status status = weft_vk_instance_open(&gpu->instance, error);
  if (status == WEFT_OK)
    status = pick(gpu, module, index, error);
  if (status == WEFT_OK)
    status = create_device(gpu, error);
  if (status != WEFT_OK) {
    weft_gpu_close(gpu);
    return status;
  }
  weft_vk_choose_memory(gpu);
  const char *order = getenv("WEFT_VULKAN_ORDER");
  gpu->reverses = order && !strcmp(order, "reverse");
  *result = gpu;
  return WEFT_OK;
}

void weft_gpu_close(weft_gpu *gpu) {
  if (gpu->device) {
    weft_vk_pipelines_destroy(gpu);
    weft_vk_memory_destroy(gpu, &gpu->weights);
    gpu->vk.DestroyDevice(gpu->device, NULL);
  }
  weft_vk_instance_close(&gpu->instance);
  pthread_mutex_destroy(&gpu->lock);
  weft_release(gpu->allocator, gpu, sizeof *gpu);
}

weft_status weft_gpu_submit(weft_gpu *gpu, VkCommandBuffer commands, VkFence fence, const char *what,
                            weft_error *error) {
  const weft_vk_functions *vk = &gpu->vk;
  if (__atomic_load_n(&gpu->lost, __ATOMIC_ACQUIRE))
    return weft_gpu_fail(gpu, VK_ERROR_DEVICE_LOST, "an earlier call", error);
  const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
  VkResult result = vk->ResetFences(gpu->device, 1, &fence);
  if (result == VK_SUCCESS) {
    pthread_mutex_lock(&gpu->lock);
    result = vk->QueueSubmit(gpu->queue, 1, &submit, fence);
    pthread_mutex_unlock(&gpu->lock);
  }
  if (result == VK_SUCCESS)
    result = vk->WaitForFences(gpu->device, 1, &fence, VK_TRUE, UINT64_MAX);
  return result == VK_SUCCESS ? WEFT_OK : weft_gpu_fail(gpu, result, what, error);
}
