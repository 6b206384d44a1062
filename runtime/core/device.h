/* device.h - what must a device be able to do for the rest of the runtime?
 *
 * A device turns an entry of a module and a vector of arguments (abi.h) into results. Everything that does not differ
 * between devices - descriptors, shapes, caches, messages - is done before one is asked. A new device is a folder like
 * null/ and a line in device.c. */
#ifndef WEFT_CORE_DEVICE_H
#define WEFT_CORE_DEVICE_H

#include "core/memory.h"
#include "weft/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One run of one entry, as a device sees it. */
typedef struct weft_call {
  const weft_abi_module *module;
  const weft_abi_entry *entry;
  const weft_abi_code *code; /* as chosen by `choose` */
  void **arguments;          /* in the order of abi.h; the last two are weights and arena */
  const int64_t *axes;       /* the run-time size of each axis of the module */
  int64_t past;              /* of a step: the positions in the cache; else 0 */
} weft_call;

typedef struct weft_device {
  const char *name;
  /* Which of the entry's codes runs here, of `cpu_level` at most (0: no limit). Called once per entry, when loading. */
  weft_status (*choose)(const weft_abi_entry *entry, int cpu_level, const weft_abi_code **code, weft_error *error);
  /* What one context holds of the device: threads, queues. `threads` as in weft_context_options. */
  weft_status (*open)(const weft_allocator *allocator, int threads, void **state, weft_error *error);
  void (*close)(void *state, const weft_allocator *allocator);
  /* Makes room in a buffer that arguments point into (outputs, caches, the arena); see weft_buffer_reserve. */
  weft_status (*reserve)(void *state, weft_buffer *buffer, const weft_allocator *allocator, size_t bytes,
                         const char *what, weft_error *error);
  void (*release)(void *state, weft_buffer *buffer, const weft_allocator *allocator);
  /* The bytes of working memory that this call needs. */
  int64_t (*arena)(void *state, const weft_call *call);
  /* Runs to the end. Fails with WEFT_BAD_INPUT where the code met an index out of range. */
  weft_status (*run)(void *state, const weft_call *call, weft_error *error);
} weft_device;

extern const weft_device weft_cpu_device;
extern const weft_device weft_null_device;

/* The device with this name (NULL: the CPU), or NULL with an error that lists those there are. */
const weft_device *weft_find_device(const char *name, weft_error *error);

#ifdef __cplusplus
}
#endif
#endif
