/* memory.h - where do the runtime's bytes come from, and how do buffers grow?
 *
 * Everything of a module and its contexts goes through one allocator, so that a program can place it, count it, or (in
 * tests) make the n-th request fail. */
#ifndef WEFT_CORE_MEMORY_H
#define WEFT_CORE_MEMORY_H

#include "weft/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What generated code may assume of every pointer: a cache line, and the widest vector. */
enum { WEFT_ALIGNMENT = 64 };

extern const weft_allocator weft_malloc_allocator;

/* Zero-filled; NULL, with the error, where there is none. `what` names the purpose: "the cache". At least one byte is
 * asked for, so that NULL always means failure. */
void *weft_allocate(const weft_allocator *allocator, size_t bytes, const char *what, weft_error *error);
void weft_release(const weft_allocator *allocator, void *memory, size_t bytes);

/* A buffer that keeps its memory from call to call and grows when a call needs more. */
typedef struct weft_buffer {
  void *data;
  size_t capacity;
  void *owner; /* what a device keeps of it; NULL for host memory */
} weft_buffer;

/* Makes room for `bytes`, aligned to WEFT_ALIGNMENT. The contents are lost when it grows; new memory is zero. On
 * failure the buffer is empty. */
weft_status weft_buffer_reserve(weft_buffer *buffer, const weft_allocator *allocator, size_t bytes, const char *what,
                                weft_error *error);
void weft_buffer_free(weft_buffer *buffer, const weft_allocator *allocator);

/* The bytes of a dense array; 0 in `*fits` (and an unspecified result) where they exceed int64. */
int64_t weft_dense_bytes(weft_type type, const int64_t *shape, int32_t rank, int *fits);

#ifdef __cplusplus
}
#endif
#endif
