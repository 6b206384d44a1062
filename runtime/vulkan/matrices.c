/* matrices.c - which cooperative matrices does a device have? */
#include "vulkan/extensions.h"
#include "vulkan/physical.h"
#include <stdlib.h>
#include <string.h>

/* f16 times f16, summed up by a subgroup: what kernels are made of. */
static int is_ours(const VkCooperativeMatrixPropertiesKHR *p) {
  return p->AType == VK_COMPONENT_TYPE_FLOAT16_KHR && p->BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
         p->scope == VK_SCOPE_SUBGROUP_KHR && !p->saturatingAccumulation && p->MSize < 256 && p->NSize < 256 &&
         p->KSize < 256;
}

static int sums_up_in(const VkCooperativeMatrixPropertiesKHR *p, VkComponentTypeKHR type) {
  return p->CType == type && p->ResultType == type;
}

static void add(weft_vk_matrices *matrices, const VkCooperativeMatrixPropertiesKHR *p) {
  if (matrices->count < WEFT_VK_MOST_MATRICES)
    matrices->sizes[matrices->count++] = p->MSize | p->NSize << 8 | p->KSize << 16;
}

void weft_vk_find_matrices(const weft_vk_instance *instance, weft_vk_physical *device) {
  if (!(device->features & WEFT_ABI_VK_COOPMAT))
    return;
  PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR list =
      (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)instance->vk.GetInstanceProcAddr(
          instance->handle, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  uint32_t count = 0;
  if (!list || list(device->handle, &count, NULL) != VK_SUCCESS || !count)
    return;
  VkCooperativeMatrixPropertiesKHR *all = calloc(count, sizeof *all);
  if (!all)
    return;
  for (uint32_t i = 0; i < count; i++)
    all[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
  if (list(device->handle, &count, all) == VK_SUCCESS)
    for (uint32_t i = 0; i < count; i++) {
      if (is_ours(&all[i]) && sums_up_in(&all[i], VK_COMPONENT_TYPE_FLOAT32_KHR))
        add(&device->matrices, &all[i]);
      if (is_ours(&all[i]) && sums_up_in(&all[i], VK_COMPONENT_TYPE_FLOAT16_KHR))
        add(&device->half_matrices, &all[i]);
    }
  free(all);
}

int weft_vk_has_matrix(const weft_vk_matrices *matrices, uint32_t size) {
  for (uint32_t i = 0; i < matrices->count; i++)
    if (matrices->sizes[i] == size)
      return 1;
  return 0;
}
