/* instance.h - is there a Vulkan on this machine, and what does its validation layer say?
 *
 * The loader (libvulkan.so.1) is opened when a module or a list of devices asks for it. WEFT_VULKAN_LOADER names
 * another file to open. WEFT_VULKAN_VALIDATION=1 switches on the validation layer (=sync: also its check of barriers):
 * each of its messages is printed on stderr and fails the call that it comes from. */
#ifndef WEFT_VULKAN_INSTANCE_H
#define WEFT_VULKAN_INSTANCE_H

#include "vulkan/functions.h"
#include "weft/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_vk_instance {
  void *loader;
  weft_vk_functions vk; /* those of devices are filled by whoever makes one */
  VkInstance handle;
  VkDebugUtilsMessengerEXT messenger; /* with the validation layer */
} weft_vk_instance;

/* Fails with WEFT_NO_DEVICE where there is no loader, no driver, or no Vulkan 1.2. */
weft_status weft_vk_instance_open(weft_vk_instance *instance, weft_error *error);
void weft_vk_instance_close(weft_vk_instance *instance);

/* How many messages the validation layer has given in this process. */
uint64_t weft_vk_messages(void);
/* What succeeded fails where there are more than `before`. */
weft_status weft_vk_check_messages(uint64_t before, weft_status status, weft_error *error);

/* "VK_ERROR_DEVICE_LOST", or the number of a result that has no name here. */
const char *weft_vk_result_name(VkResult result, char memory[32]);

#ifdef __cplusplus
}
#endif
#endif
