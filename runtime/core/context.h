/* context.h - what does one user of a module hold?
 *
 * Working memory that is kept from call to call, the cache of a step, and the state of the device. */
#ifndef WEFT_CORE_CONTEXT_H
#define WEFT_CORE_CONTEXT_H

#include "core/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_context {
  weft_module *module;
  void *device_state;
  int busy; /* atomic: a call is under way */

  int64_t past;        /* positions in the cache */
  int64_t *axes;       /* of the call under way; one per axis of the module */
  int64_t *cache_axes; /* the axes for which the caches were made; meaningful while past > 0 */
  weft_buffer *caches; /* of the step entry */
  weft_buffer *outputs[WEFT_KINDS];
  weft_buffer arena;
  weft_view *results;  /* the outputs of the last call */
  size_t result_count; /* 0 when it failed */

  /* The argument vector, large enough for either entry, and for which one and which sizes it was made; NULL: for none.
   * Another call with the same sizes has only other addresses. */
  const weft_abi_entry *prepared;
  int64_t *prepared_axes;
  weft_abi_memref *memrefs;
  void **arguments;
};

#ifdef __cplusplus
}
#endif
#endif
