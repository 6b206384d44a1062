/* services.h - who serves the functions that generated code calls?
 *
 * This copy of the runtime, for a thread that runs for it; any other thread is served by the copy that bound itself to
 * this one (abi.h says why there are two). */
#ifndef WEFT_CORE_SERVICES_H
#define WEFT_CORE_SERVICES_H

#include "weft/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What this copy of the runtime offers to libraries that it loads. */
extern const weft_abi_services weft_own_services;

/* Where this copy lies in a shared library that another copy runs: that copy's functions, else NULL. */
const weft_abi_services *weft_bound_services(void);

#ifdef __cplusplus
}
#endif
#endif
