/* abi.h - what generated code and the runtime agree on.
 *
 * Not for users of a compiled model: they read runtime.h. This page has two halves: the structures that a compiled
 * module exports, and the functions that its code calls. Both are versioned together; a runtime refuses a module of
 * another version by name before it calls anything in it.
 *
 * Everything here is plain C with fixed layouts, so that the compiler can write it as constants into an object file.
 */
#ifndef WEFT_ABI_H
#define WEFT_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_ABI_MAGIC 0x54464557u /* "WEFT", little-endian */
#define WEFT_ABI_VERSION 1u
#define WEFT_ABI_MAX_RANK 8

/* Element types of inputs, outputs and caches. The numbers are part of the ABI. */
enum { WEFT_ABI_F32 = 1, WEFT_ABI_I32 = 2, WEFT_ABI_I1 = 3 };

/* CPU levels a piece of code was generated for, in rising order. */
enum { WEFT_ABI_CPU_V3 = 3, /* x86-64-v3: AVX2, FMA */ WEFT_ABI_CPU_V4 = 4 /* x86-64-v4: AVX-512 F, BW, CD, DQ, VL */ };

/* One ranked tensor in memory, laid out as MLIR's memref descriptor: element (i0, i1, ...) lies at
 * aligned[offset + i0*strides[0] + ...]. `strides` begins right after the `rank` sizes. Strides count elements. */
typedef struct weft_abi_memref {
  void *allocated;
  void *aligned;
  int64_t offset;
  int64_t sizes_then_strides[2 * WEFT_ABI_MAX_RANK];
} weft_abi_memref;

/* A size: a number when `axis` < 0, else the run-time value of module->axes[axis]. */
typedef struct weft_abi_dim {
  int64_t axis;
  int64_t size;
} weft_abi_dim;

/* An input, cache or output: row-major and dense in memory. */
typedef struct weft_abi_tensor {
  const char *name;
  uint32_t type;
  uint32_t rank;
  const weft_abi_dim *dims;
  const char *const *axis_names; /* rank names, for messages and for people */
} weft_abi_tensor;

/* An axis whose size is known when running. */
typedef struct weft_abi_axis {
  const char *name;
} weft_abi_axis;

/* The code of one entry point for one CPU level.
 *
 * `run` and `arena` take the same vector of arguments, one pointer each, in this order:
 *   inputs, [past: int64_t *, for a step], caches, outputs    - weft_abi_memref * except `past`
 *   weights, arena                                            - weft_abi_memref * of rank 1, bytes
 * `arena` returns the bytes of working memory that a call with these sizes needs (the last argument is not read);
 * `run` computes. Neither allocates. The arena and the weights are aligned to 64 bytes at least. */
typedef struct weft_abi_code {
  uint32_t cpu_level;
  uint32_t reserved;
  void (*run)(void **arguments);
  int64_t (*arena)(void **arguments);
} weft_abi_code;

enum { WEFT_ABI_SEQUENCE = 0, /* whole sequences, no state */ WEFT_ABI_STEP = 1 /* continues a cache */ };

typedef struct weft_abi_entry {
  const char *name;
  uint32_t kind;
  uint32_t inputs, caches, outputs; /* how many of each; `tensors` lists them in this order */
  const weft_abi_tensor *tensors;
  int64_t position_axis; /* STEP: the axis whose positions the caches hold; -1 for SEQUENCE */
  int64_t context;       /* STEP: most positions that the caches hold: past + size <= context */
  uint32_t codes;
  uint32_t reserved;
  const weft_abi_code *code; /* in rising order of cpu_level */
} weft_abi_entry;

typedef struct weft_abi_module {
  uint32_t magic, version;
  const char *name;
  uint32_t axes, entries;
  const weft_abi_axis *axis;
  const weft_abi_entry *entry;
  uint64_t weights_bytes;
  const void *weights;       /* inside the artefact, page-aligned; null when they lie beside it */
  const char *weights_file;  /* beside the artefact: a path relative to the artefact; null when inside */
  uint64_t weights_hash;     /* FNV-1a (64 bits) of the weights, checked where the loader is asked to */
  const char *const *labels; /* names of things that generated code reports by number, see weft_bad_index */
  uint64_t label_count;
} weft_abi_module;

/* ---- Called by generated code --------------------------------------------------------------------------------- */

/* Runs body(closure, i) for every i in [0, count), on the threads of the context that is running, and returns when all
 * are done. Bodies must not depend on each other. count <= 1 runs in place. */
void weft_parallel(void (*body)(void *closure, int64_t index), void *closure, int64_t count);

/* Reports that element `position` (flattened) of the index tensor labels[label] holds `index`, which is not in
 * [0, bound). The call fails with the report of the lowest label and position once it has finished, whatever the order
 * in time; code goes on with row 0. May be called from several threads at once. */
void weft_bad_index(int64_t label, int64_t position, int64_t index, int64_t bound);

/* ---- Exported by a shared library -------------------------------------------------------------------------------
 *
 * Beside weft_module_<name>, the library's only module is found under one name that does not depend on the model:
 *
 *     const weft_abi_module *const weft_module_descriptor;
 *
 * A shared library carries its own copy of the runtime, and so of the two functions above. Where another copy runs its
 * module - a program that is linked with libweft_runtime.a and opens the library - that copy hands over its functions
 * first: a thread that runs for the library's own copy is served by that one, any other thread by the bound one. */
typedef struct weft_abi_services {
  uint32_t version; /* WEFT_ABI_VERSION */
  uint32_t reserved;
  void (*parallel)(void (*body)(void *closure, int64_t index), void *closure, int64_t count);
  void (*bad_index)(int64_t label, int64_t position, int64_t index, int64_t bound);
} weft_abi_services;

/* Binds the functions of another copy for the life of the library. Returns 1, or 0 when a third copy is bound already
 * or the version differs. `services` must outlive the library. Any thread. */
int weft_runtime_bind(const weft_abi_services *services);

#ifdef __cplusplus
}
#endif
#endif
