/* weights.c - where are a module's weights, and are they the right ones? */
#include "core/weights.h"
#include "core/error.h"
#include "core/module.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t weft_hash(const void *data, uint64_t bytes) {
  const unsigned char *at = data;
  uint64_t hash = 0xcbf29ce484222325u;
  for (uint64_t i = 0; i < bytes; i++)
    hash = (hash ^ at[i]) * 0x100000001b3u;
  return hash;
}

static weft_status map_file(const char *path, uint64_t wanted, weft_weights *weights, weft_error *error) {
  // Not blocking: a FIFO with this name must not hang the program before it is refused.
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return weft_fail(error, WEFT_BAD_MODULE, "weights '%s' cannot be opened: %s", path, strerror(errno));
  struct stat info;
  weft_status status = WEFT_OK;
  if (fstat(file, &info))
    status = weft_fail(error, WEFT_BAD_MODULE, "weights '%s' cannot be read: %s", path, strerror(errno));
  else if (!S_ISREG(info.st_mode))
    status = weft_fail(error, WEFT_BAD_MODULE, "weights '%s' are not a regular file", path);
  else if ((uint64_t)info.st_size != wanted)
    status = weft_fail(error, WEFT_BAD_MODULE, "weights '%s' have %lld bytes but the model was compiled with %llu",
                       path, (long long)info.st_size, (unsigned long long)wanted);
  if (status == WEFT_OK) {
    void *data = mmap(NULL, (size_t)wanted, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED)
      status = weft_fail(error, WEFT_NO_MEMORY, "weights '%s' of %llu bytes cannot be mapped: %s", path,
                         (unsigned long long)wanted, strerror(errno));
    else
      *weights = (weft_weights){data, wanted, 1};
  }
  close(file); // a mapping outlives its descriptor
  return status;
}

static weft_status find(const weft_abi_module *abi, const char *file, weft_weights *weights, weft_error *error) {
  // Code may form the address of weights it never reads.
  static const _Alignas(64) char none[64];
  *weights = (weft_weights){none, 0, 0};
  if (abi->weights_bytes == 0)
    return WEFT_OK;
  if (file)
    return map_file(file, abi->weights_bytes, weights, error);
  if (abi->weights) {
    *weights = (weft_weights){abi->weights, abi->weights_bytes, 0};
    return WEFT_OK;
  }
  if (abi->weights_file[0] == '/')
    return map_file(abi->weights_file, abi->weights_bytes, weights, error);
  char path[PATH_MAX];
  // Not of the descriptor itself: programs that are linked to a library may hold a copy of that.
  weft_status status = weft_folder_of(abi->entry, path, sizeof path, error);
  if (status != WEFT_OK)
    return status;
  size_t length = strlen(path);
  if (length + strlen(abi->weights_file) >= sizeof path)
    return weft_fail(error, WEFT_BAD_MODULE, "the path of weights '%s' is too long", abi->weights_file);
  strcpy(path + length, abi->weights_file);
  return map_file(path, abi->weights_bytes, weights, error);
}

weft_status weft_weights_open(const weft_abi_module *abi, const char *file, int verify, weft_weights *weights,
                              weft_error *error) {
  weft_status status = find(abi, file, weights, error);
  if (status != WEFT_OK || !verify || !weights->bytes)
    return status;
  uint64_t hash = weft_hash(weights->data, weights->bytes);
  if (hash == abi->weights_hash)
    return WEFT_OK;
  weft_weights_close(weights);
  return weft_fail(error, WEFT_BAD_MODULE,
                   "the weights of '%s' are not those it was compiled with: hash %016llx, not %016llx", abi->name,
                   (unsigned long long)hash, (unsigned long long)abi->weights_hash);
}

/* Whether a sample of their pages is in the page cache. */
static int are_present(const char *begin, size_t bytes, size_t page) {
  enum { SAMPLES = 64 };
  size_t pages = bytes / page;
  for (size_t i = 0; i < SAMPLES; i++) {
    unsigned char present;
    if (mincore((void *)(begin + pages * i / SAMPLES * page), page, &present) || !(present & 1))
      return 0;
  }
  return 1;
}

void weft_weights_touch(const weft_weights *weights) {
#ifndef MADV_POPULATE_READ
  enum { MADV_POPULATE_READ = 22 }; // since Linux 5.14; before, it is refused and faults do it
#endif
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uintptr_t begin = (uintptr_t)weights->data & ~(uintptr_t)(page - 1);
  size_t bytes = (uintptr_t)weights->data + weights->bytes - begin;
  if (bytes >= 64 * page && are_present((const char *)begin, bytes, page))
    (void)madvise((void *)begin, bytes, MADV_POPULATE_READ);
}

void weft_weights_close(weft_weights *weights) {
  if (weights->mapped)
    munmap((void *)weights->data, (size_t)weights->bytes);
  *weights = (weft_weights){0};
}
