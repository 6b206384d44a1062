/* functions.h - which functions of Vulkan does the runtime call?
 *
 * All of them are found when running: an artefact needs no Vulkan to be linked or to start. */
#ifndef WEFT_VULKAN_FUNCTIONS_H
#define WEFT_VULKAN_FUNCTIONS_H

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

/* Before there is an instance. */
#define WEFT_VK_GLOBAL_FUNCTIONS(X)                                                                                    \
  X(EnumerateInstanceVersion)                                                                                          \
  X(EnumerateInstanceLayerProperties)                                                                                  \
  X(CreateInstance)

#define WEFT_VK_INSTANCE_FUNCTIONS(X)                                                                                  \
  X(DestroyInstance)                                                                                                   \
  X(EnumeratePhysicalDevices)                                                                                          \
  X(EnumerateDeviceExtensionProperties)                                                                                \
  X(GetPhysicalDeviceProperties)                                                                                       \
  X(GetPhysicalDeviceProperties2)                                                                                      \
  X(GetPhysicalDeviceFeatures2)                                                                                        \
  X(GetPhysicalDeviceMemoryProperties)                                                                                 \
  X(GetPhysicalDeviceQueueFamilyProperties)                                                                            \
  X(CreateDevice)                                                                                                      \
  X(GetDeviceProcAddr)

#define WEFT_VK_DEVICE_FUNCTIONS(X)                                                                                    \
  X(DestroyDevice)                                                                                                     \
  X(GetDeviceQueue)                                                                                                    \
  X(QueueSubmit)                                                                                                       \
  X(CreateBuffer)                                                                                                      \
  X(DestroyBuffer)                                                                                                     \
  X(GetBufferMemoryRequirements)                                                                                       \
  X(GetBufferDeviceAddress)                                                                                            \
  X(AllocateMemory)                                                                                                    \
  X(FreeMemory)                                                                                                        \
  X(BindBufferMemory)                                                                                                  \
  X(MapMemory)                                                                                                         \
  X(CreateShaderModule)                                                                                                \
  X(DestroyShaderModule)                                                                                               \
  X(CreatePipelineLayout)                                                                                              \
  X(DestroyPipelineLayout)                                                                                             \
  X(CreatePipelineCache)                                                                                               \
  X(GetPipelineCacheData)                                                                                              \
  X(DestroyPipelineCache)                                                                                              \
  X(CreateComputePipelines)                                                                                            \
  X(DestroyPipeline)                                                                                                   \
  X(CreateCommandPool)                                                                                                 \
  X(DestroyCommandPool)                                                                                                \
  X(AllocateCommandBuffers)                                                                                            \
  X(FreeCommandBuffers)                                                                                                \
  X(BeginCommandBuffer)                                                                                                \
  X(EndCommandBuffer)                                                                                                  \
  X(CmdPipelineBarrier)                                                                                                \
  X(CmdBindPipeline)                                                                                                   \
  X(CmdPushConstants)                                                                                                  \
  X(CmdDispatchIndirect)                                                                                               \
  X(CmdCopyBuffer)                                                                                                     \
  X(CmdFillBuffer)                                                                                                     \
  X(CreateQueryPool)                                                                                                   \
  X(DestroyQueryPool)                                                                                                  \
  X(CmdResetQueryPool)                                                                                                 \
  X(CmdWriteTimestamp)                                                                                                 \
  X(GetQueryPoolResults)                                                                                               \
  X(CreateFence)                                                                                                       \
  X(DestroyFence)                                                                                                      \
  X(ResetFences)                                                                                                       \
  X(WaitForFences)

#define WEFT_VK_MEMBER(name) PFN_vk##name name;
typedef struct weft_vk_functions {
  PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
  WEFT_VK_GLOBAL_FUNCTIONS(WEFT_VK_MEMBER)
  WEFT_VK_INSTANCE_FUNCTIONS(WEFT_VK_MEMBER)
  WEFT_VK_DEVICE_FUNCTIONS(WEFT_VK_MEMBER)
} weft_vk_functions;
#undef WEFT_VK_MEMBER

#endif
