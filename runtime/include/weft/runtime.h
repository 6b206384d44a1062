/* runtime.h - how a C or C++ program runs a compiled model.
 *
 * A *module* is a compiled model: immutable, and usable by any number of contexts and threads at once. A *context* is
 * one user of a module: it owns working memory, threads and the cache of a step, and serves one thread at a time.
 *
 *     weft_error error;
 *     weft_module *module;
 *     weft_context *context;
 *     if (weft_module_load("model.so", NULL, &module, &error)) return puts(error.message);
 *     if (weft_context_create(module, NULL, &context, &error)) return puts(error.message);
 *     weft_view in = {tokens, WEFT_I32, 2, {1, 12}};
 *     if (weft_run(context, &in, 1, NULL, 0, &error)) return puts(error.message);
 *     const float *logits = weft_output(context, 0).data;               // valid until the next call on the context
 *
 * Link with libweft_runtime.a (it needs libc alone), or with a compiled model: every shared library holds this runtime.
 *
 * Errors are values: each function that can fail returns a weft_status and, where `error` is not NULL, leaves the
 * status and one line of text there. Nothing here aborts, exits or prints. A call that failed changed no state that can
 * be seen through this page, except that the contents of its outputs are undefined. */
#ifndef WEFT_RUNTIME_H
#define WEFT_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_API __attribute__((visibility("default")))
#define WEFT_MAX_RANK 8

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

typedef enum weft_status {
  WEFT_OK = 0,
  WEFT_MISUSE = 1,     /* the program broke a rule of this page: a wrong count, a missing entry, a busy context */
  WEFT_BAD_INPUT = 2,  /* an input's type, shape or values do not fit the model */
  WEFT_BAD_MODULE = 3, /* the artefact or its weights are missing, damaged or made for another version */
  WEFT_NO_CPU = 4,     /* this CPU lacks instructions that the code needs */
  WEFT_NO_MEMORY = 5,  /* memory could not be had; the message says how much */
  WEFT_SYSTEM = 6,     /* the operating system or a driver refused something else: a thread, a file */
  WEFT_NO_DEVICE = 7,  /* no Vulkan loader, no device, or none that can run the model; the message says why of each */
  WEFT_DEVICE_LOST = 8 /* the device was lost; all calls on the module fail from now on, and it can be loaded again */
} weft_status;

typedef struct weft_error {
  weft_status status;
  char message[1024]; /* one line, no final newline; "" where nothing has failed */
} weft_error;

/* ---- Tensors --------------------------------------------------------------------------------------------------- */

typedef enum weft_type {
  WEFT_F32 = 1, /* float */
  WEFT_I32 = 2, /* int32_t */
  WEFT_I1 = 3   /* one byte each, 0 or 1 */
} weft_type;

/* The name of a type as messages write it ("f32"), and the bytes of one element; NULL and 0 for no type. */
WEFT_API const char *weft_type_name(weft_type type);
WEFT_API size_t weft_type_bytes(weft_type type);

/* A dense, row-major array in memory that someone owns: the caller, or a context. Never owned by the view. */
typedef struct weft_view {
  void *data;
  weft_type type;
  int32_t rank;
  int64_t shape[WEFT_MAX_RANK];
} weft_view;

/* ---- Modules --------------------------------------------------------------------------------------------------- */

typedef struct weft_module weft_module;

/* What a compiled object or library exports as weft_module_<name>; its contents are the business of abi.h. */
typedef struct weft_abi_module weft_abi_module;

/* Where all memory of a module and its contexts comes from. `allocate` returns NULL when there is none; `alignment` is
 * a power of two. `release` gets the same `bytes`. Both may be called from any thread that uses the module. */
typedef struct weft_allocator {
  void *(*allocate)(void *user, size_t bytes, size_t alignment);
  void (*release)(void *user, void *memory, size_t bytes);
  void *user;
} weft_allocator;

typedef struct weft_load_options {
  const char *device;              /* "cpu", "vulkan", or "vulkan:1", one of several; NULL: the CPU where the model has
                                      code for it, else Vulkan. "null" runs nothing and records calls, for tests */
  int cpu_level;                   /* 0: the best code for this CPU; 3 or 4: code for x86-64-v3 or -v4 at most */
  int verify_weights;              /* not 0: hash the weights too (reads all of them); their size is always checked */
  const char *weights;             /* NULL: as the artefact says; else the file with the weights of this module */
  const weft_allocator *allocator; /* NULL: malloc. Copied; `user` must outlive the module */
} weft_load_options;

/* Opens a compiled shared library. `options` may be NULL. The code in it is trusted: opening it runs it. */
WEFT_API weft_status weft_module_load(const char *path, const weft_load_options *options, weft_module **module,
                                      weft_error *error);

/* The same for a model that is linked into the program: `extern const weft_abi_module weft_module_<name>`. The
 * descriptor must outlive the module. */
WEFT_API weft_status weft_module_from_descriptor(const weft_abi_module *descriptor, const weft_load_options *options,
                                                 weft_module **module, weft_error *error);

/* Gives the module up. Contexts keep what they need of it, so the order does not matter. NULL is fine. */
WEFT_API void weft_module_destroy(weft_module *module);

/* ---- Description: any thread, at any time; strings live as long as the module ------------------------------------ */

