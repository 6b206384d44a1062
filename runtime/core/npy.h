/* npy.h - how are NumPy's .npy files read and written?
 *
 * Read: versions 1 to 3, little-endian numbers and booleans in row order. The header is a Python literal and is parsed
 * as the one dictionary it may be; nothing is ever evaluated. Every count is compared with the size of the file before
 * it is used. Written: version 1, whole or not at all.
 *
 * docs: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef WEFT_CORE_NPY_H
#define WEFT_CORE_NPY_H

#include "weft/runtime.h"
#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The element types of files. Models know fewer: weft_npy_convert narrows where no value is lost. */
typedef enum weft_npy_type {
  WEFT_NPY_F2,
  WEFT_NPY_F4,
  WEFT_NPY_F8,
  WEFT_NPY_I1,
  WEFT_NPY_I2,
  WEFT_NPY_I4,
  WEFT_NPY_I8,
  WEFT_NPY_U1,
  WEFT_NPY_U2,
  WEFT_NPY_U4,
  WEFT_NPY_U8,
  WEFT_NPY_B1
} weft_npy_type;

const char *weft_npy_type_name(weft_npy_type type); /* as NumPy prints it: "float32" */
size_t weft_npy_type_bytes(weft_npy_type type);

/* What the header says. */
typedef struct weft_npy_header {
  weft_npy_type type;
  int32_t rank;
  int64_t shape[WEFT_MAX_RANK];
  int64_t elements;
  size_t data_offset; /* where the array begins in the file */
} weft_npy_header;

/* Parses the first bytes of a file of `file_bytes`; `have` of them are at `bytes`, and they must reach to the end of
 * the header or of the file. WEFT_NPY_PREFIX bytes always do, for headers that are accepted. Checks also that the file
 * holds the array and nothing after it. */
enum { WEFT_NPY_PREFIX = 12 + 65536 };
weft_status weft_npy_parse(const void *bytes, size_t have, uint64_t file_bytes, weft_npy_header *header,
                           weft_error *error);

/* A file in memory. */
typedef struct weft_npy {
  weft_npy_header header;
  void *data;
  size_t bytes;
  weft_allocator allocator;
} weft_npy;

/* Messages name the file. `allocator` may be NULL. */
weft_status weft_npy_read(const char *path, const weft_allocator *allocator, weft_npy *npy, weft_error *error);
void weft_npy_free(weft_npy *npy);

/* The array as a model wants it: fills `view`, whose data must be released with the array's allocator. Floats of all
 * widths become f32, integers i32 where each value fits, booleans i1; anything else is refused. */
weft_status weft_npy_convert(const weft_npy *npy, weft_type wanted, weft_view *view, weft_error *error);
void weft_view_release(const weft_allocator *allocator, weft_view *view);

/* `cancel`: NULL, or a flag that stops the writing, see file.h. */
weft_status weft_npy_write(const char *path, const weft_view *view, const volatile sig_atomic_t *cancel,
                           weft_error *error);

#ifdef __cplusplus
}
#endif
#endif
