/* device.c - which devices does this runtime have? */
#include "core/device.h"
#include "core/error.h"
#include <string.h>

static const weft_device *const devices[] = {&weft_cpu_device, &weft_vulkan_device, &weft_null_device};

const char *weft_use_name(weft_use use) {
  switch (use) {
  case WEFT_USE_OUTPUT:
    return "an output";
  case WEFT_USE_CACHE:
    return "the cache";
  case WEFT_USE_ARENA:
    return "working memory";
  }
  return "nothing";
}

const weft_device *weft_find_device(const char *name, const weft_abi_module *abi, const char **which,
                                    weft_error *error) {
  *which = NULL;
  if (!name)
    return abi->entry[0].code[0].device == WEFT_ABI_DEVICE_CPU ? &weft_cpu_device : &weft_vulkan_device;
  size_t length = strcspn(name, ":");
  char names[128];
  weft_text text = weft_text_in(names, sizeof names);
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
    const weft_device *device = devices[i];
    // Only a device that is shared can be one of several.
    if (strlen(device->name) == length && !memcmp(device->name, name, length) && (!name[length] || device->attach)) {
      *which = name[length] ? name + length + 1 : NULL;
      return device;
    }
    weft_text_add(&text, "%s'%s'", i ? ", " : "", device->name);
  }
  weft_fail(error, WEFT_MISUSE, "there is no device '%s'; this runtime has %s", name, names);
  return NULL;
}
