/* file.c - how is a file written whole or not at all? */
#include "core/file.h"
#include "core/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static weft_status fail(weft_error *error, const char *path, const char *why) {
  return weft_fail(error, WEFT_SYSTEM, "'%s' cannot be written: %s", path, why);
}

/* ".name.1234.0.tmp" in the folder of `path`: hidden, and apart from those of other processes and calls. */
static int open_temporary(weft_file *file) {
  const char *slash = strrchr(file->path, '/');
  int folder = slash ? (int)(slash + 1 - file->path) : 0;
  for (int attempt = 0; attempt < 100; attempt++) {
    int length = snprintf(file->temporary, sizeof file->temporary, "%.*s.%s.%ld.%d.tmp", folder, file->path,
                          file->path + folder, (long)getpid(), attempt);
    if (length >= (int)sizeof file->temporary) {
      errno = ENAMETOOLONG;
      return -1;
    }
    int descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST)
      return descriptor;
  }
  return -1;
}

weft_status weft_file_create(weft_file *file, const char *path, const volatile sig_atomic_t *cancel,
                             weft_error *error) {
  file->descriptor = -1;
  file->cancel = cancel;
  file->temporary[0] = 0;
  // A link stays a link: what it points to is replaced.
  if (!realpath(path, file->path) && snprintf(file->path, sizeof file->path, "%s", path) >= (int)sizeof file->path)
    return fail(error, path, strerror(ENAMETOOLONG));
  struct stat old;
  int exists = stat(file->path, &old) == 0;
  if (exists && S_ISDIR(old.st_mode))
    return fail(error, path, "it is a folder");
  if (exists && (S_ISFIFO(old.st_mode) || S_ISSOCK(old.st_mode)))
    return fail(error, path, "it is a pipe, which could not be written whole or not at all");
  if (exists && S_ISBLK(old.st_mode))
    return fail(error, path, "it is a block device");
  // Renaming would replace a file that may be read only.
  if (exists && access(file->path, W_OK))
    return fail(error, path, strerror(errno));
  if (exists && !S_ISREG(old.st_mode))
    file->descriptor = open(file->path, O_WRONLY | O_CLOEXEC);
  else
    file->descriptor = open_temporary(file);
  if (file->descriptor < 0) {
    int why = errno;
    file->temporary[0] = 0;
    return fail(error, path, strerror(why));
  }
  if (exists && file->temporary[0] && fchmod(file->descriptor, old.st_mode & 07777)) {
    int why = errno;
    weft_file_abandon(file);
    return fail(error, path, strerror(why));
  }
  return WEFT_OK;
}

weft_status weft_file_write(weft_file *file, const void *data, size_t bytes, weft_error *error) {
  enum { CHUNK = 1 << 20 }; // small enough that a request to stop is heard
  const char *at = data;
  while (bytes) {
    if (file->cancel && *file->cancel) {
      weft_file_abandon(file);
      return fail(error, file->path, "interrupted");
    }
    ssize_t written = write(file->descriptor, at, bytes < CHUNK ? bytes : CHUNK);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0) {
      int why = errno;
      weft_file_abandon(file);
      return fail(error, file->path, strerror(why));
    }
    at += written;
    bytes -= (size_t)written;
  }
  return WEFT_OK;
}

weft_status weft_file_commit(weft_file *file, weft_error *error) {
  int in_place = !file->temporary[0], why = 0;
  if (!in_place && fsync(file->descriptor))
    why = errno;
  if (close(file->descriptor) && !why)
    why = errno;
  file->descriptor = -1;
  if (!why && file->cancel && *file->cancel)
    why = EINTR;
  if (!why && !in_place && rename(file->temporary, file->path))
    why = errno;
  if (!why)
    return WEFT_OK;
  weft_file_abandon(file);
  return fail(error, file->path, strerror(why));
}

void weft_file_abandon(weft_file *file) {
  if (file->descriptor >= 0)
    close(file->descriptor);
  if (file->temporary[0])
    unlink(file->temporary);
  file->descriptor = -1;
  file->temporary[0] = 0;
}
