/* pool.h - how do the threads of one context share the items of a parallel region?
 *
 * A region is a body and a count. The calling thread publishes it, takes part, and leaves when every item is done.
 * Threads take items from one 64-bit ticket, so that a thread which wakes late can neither miss the end of its region
 * nor touch a newer one; they spin for a while after a region, since the next one usually comes within microseconds,
 * and then sleep. */
#ifndef WEFT_CPU_POOL_H
#define WEFT_CPU_POOL_H

#include "core/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_pool weft_pool;

/* `threads` > 1, the calling one included. Each new thread first calls enter(argument). */
weft_status weft_pool_create(const weft_allocator *allocator, int threads, void (*enter)(void *argument),
                             void *argument, weft_pool **pool, weft_error *error);
void weft_pool_destroy(weft_pool *pool, const weft_allocator *allocator);

/* Runs body(closure, i) for i in [0, count). One thread at a time may call this, and no body may. */
void weft_pool_run(weft_pool *pool, void (*body)(void *closure, int64_t index), void *closure, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
