/* services.c - who serves the functions that generated code calls? */
#include "core/services.h"
#include "weft/runtime.h"
#include <stddef.h>

static const weft_abi_services *bound; /* set once */

const weft_abi_services weft_own_services = {
    .version = WEFT_ABI_VERSION, .parallel = weft_parallel, .bad_index = weft_bad_index, .dispatch = weft_dispatch};

const weft_abi_services *weft_bound_services(void) { return __atomic_load_n(&bound, __ATOMIC_ACQUIRE); }

WEFT_API int weft_runtime_bind(const weft_abi_services *services) {
  if (services == &weft_own_services)
    return 1;
  if (services->version != WEFT_ABI_VERSION)
    return 0;
  const weft_abi_services *none = NULL;
  return __atomic_compare_exchange_n(&bound, &none, services, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
         none == services;
}
