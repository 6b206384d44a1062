/* npy.c - how does an array get from a .npy file into memory, and back? */
#include "core/npy.h"
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fills `bytes` from `offset` on; what is read before the end of the file is returned, -1 on error. */
static ssize_t read_at(int file, void *memory, size_t bytes, size_t offset) {
  size_t done = 0;
  while (done < bytes) {
    ssize_t got = pread(file, (char *)memory + done, bytes - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

static weft_status read_open(int file, const weft_allocator *allocator, weft_npy *npy, weft_error *error) {
  struct stat info;
  if (fstat(file, &info))
    return weft_fail(error, WEFT_BAD_INPUT, "cannot be read: %s", strerror(errno));
  if (S_ISDIR(info.st_mode))
    return weft_fail(error, WEFT_BAD_INPUT, "is a folder, not an npy file");
  if (!S_ISREG(info.st_mode))
    return weft_fail(error, WEFT_BAD_INPUT, "is not a regular file");
  uint64_t size = (uint64_t)info.st_size;
  size_t prefix_bytes = size < WEFT_NPY_PREFIX ? (size_t)size : WEFT_NPY_PREFIX;
  void *prefix = weft_allocate(allocator, prefix_bytes, "the header of a file", error);
  if (!prefix)
    return WEFT_NO_MEMORY;
  ssize_t got = read_at(file, prefix, prefix_bytes, 0);
  weft_status status = WEFT_OK;
  if (got < 0)
    status = weft_fail(error, WEFT_BAD_INPUT, "cannot be read: %s", strerror(errno));
  else
    status = weft_npy_parse(prefix, (size_t)got, size, &npy->header, error);
  weft_release(allocator, prefix, prefix_bytes);
  if (status != WEFT_OK)
    return status;
  // The size of the file was checked to hold this much, so a lying header cannot make the allocation large.
  npy->bytes = (size_t)npy->header.elements * weft_npy_type_bytes(npy->header.type);
  npy->data = weft_allocate(allocator, npy->bytes, "the array of a file", error);
  if (!npy->data)
    return WEFT_NO_MEMORY;
  got = read_at(file, npy->data, npy->bytes, npy->header.data_offset);
  if (got == (ssize_t)npy->bytes)
    return WEFT_OK;
  weft_npy_free(npy);
  return got < 0 ? weft_fail(error, WEFT_BAD_INPUT, "cannot be read: %s", strerror(errno))
                 : weft_fail(error, WEFT_BAD_INPUT, "truncated while it was read");
}

weft_status weft_npy_read(const char *path, const weft_allocator *allocator, weft_npy *npy, weft_error *error) {
  memset(npy, 0, sizeof *npy);
  npy->allocator = allocator ? *allocator : weft_malloc_allocator;
  // Not blocking: a FIFO with this name must not hang the program before it is refused.
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return weft_fail(error, WEFT_BAD_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  weft_status status = read_open(file, &npy->allocator, npy, error);
  close(file);
  return status == WEFT_OK ? status : weft_fail_in(error, status, path);
}

void weft_npy_free(weft_npy *npy) {
  weft_release(&npy->allocator, npy->data, npy->bytes);
  npy->data = NULL;
  npy->bytes = 0;
}

weft_status weft_npy_write(const char *path, const weft_view *view, const volatile sig_atomic_t *cancel,
                           weft_error *error) {
  static const char *const codes[] = {[WEFT_F32] = "<f4", [WEFT_I32] = "<i4", [WEFT_I1] = "|b1"};
  char shape[WEFT_SHAPE_TEXT_BYTES];
  weft_text text = weft_text_in(shape, sizeof shape);
  for (int32_t i = 0; i < view->rank; i++)
    weft_text_add(&text, "%s%lld%s", i ? " " : "", (long long)view->shape[i],
                  view->rank == 1 || i + 1 < view->rank ? "," : "");
  // Magic, version 1.0, the length of the rest, the rest: a multiple of 64 in all, so that the array is aligned.
  char header[512];
  int length = snprintf(header + 10, sizeof header - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                        codes[view->type], shape);
  size_t total = ((size_t)length + 10 + 1 + 63) / 64 * 64;
  memset(header + 10 + length, ' ', total - 10 - (size_t)length);
  header[total - 1] = '\n';
  memcpy(header, "\x93NUMPY\x01\x00", 8);
  header[8] = (char)((total - 10) & 0xff);
  header[9] = (char)((total - 10) >> 8);

  int fits;
  int64_t bytes = weft_dense_bytes(view->type, view->shape, view->rank, &fits);
  weft_file file;
  weft_status status = weft_file_create(&file, path, cancel, error);
  if (status == WEFT_OK)
    status = weft_file_write(&file, header, total, error);
  if (status == WEFT_OK)
    status = weft_file_write(&file, view->data, (size_t)bytes, error);
  return status == WEFT_OK ? weft_file_commit(&file, error) : status;
}
