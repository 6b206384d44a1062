/* module.h - what is a loaded module made of?
 *
 * Immutable once loaded, save for the count of its users: that is what lets any number of threads share it. */
#ifndef WEFT_CORE_MODULE_H
#define WEFT_CORE_MODULE_H

#include "core/device.h"
#include "core/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_KINDS = 2, WEFT_ROLES = 3 };

struct weft_module {
  weft_allocator allocator;
  const weft_device *device;
  void *shared; /* what the device keeps for the module; NULL where it keeps nothing */
  const weft_abi_module *abi;
  const weft_abi_entry *entry[WEFT_KINDS]; /* by weft_kind; NULL where the module has none */
  const weft_abi_code *code[WEFT_KINDS];   /* what the device chose for it */
  weft_weights weights;
  void *library;  /* from dlopen; NULL for a linked-in module */
  uint32_t users; /* the program and its contexts; atomic */
};

void weft_module_retain(weft_module *module);

/* Is this a descriptor that the runtime can work with? Checked before anything in it is called. */
weft_status weft_validate(const weft_abi_module *abi, weft_error *error);

/* The tensors of a role, and how many there are. */
const weft_abi_tensor *weft_tensors(const weft_abi_entry *entry, weft_role role, size_t *count);

/* The folder of the file that holds `address`, ending in '/'. */
weft_status weft_folder_of(const void *address, char *folder, size_t bytes, weft_error *error);

/* Opens a shared library and finds its descriptor. */
weft_status weft_library_open(const char *path, void **library, const weft_abi_module **abi, weft_error *error);
/* Hands the services of this copy of the runtime to the copy in the module's library, where its code lies in one. */
weft_status weft_bind_code(const weft_abi_module *abi, weft_error *error);
void weft_library_close(void *library);

#ifdef __cplusplus
}
#endif
#endif
