/* device.c - which devices does this runtime have? */
#include "core/device.h"
#include "core/error.h"
#include <string.h>

static const weft_device *const devices[] = {&weft_cpu_device, &weft_null_device};

const weft_device *weft_find_device(const char *name, weft_error *error) {
  if (!name)
    return &weft_cpu_device;
  char names[128];
  weft_text text = weft_text_in(names, sizeof names);
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
    if (!strcmp(devices[i]->name, name))
      return devices[i];
    weft_text_add(&text, "%s'%s'", i ? ", " : "", devices[i]->name);
  }
  weft_fail(error, WEFT_MISUSE, "there is no device '%s'; this runtime has %s", name, names);
  return NULL;
}
