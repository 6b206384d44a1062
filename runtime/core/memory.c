/* memory.c - where do the runtime's bytes come from, and how do buffers grow? */
#include "core/memory.h"
#include "core/error.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

/* Rows of one head lie a whole row of all heads apart: with small pages nearly every row that attention reads is on a
 * page of its own, more than the processor keeps the addresses of. So large buffers ask for huge pages, as far as they
 * fill them; where there are none, the advice does nothing. */
static void *malloc_allocate(void *user, size_t bytes, size_t alignment) {
  (void)user;
  int isLarge = bytes >= HUGE_PAGE;
  void *memory = NULL;
  if (posix_memalign(&memory, isLarge ? HUGE_PAGE : alignment, bytes))
    return NULL;
  if (isLarge)
    (void)madvise(memory, bytes - bytes % HUGE_PAGE, MADV_HUGEPAGE);
  return memory;
}

static void malloc_release(void *user, void *memory, size_t bytes) {
  (void)user;
  (void)bytes;
  free(memory);
}

const weft_allocator weft_malloc_allocator = {malloc_allocate, malloc_release, NULL};

void *weft_allocate(const weft_allocator *allocator, size_t bytes, const char *what, weft_error *error) {
  size_t wanted = bytes ? bytes : 1;
  void *memory = allocator->allocate(allocator->user, wanted, WEFT_ALIGNMENT);
  if (!memory) {
    weft_fail(error, WEFT_NO_MEMORY, "%zu bytes for %s could not be allocated", wanted, what);
    return NULL;
  }
  return memset(memory, 0, wanted);
}

void weft_release(const weft_allocator *allocator, void *memory, size_t bytes) {
  if (memory)
    allocator->release(allocator->user, memory, bytes ? bytes : 1);
}

weft_status weft_buffer_reserve(weft_buffer *buffer, const weft_allocator *allocator, size_t bytes, const char *what,
                                weft_error *error) {
  if (buffer->data && buffer->capacity >= bytes)
    return WEFT_OK;
  // Freed first: the contents are not kept, and both at once could be more than there is.
  weft_buffer_free(buffer, allocator);
  buffer->data = weft_allocate(allocator, bytes, what, error);
  if (!buffer->data)
    return WEFT_NO_MEMORY;
  buffer->capacity = bytes;
  return WEFT_OK;
}

void weft_buffer_free(weft_buffer *buffer, const weft_allocator *allocator) {
  weft_release(allocator, buffer->data, buffer->capacity);
  *buffer = (weft_buffer){0};
}

int64_t weft_dense_bytes(weft_type type, const int64_t *shape, int32_t rank, int *fits) {
  int64_t bytes = (int64_t)weft_type_bytes(type);
  *fits = 1;
  // A size of zero makes the whole array empty, however large the sizes beside it.
  for (int32_t i = 0; i < rank; i++)
    if (shape[i] == 0)
      return 0;
  for (int32_t i = 0; i < rank; i++)
    if (__builtin_mul_overflow(bytes, shape[i], &bytes))
      *fits = 0;
  return bytes;
}
