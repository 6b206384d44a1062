/* validate.c - is a descriptor one that this runtime can work with?
 *
 * Catches artefacts of other versions, and compilers gone wrong, with a sentence instead of a crash. Pointers cannot be
 * checked beyond being there: an artefact is code, and as trusted as code. */
#include "core/error.h"
#include "core/module.h"

#define DAMAGED(...) weft_fail(error, WEFT_BAD_MODULE, "the module is damaged: " __VA_ARGS__)

const weft_abi_tensor *weft_tensors(const weft_abi_entry *entry, weft_role role, size_t *count) {
  switch (role) {
  case WEFT_INPUT:
    *count = entry->inputs;
    return entry->tensors;
  case WEFT_CACHE:
    *count = entry->caches;
    return entry->tensors + entry->inputs;
  case WEFT_OUTPUT:
    *count = entry->outputs;
    return entry->tensors + entry->inputs + entry->caches;
  }
  *count = 0;
  return NULL;
}

/* Run-time sizes are learnt from the shapes of the inputs, so each axis in use must be in one. */
static int given_by_an_input(const weft_abi_entry *entry, int64_t axis) {
  for (uint32_t i = 0; i < entry->inputs; i++)
    for (uint32_t d = 0; d < entry->tensors[i].rank; d++)
      if (entry->tensors[i].dims[d].axis == axis)
        return 1;
  return 0;
}

static weft_status check_tensor(const weft_abi_module *abi, const weft_abi_entry *entry, const weft_abi_tensor *tensor,
                                weft_error *error) {
  if (!tensor->name)
    return DAMAGED("a tensor has no name");
  if (!weft_type_bytes((weft_type)tensor->type))
    return DAMAGED("'%s' has the unknown element type %u", tensor->name, tensor->type);
  if (tensor->rank > WEFT_ABI_MAX_RANK)
    return DAMAGED("'%s' has rank %u, more than %d", tensor->name, tensor->rank, WEFT_ABI_MAX_RANK);
  if (tensor->rank && !tensor->dims)
    return DAMAGED("'%s' has no sizes", tensor->name);
  for (uint32_t d = 0; d < tensor->rank; d++) {
    const weft_abi_dim *dim = &tensor->dims[d];
    if (dim->axis >= (int64_t)abi->axes || (dim->axis < 0 && dim->size < 0))
      return DAMAGED("size %u of '%s' is neither a number nor an axis", d, tensor->name);
    if (dim->axis >= 0 && !given_by_an_input(entry, dim->axis))
      return DAMAGED("no input gives the size of axis '%s' of '%s'", abi->axis[dim->axis].name, tensor->name);
  }
  return WEFT_OK;
}

static weft_status check_kernel(const weft_abi_entry *entry, const weft_abi_kernel *kernel, weft_error *error) {
  enum { SPIRV_MAGIC = 0x07230203, HEADER_WORDS = 5 };
  if (!kernel->name)
    return DAMAGED("a kernel of entry '%s' has no name", entry->name);
  if (!kernel->spirv || kernel->words <= HEADER_WORDS || kernel->spirv[0] != SPIRV_MAGIC)
    return DAMAGED("kernel '%s' is no SPIR-V", kernel->name);
  if (!kernel->local_size[0] || !kernel->local_size[1] || !kernel->local_size[2])
    return DAMAGED("kernel '%s' has an empty workgroup", kernel->name);
  return WEFT_OK;
}

static weft_status check_code(const weft_abi_entry *entry, uint32_t index, weft_error *error) {
  const weft_abi_code *code = &entry->code[index], *before = index ? code - 1 : NULL;
  if (code->device > WEFT_ABI_DEVICE_VULKAN)
    return DAMAGED("entry '%s' has code for the unknown device %u", entry->name, code->device);
  if (before && code->device < before->device)
    return DAMAGED("the code of entry '%s' for CPUs does not come first", entry->name);
  if (code->device == WEFT_ABI_DEVICE_CPU) {
    if (!code->run || !code->arena)
      return DAMAGED("entry '%s' has no code for CPU level %u", entry->name, code->cpu_level);
    if (before && code->cpu_level <= before->cpu_level)
      return DAMAGED("the CPU levels of entry '%s' do not rise", entry->name);
    return WEFT_OK;
  }
  if (!code->run || !code->arena || (code->kernels && !code->kernel) || (code->calls && !code->ticks))
    return DAMAGED("entry '%s' has no code for Vulkan", entry->name);
  for (uint32_t i = 0; i < code->kernels; i++) {
    weft_status status = check_kernel(entry, &code->kernel[i], error);
    if (status != WEFT_OK)
      return status;
  }
  return WEFT_OK;
}

