/* info.c - what does a model take and give, and would it run here? */
#include "cpu/level.h"
#include "main/commands.h"
#include "main/tensors.h"
#include <stdio.h>
#include <string.h>

static void print_tensors(const weft_module *module, weft_kind kind, weft_role role, const char *title) {
  weft_tensor_info info;
  for (size_t i = 0; weft_module_tensor(module, kind, role, i, &info); i++) {
    printf("  %-7s", title);
    print_signature(&info);
  }
}

static void print_entry(const weft_module *module, weft_kind kind) {
  weft_entry_info info;
  if (!weft_module_entry(module, kind, &info))
    return;
  if (kind == WEFT_STEP)
    printf("step, after the positions along '%s' that are in the cache (%lld at most)\n", info.position_axis,
           (long long)info.context);
  else
    puts("whole sequences");
  print_tensors(module, kind, WEFT_INPUT, "input");
  print_tensors(module, kind, WEFT_OUTPUT, "output");
}

static int is_for(const weft_abi_module *descriptor, const char *device) {
  uint32_t number = strcmp(device, "cpu") ? WEFT_ABI_DEVICE_VULKAN : WEFT_ABI_DEVICE_CPU;
  for (uint32_t i = 0; i < descriptor->entry[0].codes; i++)
    if (descriptor->entry[0].code[i].device == number)
      return 1;
  return 0;
}

static void print_device(const weft_abi_module *descriptor, const char *device, const arguments *asked) {
  weft_error refusal;
  weft_module *module;
  const weft_load_options options = {
      .device = device, .cpu_level = asked->cpu_level, .verify_weights = asked->verify_weights};
  if (weft_module_from_descriptor(descriptor, &options, &module, &refusal) != WEFT_OK) {
    printf("%s here: does not run, %s\n", device, refusal.message);
    return;
  }
  weft_entry_info info;
  if (!weft_module_entry(module, WEFT_SEQUENCE, &info))
    weft_module_entry(module, WEFT_STEP, &info);
  if (info.cpu_level)
    printf("%s here: runs the code for %s\n", device, weft_cpu_level_name((uint32_t)info.cpu_level));
  else
    printf("%s here: runs on %s\n", device, weft_module_device(module));
  weft_module_destroy(module);
}

weft_status command_info(const weft_abi_module *descriptor, const arguments *asked, weft_error *error) {
  // The null device can describe what this machine may not be able to run.
  weft_module *module;
  weft_load_options options = {.device = "null"};
  weft_status status = weft_module_from_descriptor(descriptor, &options, &module, error);
  if (status != WEFT_OK)
    return status;
  printf("%s: %llu bytes of weights\n", weft_module_name(module),
         (unsigned long long)weft_module_weights_bytes(module));
  print_entry(module, WEFT_SEQUENCE);
  print_entry(module, WEFT_STEP);
  weft_module_destroy(module);

  static const char *const devices[] = {"cpu", "vulkan"};
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (is_for(descriptor, devices[i]))
      print_device(descriptor, devices[i], asked);
  return WEFT_OK;
}
