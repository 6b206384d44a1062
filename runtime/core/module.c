/* module.c - how does a module come to be, and when does it end? */
#include "core/module.h"
#include "core/error.h"
#include <stddef.h>

/* Takes over `library` also when it fails. */
static weft_status create(const weft_abi_module *abi, void *library, const weft_load_options *options,
                          weft_module **result, weft_error *error) {
  static const weft_load_options defaults = {0};
  if (!options)
    options = &defaults;
  const weft_allocator *allocator = options->allocator ? options->allocator : &weft_malloc_allocator;
  weft_module *module = weft_allocate(allocator, sizeof *module, "the module", error);
  if (!module) {
    weft_library_close(library);
    return WEFT_NO_MEMORY;
  }
  module->allocator = *allocator;
  module->library = library;
  module->users = 1;
  module->abi = abi;

  weft_status status = weft_validate(abi, error);
  const char *which = NULL;
  if (status == WEFT_OK && !(module->device = weft_find_device(options->device, abi, &which, error)))
    status = WEFT_MISUSE;
  if (status == WEFT_OK && module->device->attach)
    status = module->device->attach(&module->allocator, abi, which, &module->shared, error);
  for (uint32_t i = 0; status == WEFT_OK && i < abi->entries; i++) {
    const weft_abi_entry *entry = &abi->entry[i];
    module->entry[entry->kind] = entry;
    status = module->device->choose(module->shared, entry, options->cpu_level, &module->code[entry->kind], error);
  }
  if (status == WEFT_OK)
    status = weft_bind_code(abi, error);
  if (status == WEFT_OK)
    status = weft_weights_open(abi, options->weights, options->verify_weights, &module->weights, error);
  if (status == WEFT_OK && module->device->prepare)
    status = module->device->prepare(module, module->shared, error);
  if (status != WEFT_OK) {
    weft_module_destroy(module);
    return status;
  }
  *result = module;
  return WEFT_OK;
}

weft_status weft_module_load(const char *path, const weft_load_options *options, weft_module **module,
                             weft_error *error) {
  if (!module)
    return weft_fail(error, WEFT_MISUSE, "weft_module_load needs a place for the module, but got NULL");
  *module = NULL;
  if (!path)
    return weft_fail(error, WEFT_MISUSE, "weft_module_load needs the path of a compiled model, but got NULL");
  void *library;
  const weft_abi_module *abi;
  weft_status status = weft_library_open(path, &library, &abi, error);
  if (status != WEFT_OK)
    return status;
  status = create(abi, library, options, module, error);
  return status == WEFT_OK ? status : weft_fail_in(error, status, path);
}

weft_status weft_module_from_descriptor(const weft_abi_module *descriptor, const weft_load_options *options,
                                        weft_module **module, weft_error *error) {
  if (!module)
    return weft_fail(error, WEFT_MISUSE, "weft_module_from_descriptor needs a place for the module, but got NULL");
  *module = NULL;
  if (!descriptor)
    return weft_fail(error, WEFT_MISUSE, "weft_module_from_descriptor needs a descriptor, but got NULL");
  return create(descriptor, NULL, options, module, error);
}

void weft_module_retain(weft_module *module) { __atomic_fetch_add(&module->users, 1, __ATOMIC_RELAXED); }

void weft_module_destroy(weft_module *module) {
  if (!module || __atomic_sub_fetch(&module->users, 1, __ATOMIC_ACQ_REL))
    return;
  if (module->shared)
    module->device->detach(module->shared);
  weft_weights_close(&module->weights);
  weft_library_close(module->library);
  const weft_allocator allocator = module->allocator;
  weft_release(&allocator, module, sizeof *module);
}
