/* file.h - how is a file written whole or not at all?
 *
 * Into a temporary beside it, then synchronised, then renamed: at every moment the name holds the old file or the
 * complete new one. What is no regular file (/dev/null, /dev/full, a terminal) cannot be replaced and is written as it
 * stands. */
#ifndef WEFT_CORE_FILE_H
#define WEFT_CORE_FILE_H

#include "weft/runtime.h"
#include <limits.h>
#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_file {
  int descriptor;
  const volatile sig_atomic_t *cancel; /* may be NULL; not 0: stop and leave nothing */
  char path[PATH_MAX];                 /* symbolic links resolved */
  char temporary[PATH_MAX];            /* "" when written in place */
} weft_file;

weft_status weft_file_create(weft_file *file, const char *path, const volatile sig_atomic_t *cancel, weft_error *error);
/* On failure the file is abandoned already. */
weft_status weft_file_write(weft_file *file, const void *data, size_t bytes, weft_error *error);
weft_status weft_file_commit(weft_file *file, weft_error *error);
void weft_file_abandon(weft_file *file);

#ifdef __cplusplus
}
#endif
#endif