/* The two ways to run a model. A module has one entry of each kind at most. */
typedef enum weft_kind {
  WEFT_SEQUENCE = 0, /* whole sequences: no state */
  WEFT_STEP = 1      /* some positions more: the context holds the cache of the positions before */
} weft_kind;

typedef enum weft_role { WEFT_INPUT = 0, WEFT_CACHE = 1, WEFT_OUTPUT = 2 } weft_role;

#define WEFT_RUNTIME_SIZE (-1) /* a size that is known when running */

typedef struct weft_entry_info {
  const char *name;
  size_t inputs, caches, outputs;
  const char *position_axis; /* of a step: the axis whose positions the cache holds; else NULL */
  int64_t context;           /* of a step: the most positions that the cache holds; else 0 */
  int cpu_level;             /* of the code that was chosen; 0: it is for Vulkan */
} weft_entry_info;

typedef struct weft_tensor_info {
  const char *name;
  weft_type type;
  int32_t rank;
  const char *axes[WEFT_MAX_RANK];         /* the name of each dimension; "" where it has none */
  int64_t shape[WEFT_MAX_RANK];            /* WEFT_RUNTIME_SIZE where the size is known when running; dimensions whose
                                              run-time sizes must agree have the same name in `runtime_axes` */
  const char *runtime_axes[WEFT_MAX_RANK]; /* NULL where the size is fixed */
} weft_tensor_info;

WEFT_API const char *weft_module_name(const weft_module *module);
WEFT_API uint64_t weft_module_weights_bytes(const weft_module *module);
/* 1 when the module has this entry, with `info` (may be NULL) filled; else 0. */
WEFT_API int weft_module_entry(const weft_module *module, weft_kind kind, weft_entry_info *info);
/* 1 when there is such a tensor, with `info` filled; else 0. */
WEFT_API int weft_module_tensor(const weft_module *module, weft_kind kind, weft_role role, size_t index,
                                weft_tensor_info *info);
/* The index of the tensor with this name, or -1. */
WEFT_API int weft_module_find(const weft_module *module, weft_kind kind, weft_role role, const char *name);

/* The types and shapes of the outputs that these inputs would give; leaves `outputs[i].data` alone. Only the shapes and
 * types of `inputs` are read. The same refusals as weft_run. */
WEFT_API weft_status weft_module_shapes(const weft_module *module, weft_kind kind, const weft_view *inputs,
                                        size_t input_count, weft_view *outputs, size_t output_count, weft_error *error);

/* The device that runs the module: "cpu", "vulkan:0". */
WEFT_API const char *weft_module_device(const weft_module *module);

/* ---- Devices --------------------------------------------------------------------------------------------------- */

typedef struct weft_device_info {
  char name[32];         /* for weft_load_options: "vulkan:0" */
  char description[320]; /* "NVIDIA H100 PCIe, a discrete GPU, 81559 MiB, Vulkan 1.3, ..." */
  char exclusion[160];   /* why no module can run on it; "" where one can. A module may want more: loading it says so */
} weft_device_info;

/* The devices of this machine, in the order of their numbers. Fills `devices` with `capacity` of them at most, and
 * gives how many there are in `count`. Where Vulkan cannot be used at all, the CPU alone is listed, and `vulkan` (may
 * be NULL) says why. */
WEFT_API void weft_list_devices(weft_device_info *devices, size_t capacity, size_t *count, weft_error *vulkan);

/* ---- Contexts: one thread at a time ------------------------------------------------------------------------------ */

typedef struct weft_context weft_context;

typedef struct weft_context_options {
  int threads; /* 0: as many as this process has CPUs; 1: everything in the calling thread. Results do not depend on it
                */
} weft_context_options;

WEFT_API weft_status weft_context_create(weft_module *module, const weft_context_options *options,
                                         weft_context **context, weft_error *error);
/* Ends its threads and frees its memory, the outputs it gave included. NULL is fine. */
WEFT_API void weft_context_destroy(weft_context *context);

/* Runs whole sequences. `inputs` are all inputs of the entry, in its order. Run-time sizes come from their shapes,
 * which must agree. `outputs` is NULL, or holds a view for each output of the entry: the memory that it goes to, of the
 * right type and shape (see weft_module_shapes) and apart from the inputs; where its `data` is NULL, as where `outputs`
 * is, the output goes to memory of the context. */
WEFT_API weft_status weft_run(weft_context *context, const weft_view *inputs, size_t input_count,
                              const weft_view *outputs, size_t output_count, weft_error *error);

/* Runs the positions that follow those in the cache, and adds them to it. Sizes other than the number of positions must
 * stay the same while the cache holds any. A step that would not fit fails before any work. */
WEFT_API weft_status weft_step(weft_context *context, const weft_view *inputs, size_t input_count,
                               const weft_view *outputs, size_t output_count, weft_error *error);

/* An output of the last call on the context: its shape, and where it is. Memory of the context is valid until the next
 * call. Without data and shape where the last call failed or had no such output. */
WEFT_API weft_view weft_output(const weft_context *context, size_t index);

/* How many positions the cache holds. */
WEFT_API int64_t weft_past(const weft_context *context);
/* Forgets the positions from `past` on; 0 begins anew, also with another batch size. */
WEFT_API weft_status weft_truncate(weft_context *context, int64_t past, weft_error *error);
WEFT_API void weft_reset(weft_context *context);

#ifdef __cplusplus
}
#endif
#endif
