/* pool.c - how do the threads of one context share the items of a parallel region? */
#include "cpu/pool.h"
#include "core/error.h"
#include <immintrin.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  SPINS = 4000,        /* some 50 to 200 us, several times what waking a sleeper costs */
  SHARE = 8,           /* a thread takes 1/SHARE of its part of what is left, so that the end is even */
  MOST_ITEMS = 1 << 30 /* of one region; more are run as several */
};

struct weft_pool {
  /* The number of the region << 32 | items that nobody has taken. A claim is one compare-and-swap from a value with
   * items left. It succeeds only while its region is the current one, and that cannot end before the claimed items are
   * done: hence the fields below, read before a claim, are those of its region whenever it succeeds. */
  _Alignas(64) _Atomic uint64_t ticket;
  _Atomic(void (*)(void *, int64_t)) body;
  _Atomic(void *) closure;
  _Atomic int64_t base; /* the index of the region's first item */
  _Atomic uint32_t count;
  _Atomic uint32_t control; /* MXCSR of the calling thread: rounding and denormals are the same on every thread */

  /* Where idle threads wait: the number of the region again, since a futex is a word of 32 bits. */
  _Alignas(64) _Atomic uint32_t region;
  _Atomic uint32_t sleepers;
  _Atomic uint32_t stopping;

  /* Where the calling thread waits for the others. */
  _Alignas(64) _Atomic uint32_t pending; /* items not done */
  _Atomic uint32_t waiting;

  _Alignas(64) void (*enter)(void *);
  void *argument;
  int threads, started, spins;
  pthread_t thread[]; /* threads - 1 */
};

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
  // Every reason to return is the same to the callers: they look again.
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/* Takes part in the current region until no item is left to take. */
static void work(weft_pool *pool) {
  uint32_t done = 0; // reported once, at the end: the region waits for this thread's items in any case
  for (;;) {
    uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    uint32_t left = (uint32_t)ticket;
    if (left == 0)
      break;
    void (*body)(void *, int64_t) = atomic_load_explicit(&pool->body, memory_order_relaxed);
    void *closure = atomic_load_explicit(&pool->closure, memory_order_relaxed);
    int64_t base = atomic_load_explicit(&pool->base, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&pool->count, memory_order_relaxed);
    uint32_t control = atomic_load_explicit(&pool->control, memory_order_relaxed);
    uint32_t share = left / ((uint32_t)pool->threads * SHARE);
    uint32_t taken = share ? share : 1;
    if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket - taken, memory_order_acq_rel,
                                               memory_order_relaxed))
      continue;
    if (_mm_getcsr() != control)
      _mm_setcsr(control);
    int64_t first = base + (count - left);
    for (uint32_t i = 0; i < taken; i++)
      body(closure, first + i);
    done += taken;
  }
  // Sequentially consistent with `waiting`: either this thread sees the waiter, or the waiter sees the end.
  if (done && atomic_fetch_sub(&pool->pending, done) == done && atomic_load(&pool->waiting))
    futex_wake(&pool->pending, 1);
}

/* Waits until the region is another than `seen`, and returns it. */
static uint32_t await_region(weft_pool *pool, uint32_t seen) {
  for (int spin = 0; spin < pool->spins; spin++) {
    uint32_t region = atomic_load_explicit(&pool->region, memory_order_acquire);
    if (region != seen)
      return region;
    _mm_pause();
  }
  uint32_t region;
  // Sequentially consistent with `region`: either the publisher sees the sleeper, or the sleeper sees the region.
  atomic_fetch_add(&pool->sleepers, 1);
  while ((region = atomic_load(&pool->region)) == seen)
    futex_wait(&pool->region, seen);
  atomic_fetch_sub(&pool->sleepers, 1);
  return region;
}

static void *thread_main(void *argument) {
  weft_pool *pool = argument;
  pool->enter(pool->argument);
  uint32_t seen = 0;
  for (;;) {
    seen = await_region(pool, seen);
    if (atomic_load(&pool->stopping))
      return NULL;
    work(pool);
  }
}

static void publish(weft_pool *pool, uint32_t items, int threads) {
  uint32_t region = atomic_load_explicit(&pool->region, memory_order_relaxed) + 1;
  atomic_store_explicit(&pool->ticket, (uint64_t)region << 32 | items, memory_order_release);
  atomic_store(&pool->region, region);
  if (atomic_load(&pool->sleepers))
    futex_wake(&pool->region, threads);
}

static void await_others(weft_pool *pool) {
  for (int spin = 0; spin < pool->spins; spin++) {
    if (atomic_load_explicit(&pool->pending, memory_order_acquire) == 0)
      return;
    _mm_pause();
  }
  uint32_t pending;
  atomic_store(&pool->waiting, 1);
  while ((pending = atomic_load(&pool->pending)) != 0)
    futex_wait(&pool->pending, pending);
  atomic_store(&pool->waiting, 0);
}

void weft_pool_run(weft_pool *pool, void (*body)(void *closure, int64_t index), void *closure, int64_t count) {
  uint32_t control = _mm_getcsr();
  for (int64_t base = 0; base < count; base += MOST_ITEMS) {
    uint32_t items = (uint32_t)(count - base < MOST_ITEMS ? count - base : MOST_ITEMS);
    atomic_store_explicit(&pool->body, body, memory_order_relaxed);
    atomic_store_explicit(&pool->closure, closure, memory_order_relaxed);
    atomic_store_explicit(&pool->base, base, memory_order_relaxed);
    atomic_store_explicit(&pool->count, items, memory_order_relaxed);
    atomic_store_explicit(&pool->control, control, memory_order_relaxed);
    atomic_store_explicit(&pool->pending, items, memory_order_relaxed);
    publish(pool, items, (int)(items - 1 < (uint32_t)pool->threads ? items - 1 : (uint32_t)pool->threads));
    work(pool);
    await_others(pool);
  }
}

static size_t bytes_of(int threads) { return sizeof(weft_pool) + (size_t)(threads - 1) * sizeof(pthread_t); }

/* Signals are the program's: they are handled on its own threads. */
static int start(weft_pool *pool) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failure = pthread_create(&pool->thread[pool->started], NULL, thread_main, pool);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pool->started += failure == 0;
  return failure;
}

weft_status weft_pool_create(const weft_allocator *allocator, int threads, void (*enter)(void *argument),
                             void *argument, weft_pool **result, weft_error *error) {
  weft_pool *pool = weft_allocate(allocator, bytes_of(threads), "the threads", error);
  if (!pool)
    return WEFT_NO_MEMORY;
  pool->threads = threads;
  pool->enter = enter;
  pool->argument = argument;
  // Where there are fewer CPUs than threads, a spinning thread keeps another from working.
  pool->spins = threads <= sysconf(_SC_NPROCESSORS_ONLN) ? SPINS : 0;
  while (pool->started < threads - 1) {
    int failure = start(pool);
    if (failure) {
      weft_fail(error, WEFT_SYSTEM, "thread %d of %d cannot be started: %s", pool->started + 2, threads,
                strerror(failure));
      weft_pool_destroy(pool, allocator);
      return WEFT_SYSTEM;
    }
  }
  *result = pool;
  return WEFT_OK;
}

void weft_pool_destroy(weft_pool *pool, const weft_allocator *allocator) {
  atomic_store(&pool->stopping, 1);
  publish(pool, 0, pool->threads);
  for (int i = 0; i < pool->started; i++)
    pthread_join(pool->thread[i], NULL);
  weft_release(allocator, pool, bytes_of(pool->threads));
}
