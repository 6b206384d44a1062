/* weights.h - where are a module's weights, and are they the right ones?
 *
 * Inside the artefact, or in a file beside it that is mapped read-only: nothing is copied, and contexts, processes and
 * the page cache share one copy. */
#ifndef WEFT_CORE_WEIGHTS_H
#define WEFT_CORE_WEIGHTS_H

#include "weft/abi.h"
#include "weft/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_weights {
  const void *data;
  uint64_t bytes;
  int mapped; /* not 0: to be unmapped */
} weft_weights;

/* `file`: the program's own choice, or NULL; `verify`: whether to hash them. */
weft_status weft_weights_open(const weft_abi_module *abi, const char *file, int verify, weft_weights *weights,
                              weft_error *error);
void weft_weights_close(weft_weights *weights);

/* Enters weights that the page cache holds into this process' address space at once. Else reading them takes a fault
 * for every few pages, which for large models is longer than the first call itself. What is still on disk is left
 * there: it may be more than memory holds. Changes nothing that can be seen but time. */
void weft_weights_touch(const weft_weights *weights);

/* FNV-1a, 64 bits. */
uint64_t weft_hash(const void *data, uint64_t bytes);

#ifdef __cplusplus
}
#endif
#endif
