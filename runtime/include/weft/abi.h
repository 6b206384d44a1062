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
#define WEFT_ABI_VERSION 3u
#define WEFT_ABI_MAX_RANK 8

/* Element types of inputs, outputs and caches. The numbers are part of the ABI. */
enum { WEFT_ABI_F32 = 1, WEFT_ABI_I32 = 2, WEFT_ABI_I1 = 3 };

/* CPU levels a piece of code was generated for, in rising order. */
enum {
  WEFT_ABI_CPU_V3 = 3,     /* x86-64-v3: AVX2, FMA */
  WEFT_ABI_CPU_V4 = 4,     /* x86-64-v4: AVX-512 F, BW, CD, DQ, VL */
  WEFT_ABI_CPU_V4_BF16 = 5 /* x86-64-v4 with dot products of bf16 and of int8: AVX-512 BF16, VNNI */
};

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

/* What runs a piece of code. */
enum { WEFT_ABI_DEVICE_CPU = 0, WEFT_ABI_DEVICE_VULKAN = 1 };

/* What a kernel needs of a Vulkan device, beside Vulkan 1.2, buffer device addresses and 64-bit integers. Bits. */
enum {
  WEFT_ABI_VK_INT64 = 1 << 0, /* always there */
  WEFT_ABI_VK_FLOAT16 = 1 << 1,
  WEFT_ABI_VK_INT16 = 1 << 2,
  WEFT_ABI_VK_INT8 = 1 << 3,
  WEFT_ABI_VK_STORAGE16 = 1 << 4, /* 16-bit elements in memory */
  WEFT_ABI_VK_STORAGE8 = 1 << 5,  /* 8-bit elements in memory */
  WEFT_ABI_VK_INT64_ATOMICS = 1 << 6,
  WEFT_ABI_VK_MEMORY_MODEL = 1 << 7, /* the Vulkan memory model, device scope included */
  WEFT_ABI_VK_SUBGROUP_ARITHMETIC = 1 << 8,
  WEFT_ABI_VK_SUBGROUP_SHUFFLE = 1 << 9,
  WEFT_ABI_VK_SUBGROUP_BALLOT = 1 << 10,
  WEFT_ABI_VK_DOT_PRODUCT = 1 << 11, /* of packed integers */
  WEFT_ABI_VK_COOPMAT = 1 << 12,     /* VK_KHR_cooperative_matrix */
  WEFT_ABI_VK_COOPMAT2 = 1 << 13,    /* VK_NV_cooperative_matrix2: reductions, conversions, per element */
  WEFT_ABI_VK_BFLOAT16 = 1 << 14,    /* VK_KHR_shader_bfloat16 */
  WEFT_ABI_VK_FLOAT64 = 1 << 15
};

/* A compute shader: SPIR-V whose entry point has this name, no descriptor sets, and one push constant: the device
 * address, aligned to 16 bytes, of the record of a dispatch (see weft_dispatch). */
typedef struct weft_abi_kernel {
  const char *name;
  const uint32_t *spirv;
  uint64_t words;
  uint32_t local_size[3];
  uint32_t subgroup_size; /* required; 0: any */
  uint32_t shared_bytes;  /* of workgroup memory */
  uint32_t features;      /* WEFT_ABI_VK_ bits */
  uint32_t matrix; /* rows | columns << 8 | depth << 16 of cooperative matrices of f16, summed up in f32; 0: none.
                      With WEFT_ABI_VK_COOPMAT2 the device also has to sum them up in f16. */
} weft_abi_kernel;

