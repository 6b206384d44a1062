/* describe.c - what does a module say about itself? */
#include "core/error.h"
#include "core/module.h"
#include <string.h>

const char *weft_type_name(weft_type type) {
  switch (type) {
  case WEFT_F32:
    return "f32";
  case WEFT_I32:
    return "i32";
  case WEFT_I1:
    return "i1";
  }
  return NULL;
}

size_t weft_type_bytes(weft_type type) {
  switch (type) {
  case WEFT_F32:
  case WEFT_I32:
    return 4;
  case WEFT_I1:
    return 1;
  }
  return 0;
}

const char *weft_module_name(const weft_module *module) { return module->abi->name; }

uint64_t weft_module_weights_bytes(const weft_module *module) { return module->abi->weights_bytes; }

const char *weft_module_device(const weft_module *module) {
  return module->device->describe ? module->device->describe(module->shared) : module->device->name;
}

static const weft_abi_entry *entry_of(const weft_module *module, weft_kind kind) {
  return (unsigned)kind < WEFT_KINDS ? module->entry[kind] : NULL;
}

int weft_module_entry(const weft_module *module, weft_kind kind, weft_entry_info *info) {
  const weft_abi_entry *entry = entry_of(module, kind);
  if (entry && info) {
    int step = entry->kind == WEFT_ABI_STEP;
    *info = (weft_entry_info){.name = entry->name,
                              .inputs = entry->inputs,
                              .caches = entry->caches,
                              .outputs = entry->outputs,
                              .position_axis = step ? module->abi->axis[entry->position_axis].name : NULL,
                              .context = step ? entry->context : 0,
                              .cpu_level = (int)module->code[kind]->cpu_level};
  }
  return entry != NULL;
}

int weft_module_tensor(const weft_module *module, weft_kind kind, weft_role role, size_t index,
                       weft_tensor_info *info) {
  const weft_abi_entry *entry = entry_of(module, kind);
  size_t count = 0;
  const weft_abi_tensor *tensors = entry ? weft_tensors(entry, role, &count) : NULL;
  if (index >= count)
    return 0;
  const weft_abi_tensor *tensor = &tensors[index];
  *info = (weft_tensor_info){.name = tensor->name, .type = (weft_type)tensor->type, .rank = (int32_t)tensor->rank};
  for (uint32_t d = 0; d < tensor->rank; d++) {
    int64_t axis = tensor->dims[d].axis;
    const char *own = tensor->axis_names ? tensor->axis_names[d] : NULL;
    info->runtime_axes[d] = axis < 0 ? NULL : module->abi->axis[axis].name;
    info->shape[d] = axis < 0 ? tensor->dims[d].size : WEFT_RUNTIME_SIZE;
    info->axes[d] = own && *own ? own : axis < 0 ? "" : info->runtime_axes[d];
  }
  return 1;
}

int weft_module_find(const weft_module *module, weft_kind kind, weft_role role, const char *name) {
  const weft_abi_entry *entry = entry_of(module, kind);
  size_t count = 0;
  const weft_abi_tensor *tensors = entry ? weft_tensors(entry, role, &count) : NULL;
  for (size_t i = 0; i < count; i++)
    if (!strcmp(tensors[i].name, name))
      return (int)i;
  return -1;
}
