/* list.c - which devices does this machine have? */
#include "core/error.h"
#include "cpu/level.h"
#include "vulkan/physical.h"
#include <cpuid.h>
#include <string.h>

/* "AMD EPYC 9654 96-Core Processor", as the CPU says it. */
static void cpu_name(char name[49]) {
  uint32_t words[12] = {0};
  for (uint32_t i = 0; i < 3; i++)
    if (!__get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]))
      words[4 * i] = 0;
  memcpy(name, words, 48);
  name[48] = 0;
  size_t first = strspn(name, " "), length = strlen(name + first);
  memmove(name, name + first, length + 1);
  while (length && name[length - 1] == ' ')
    name[--length] = 0;
}

static void describe_cpu(weft_device_info *info) {
  *info = (weft_device_info){.name = "cpu"};
  char name[49], missing[256];
  cpu_name(name);
  weft_cpuid cpu = weft_cpuid_read();
  uint32_t best = 0;
  for (uint32_t level = WEFT_ABI_CPU_V3; level <= WEFT_ABI_CPU_V4_BF16; level++)
    if (weft_cpu_has(&cpu, level, missing, sizeof missing))
      best = level;
  weft_text text = weft_text_in(info->description, sizeof info->description);
  weft_text_add(&text, "%s, %s", *name ? name : "a CPU", best ? weft_cpu_level_name(best) : "below x86-64-v3");
  if (best)
    return;
  weft_cpu_has(&cpu, WEFT_ABI_CPU_V3, missing, sizeof missing);
  weft_text exclusion = weft_text_in(info->exclusion, sizeof info->exclusion);
  weft_text_add(&exclusion, "it lacks %s", missing);
}

static void describe_vulkan(const weft_vk_physical *device, uint32_t index, weft_device_info *info) {
  *info = (weft_device_info){0};
  weft_text name = weft_text_in(info->name, sizeof info->name);
  weft_text_add(&name, "vulkan:%u", index);
  uint32_t version = device->properties.apiVersion;
  weft_text text = weft_text_in(info->description, sizeof info->description);
  weft_text_add(&text, "%s, %s, %llu MiB, Vulkan %u.%u", device->properties.deviceName,
                weft_vk_type_name(device->properties.deviceType),
                (unsigned long long)(weft_vk_heap_bytes(device) >> 20), VK_API_VERSION_MAJOR(version),
                VK_API_VERSION_MINOR(version));
  if (*device->driver)
    weft_text_add(&text, ", driver %s", device->driver);
  if (device->subgroup_size)
    weft_text_add(&text, ", subgroups of %u", device->subgroup_size);
  weft_text_add(&text, ", %u KiB of workgroup memory", device->properties.limits.maxComputeSharedMemorySize / 1024);
  for (uint32_t i = 0; i < device->matrices.count; i++) {
    uint32_t size = device->matrices.sizes[i];
    weft_text_add(&text, "%s%u x %u x %u", i ? ", " : ", cooperative matrices of ", size & 255, size >> 8 & 255,
                  size >> 16);
  }
  if (device->features & WEFT_ABI_VK_COOPMAT2)
    weft_text_add(&text, " with %s", weft_vk_feature_name(WEFT_ABI_VK_COOPMAT2));
  weft_text exclusion = weft_text_in(info->exclusion, sizeof info->exclusion);
  weft_text_add(&exclusion, "%s", device->exclusion);
}

void weft_list_devices(weft_device_info *devices, size_t capacity, size_t *count, weft_error *vulkan) {
  if (capacity)
    describe_cpu(&devices[0]);
  *count = 1;
  if (vulkan)
    *vulkan = (weft_error){0};
  weft_vk_instance instance;
  if (weft_vk_instance_open(&instance, vulkan) != WEFT_OK)
    return;
  weft_vk_physical found[WEFT_VK_MOST_DEVICES];
  uint32_t vulkan_count;
  if (weft_vk_enumerate(&instance, found, &vulkan_count, vulkan) == WEFT_OK)
    for (uint32_t i = 0; i < vulkan_count; i++, (*count)++)
      if (*count < capacity)
        describe_vulkan(&found[i], i, &devices[*count]);
  weft_vk_instance_close(&instance);
}
