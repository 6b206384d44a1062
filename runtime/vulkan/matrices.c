/* matrices.c - which cooperative matrices does a device have? */
#include "vulkan/extensions.h"
#include "vulkan/physical.h"
#include <stdlib.h>
#include <string.h>

/* f16 times f16, summed up in f32 by a subgroup: what kernels are made of. */
static int is_ours(const VkCooperativeMatrixPropertiesKHR *p) {
  return p->AType == VK_COMPONENT_TYPE_FLOAT16_KHR && p->BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
         p->CType == VK_COMPONENT_TYPE_FLOAT32_KHR && p->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
         p->scope == VK_SCOPE_SUBGROUP_KHR && !p->saturatingAccumulation && p->MSize < 256 && p->NSize < 256 &&
         p->KSize < 256;
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
    for (uint32_t i = 0; i < count && device->matrix_count < WEFT_VK_MOST_MATRICES; i++)
      if (is_ours(&all[i]))
        device->matrices[device->matrix_count++] = all[i].MSize | all[i].NSize << 8 | all[i].KSize << 16;
  free(all);
}

int weft_vk_has_matrix(const weft_vk_physical *device, uint32_t matrix) {
  for (uint32_t i = 0; i < device->matrix_count; i++)
    if (device->matrices[i] == matrix)
      return 1;
  return 0;
}