/* The code of one entry point for one CPU level, or for Vulkan.
 *
 * `run` and `arena` take the same vector of arguments, one pointer each, in this order:
 *   inputs, [past: int64_t *, for a step], caches, outputs    - weft_abi_memref * except `past`
 *   weights, arena                                            - weft_abi_memref * of rank 1, bytes
 * `arena` returns the bytes of working memory that a call with these sizes needs (the last argument is not read);
 * `run` computes. Neither allocates. The arena and the weights are aligned to 64 bytes at least.
 *
 * For Vulkan these are host functions, for any x86-64. The pointers in all memrefs are device addresses: `run` computes
 * with them, reads nothing through them, and calls weft_dispatch for what is to be done. One argument more follows the
 * arena:
 *   errors                                                    - weft_abi_memref * of rank 1, bytes
 * an array of 2 * label_count uint64_t. A kernel that meets an index out of range brings, by an atomic minimum,
 * errors[label] down to position << 32 | (uint32_t)index, and writes the bound to errors[label_count + label]; what
 * weft_bad_index says is reported of it. */
typedef struct weft_abi_code {
  uint32_t cpu_level; /* 0 for Vulkan */
  uint32_t device;
  void (*run)(void **arguments);
  int64_t (*arena)(void **arguments);
  uint32_t kernels;
  uint32_t calls;                /* of kernels that `ticks` has room for */
  const weft_abi_kernel *kernel; /* may be one table for several codes */
  uint64_t *ticks;               /* for Vulkan: each call adds up there, for each number that weft_dispatch is told, the
                                    nanoseconds of the kernels of that number; null where time is not counted */
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
  const weft_abi_code *code; /* for CPUs in rising order of cpu_level; then for Vulkan: the last that the device can run
                                is taken */
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

/* Code for Vulkan: appends a run of kernel number `kernel` of the code's table to what the call does.
 *   flags   WEFT_ABI_BARRIER: it reads or overwrites what a dispatch since the last barrier has written, or overwrites
 *           what one has read. WEFT_ABI_TOO_LARGE: a size, or a number of elements, does not fit 31 bits; then the call
 *           fails. From bit WEFT_ABI_CALL_SHIFT on: which element of the code's `ticks` its time belongs to
 *   groups  workgroups along each axis, each in [0, 65535]; where one is 0 nothing is run
 *   record  the kernel's arguments, copied: all device addresses (8 bytes each), then 4-byte numbers; `bytes` of them,
 *           a multiple of 8 and at most WEFT_ABI_MAX_RECORD
 * Called from the thread that runs `run`. */
enum {
  WEFT_ABI_BARRIER = 1,
  WEFT_ABI_TOO_LARGE = 2,
  WEFT_ABI_CALL_SHIFT = 32,
  WEFT_ABI_MAX_RECORD = 1024,
  WEFT_ABI_MAX_GROUPS = 65535
};
void weft_dispatch(int64_t kernel, int64_t flags, const int64_t groups[3], const void *record, int64_t bytes);

/* ---- Exported by a shared library -------------------------------------------------------------------------------
 *
 * Beside weft_module_<name>, the library's only module is found under one name that does not depend on the model:
 *
 *     const weft_abi_module *const weft_module_descriptor;
 *
 * A shared library carries its own copy of the runtime, and so of the functions above. Where another copy runs its
 * module - a program that is linked with libweft_runtime.a and opens the library - that copy hands over its functions
 * first: a thread that runs for the library's own copy is served by that one, any other thread by the bound one. */
typedef struct weft_abi_services {
  uint32_t version; /* WEFT_ABI_VERSION */
  uint32_t reserved;
  void (*parallel)(void (*body)(void *closure, int64_t index), void *closure, int64_t count);
  void (*bad_index)(int64_t label, int64_t position, int64_t index, int64_t bound);
  void (*dispatch)(int64_t kernel, int64_t flags, const int64_t groups[3], const void *record, int64_t bytes);
} weft_abi_services;

/* Binds the functions of another copy for the life of the library. Returns 1, or 0 when a third copy is bound already
 * or the version differs. `services` must outlive the library. Any thread. */
int weft_runtime_bind(const weft_abi_services *services);

#ifdef __cplusplus
}
#endif
#endif
