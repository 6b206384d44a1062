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

/* What memory that arguments point into is for. */
typedef enum weft_use { WEFT_USE_OUTPUT, WEFT_USE_CACHE, WEFT_USE_ARENA } weft_use;

/* "the cache", for messages. */
const char *weft_use_name(weft_use use);

struct weft_module;

typedef struct weft_device {
  const char *name;
  /* What all contexts of a module share. `which` tells several devices of a kind apart ("1" of "vulkan:1"), or is NULL.
   * Called when loading, before anything else; NULL, like the next three, where there is nothing to share. */
  weft_status (*attach)(const weft_allocator *allocator, const weft_abi_module *abi, const char *which, void **shared,
                        weft_error *error);
  /* Once the codes are chosen and the weights are there. */
  weft_status (*prepare)(const struct weft_module *module, void *shared, weft_error *error);
  void (*detach)(void *shared);
  /* Its name where it is one of several: "vulkan:1". */
  const char *(*describe)(const void *shared);
  /* Which of the entry's codes runs here, of `cpu_level` at most (0: no limit). Called once per entry, when loading. */
  weft_status (*choose)(void *shared, const weft_abi_entry *entry, int cpu_level, const weft_abi_code **code,
                        weft_error *error);
  /* What one context holds of the device: threads, queues. `threads` as in weft_context_options. */
  weft_status (*open)(void *shared, const weft_allocator *allocator, int threads, void **state, weft_error *error);
  void (*close)(void *state, const weft_allocator *allocator);
  /* Makes room in a buffer that arguments point into; see weft_buffer_reserve. The host can read what is in an output;
   * of caches and the arena `data` may be an address that means something to the device alone. */
  weft_status (*reserve)(void *state, weft_buffer *buffer, const weft_allocator *allocator, size_t bytes, weft_use use,
                         weft_error *error);
  void (*release)(void *state, weft_buffer *buffer, const weft_allocator *allocator);
  /* The bytes of working memory that this call needs. */
  int64_t (*arena)(void *state, const weft_call *call);
  /* Runs to the end. Fails with WEFT_BAD_INPUT where the code met an index out of range. */
  weft_status (*run)(void *state, const weft_call *call, weft_error *error);
} weft_device;

extern const weft_device weft_cpu_device;
extern const weft_device weft_null_device;
extern const weft_device weft_vulkan_device;

/* The device of this name ("vulkan", "vulkan:1"; NULL: the CPU where the module has code for it, else Vulkan), or NULL
 * with an error that lists those there are. `which` is what follows the colon, NULL where there is none. */
const weft_device *weft_find_device(const char *name, const weft_abi_module *abi, const char **which,
                                    weft_error *error);

#ifdef __cplusplus
}
#endif
#endif
