/* instance.c - is there a Vulkan on this machine, and what does its validation layer say? */
#include "vulkan/instance.h"
#include "core/error.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t messages; /* atomic */
static char first_message[512];

static const char layer_name[] = "VK_LAYER_KHRONOS_validation";

uint64_t weft_vk_messages(void) { return __atomic_load_n(&messages, __ATOMIC_ACQUIRE); }

weft_status weft_vk_check_messages(uint64_t before, weft_status status, weft_error *error) {
  uint64_t now = weft_vk_messages();
  if (status != WEFT_OK || now == before)
    return status;
  return weft_fail(error, WEFT_SYSTEM, "the validation layer gave %llu messages; the first of all: %s",
                   (unsigned long long)(now - before), first_message);
}

static VKAPI_ATTR VkBool32 VKAPI_CALL take_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                   VkDebugUtilsMessageTypeFlagsEXT types,
                                                   const VkDebugUtilsMessengerCallbackDataEXT *data, void *user) {
  (void)severity;
  (void)types;
  (void)user;
  if (__atomic_fetch_add(&messages, 1, __ATOMIC_ACQ_REL) == 0)
    snprintf(first_message, sizeof first_message, "%s", data->pMessage);
  fprintf(stderr, "vulkan: %s\n", data->pMessage);
  return VK_FALSE;
}

const char *weft_vk_result_name(VkResult result, char memory[32]) {
  switch (result) {
  case VK_ERROR_OUT_OF_HOST_MEMORY:
    return "VK_ERROR_OUT_OF_HOST_MEMORY";
  case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
  case VK_ERROR_INITIALIZATION_FAILED:
    return "VK_ERROR_INITIALIZATION_FAILED";
  case VK_ERROR_DEVICE_LOST:
    return "VK_ERROR_DEVICE_LOST";
  case VK_ERROR_LAYER_NOT_PRESENT:
    return "VK_ERROR_LAYER_NOT_PRESENT";
  case VK_ERROR_EXTENSION_NOT_PRESENT:
    return "VK_ERROR_EXTENSION_NOT_PRESENT";
  case VK_ERROR_FEATURE_NOT_PRESENT:
    return "VK_ERROR_FEATURE_NOT_PRESENT";
  case VK_ERROR_INCOMPATIBLE_DRIVER:
    return "VK_ERROR_INCOMPATIBLE_DRIVER";
  default:
    snprintf(memory, 32, "VkResult %d", (int)result);
    return memory;
  }
}

static weft_status open_loader(weft_vk_instance *instance, weft_error *error) {
  const char *name = getenv("WEFT_VULKAN_LOADER");
  if (!name || !*name)
    name = "libvulkan.so.1";
  instance->loader = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!instance->loader)
    return weft_fail(error, WEFT_NO_DEVICE, "there is no Vulkan loader on this machine (%s); install libvulkan1",
                     dlerror());
  weft_vk_functions *vk = &instance->vk;
  // ISO C has no cast from a pointer to data to one to a function; POSIX has.
  *(void **)&vk->GetInstanceProcAddr = dlsym(instance->loader, "vkGetInstanceProcAddr");
  if (!vk->GetInstanceProcAddr)
    return weft_fail(error, WEFT_NO_DEVICE, "'%s' is no Vulkan loader: it has no vkGetInstanceProcAddr", name);
#define FIND(name) vk->name = (PFN_vk##name)vk->GetInstanceProcAddr(NULL, "vk" #name);
  WEFT_VK_GLOBAL_FUNCTIONS(FIND)
#undef FIND
  if (!vk->EnumerateInstanceVersion || !vk->CreateInstance || !vk->EnumerateInstanceLayerProperties)
    return weft_fail(error, WEFT_NO_DEVICE, "the Vulkan loader is of version 1.0, but 1.2 is needed");
  return WEFT_OK;
}

static int has_layer(const weft_vk_functions *vk) {
  VkLayerProperties layers[64];
  uint32_t count = sizeof layers / sizeof *layers;
  VkResult result = vk->EnumerateInstanceLayerProperties(&count, layers);
  if (result != VK_SUCCESS && result != VK_INCOMPLETE)
    return 0;
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(layers[i].layerName, layer_name))
      return 1;
  return 0;
}