static weft_status check_entry(const weft_abi_module *abi, const weft_abi_entry *entry, weft_error *error) {
  if (!entry->name)
    return DAMAGED("an entry has no name");
  if (entry->kind >= WEFT_KINDS)
    return DAMAGED("entry '%s' is of the unknown kind %u", entry->name, entry->kind);
  if (!entry->codes || !entry->code)
    return DAMAGED("entry '%s' has no code", entry->name);
  for (uint32_t i = 0; i < entry->codes; i++) {
    weft_status status = check_code(entry, i, error);
    if (status != WEFT_OK)
      return status;
  }
  uint64_t tensors = (uint64_t)entry->inputs + entry->caches + entry->outputs;
  if (tensors && !entry->tensors)
    return DAMAGED("entry '%s' does not describe its tensors", entry->name);
  for (uint64_t i = 0; i < tensors; i++) {
    weft_status status = check_tensor(abi, entry, &entry->tensors[i], error);
    if (status != WEFT_OK)
      return status;
  }
  if (entry->kind == WEFT_ABI_SEQUENCE)
    return entry->caches ? DAMAGED("entry '%s' has caches but is no step", entry->name) : WEFT_OK;
  if (entry->position_axis < 0 || entry->position_axis >= (int64_t)abi->axes ||
      !given_by_an_input(entry, entry->position_axis))
    return DAMAGED("step '%s' does not say which axis its cache holds", entry->name);
  if (entry->context <= 0)
    return DAMAGED("the cache of step '%s' holds %lld positions", entry->name, (long long)entry->context);
  return WEFT_OK;
}

weft_status weft_validate(const weft_abi_module *abi, weft_error *error) {
  if (abi->magic != WEFT_ABI_MAGIC)
    return weft_fail(error, WEFT_BAD_MODULE, "this is no compiled model: it begins with %08x, not %08x", abi->magic,
                     WEFT_ABI_MAGIC);
  if (abi->version != WEFT_ABI_VERSION)
    return weft_fail(error, WEFT_BAD_MODULE,
                     "the model was compiled for version %u of the runtime, but this is version %u; compile it again",
                     abi->version, WEFT_ABI_VERSION);
  if (!abi->name)
    return DAMAGED("it has no name");
  if (!abi->entries || !abi->entry)
    return DAMAGED("it has no entry");
  if (abi->axes && !abi->axis)
    return DAMAGED("its axes are not described");
  for (uint32_t i = 0; i < abi->axes; i++)
    if (!abi->axis[i].name)
      return DAMAGED("axis %u has no name", i);
  if (abi->weights_bytes && !abi->weights && !abi->weights_file)
    return DAMAGED("its %llu bytes of weights are nowhere", (unsigned long long)abi->weights_bytes);
  if ((uintptr_t)abi->weights % WEFT_ALIGNMENT)
    return DAMAGED("its weights are not aligned to %d bytes", WEFT_ALIGNMENT);
  if (abi->label_count && !abi->labels)
    return DAMAGED("its labels are missing");
  unsigned seen = 0;
  for (uint32_t i = 0; i < abi->entries; i++) {
    weft_status status = check_entry(abi, &abi->entry[i], error);
    if (status != WEFT_OK)
      return status;
    unsigned bit = 1u << abi->entry[i].kind;
    if (seen & bit)
      return DAMAGED("it has two entries like '%s'", abi->entry[i].name);
    seen |= bit;
  }
  return WEFT_OK;
}
