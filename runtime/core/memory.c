/* memory.c - where do the runtime's bytes come from, and how do buffers grow? */
#include "core/memory.h"
#include "core/error.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

/* Large memory comes from the system directly. It is zero as it comes, so that nobody has to write to it, and what is
 * never used, as the end of most caches, is never there. In huge pages, since rows of one head lie a row of all heads
 * apart: in small ones nearly every row that attention reads would be on a page of its own, more than the processor
 * keeps the addresses of. Where there are none, the advice does nothing. */
static int is_large(size_t bytes) { return bytes >= HUGE_PAGE; }

static void *map(size_t bytes) {
  size_t all;
  if (__builtin_add_overflow(bytes, (size_t)HUGE_PAGE, &all))
    return NULL;
  char *mapped = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    return NULL;
  // What is before and after the aligned part goes back.
  size_t before = (HUGE_PAGE - (uintptr_t)mapped % HUGE_PAGE) % HUGE_PAGE;
  char *memory = mapped + before, *end = memory + (bytes + 4095) / 4096 * 4096;
  if (before)
    munmap(mapped, before);
  if (end < mapped + all)
    munmap(end, (size_t)(mapped + all - end));
  (void)madvise(memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
  return memory;
}

static void *system_allocate(void *user, size_t bytes, size_t alignment) {
  (void)user;
  if (is_large(bytes))
    return map(bytes);
  void *memory = NULL;
  return posix_memalign(&memory, alignment, bytes) ? NULL : memory;
}

static void system_release(void *user, void *memory, size_t bytes) {
  (void)user;
  if (is_large(bytes))
    munmap(memory, bytes);
  else
    free(memory);
}

const weft_allocator weft_malloc_allocator = {system_allocate, system_release, NULL};

void *weft_allocate(const weft_allocator *allocator, size_t bytes, const char *what, weft_error *error) {
  size_t wanted = bytes ? bytes : 1;
  void *memory = allocator->allocate(allocator->user, wanted, WEFT_ALIGNMENT);
  if (!memory) {
    weft_fail(error, WEFT_NO_MEMORY, "%zu bytes for %s could not be allocated", wanted, what);
    return NULL;
  }
  int isZero = allocator->allocate == system_allocate && is_large(wanted);
  return isZero ? memory : memset(memory, 0, wanted);
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