static weft_status create(weft_vk_instance *instance, const char *validation, weft_error *error) {
  weft_vk_functions *vk = &instance->vk;
  uint32_t version = VK_API_VERSION_1_0;
  vk->EnumerateInstanceVersion(&version);
  if (version < VK_API_VERSION_1_2)
    return weft_fail(error, WEFT_NO_DEVICE, "the Vulkan loader is of version %u.%u, but 1.2 is needed",
                     VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
  if (validation && !has_layer(vk))
    return weft_fail(error, WEFT_NO_DEVICE,
                     "WEFT_VULKAN_VALIDATION is set, but there is no layer '%s'; install "
                     "vulkan-validationlayers",
                     layer_name);

  static const char *const layers[] = {layer_name}, *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
  static const VkDebugUtilsMessengerCreateInfoEXT messages_of = {
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
      .messageSeverity =
          VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
      .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                     VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
      .pfnUserCallback = take_message};
  static const VkValidationFeatureEnableEXT checks[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  const int sync = validation && !strcmp(validation, "sync");
  const VkValidationFeaturesEXT features = {.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
                                            .pNext = &messages_of,
                                            .enabledValidationFeatureCount = sync,
                                            .pEnabledValidationFeatures = sync ? checks : NULL};
  const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                         .pEngineName = "weft",
                                         .apiVersion = version < VK_API_VERSION_1_3 ? version : VK_API_VERSION_1_3};
  const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                     .pNext = validation ? &features : NULL,
                                     .pApplicationInfo = &application,
                                     .enabledLayerCount = validation != NULL,
                                     .ppEnabledLayerNames = layers,
                                     .enabledExtensionCount = validation != NULL,
                                     .ppEnabledExtensionNames = extensions};
  VkResult result = vk->CreateInstance(&info, NULL, &instance->handle);
  char memory[32];
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
    return weft_fail(error, WEFT_NO_DEVICE,
                     "there is a Vulkan loader on this machine, but no driver; install the one "
                     "of your GPU, or mesa-vulkan-drivers");
  if (result != VK_SUCCESS)
    return weft_fail(error, WEFT_NO_DEVICE, "Vulkan cannot be started: %s", weft_vk_result_name(result, memory));
#define FIND(name) vk->name = (PFN_vk##name)vk->GetInstanceProcAddr(instance->handle, "vk" #name);
  WEFT_VK_INSTANCE_FUNCTIONS(FIND)
#undef FIND
  PFN_vkCreateDebugUtilsMessengerEXT create_messenger =
      (PFN_vkCreateDebugUtilsMessengerEXT)vk->GetInstanceProcAddr(instance->handle, "vkCreateDebugUtilsMessengerEXT");
  if (validation && create_messenger)
    create_messenger(instance->handle, &messages_of, NULL, &instance->messenger);
  return WEFT_OK;
}

weft_status weft_vk_instance_open(weft_vk_instance *instance, weft_error *error) {
  *instance = (weft_vk_instance){0};
  const char *validation = getenv("WEFT_VULKAN_VALIDATION");
  if (validation && (!*validation || !strcmp(validation, "0")))
    validation = NULL;
  weft_status status = open_loader(instance, error);
  if (status == WEFT_OK)
    status = create(instance, validation, error);
  if (status != WEFT_OK)
    weft_vk_instance_close(instance);
  return status;
}

void weft_vk_instance_close(weft_vk_instance *instance) {
  weft_vk_functions *vk = &instance->vk;
  if (instance->messenger) {
    PFN_vkDestroyDebugUtilsMessengerEXT destroy = (PFN_vkDestroyDebugUtilsMessengerEXT)vk->GetInstanceProcAddr(
        instance->handle, "vkDestroyDebugUtilsMessengerEXT");
    destroy(instance->handle, instance->messenger, NULL);
  }
  if (instance->handle)
    vk->DestroyInstance(instance->handle, NULL);
  if (instance->loader)
    dlclose(instance->loader);
  *instance = (weft_vk_instance){0};
}
