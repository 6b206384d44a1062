/* cache.c - how does the driver remember what it compiled? */
#include "vulkan/cache.h"
#include "core/error.h"
#include "core/file.h"
#include "core/weights.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Before the driver's bytes in the file: drivers trust what they are given. */
typedef struct header {
  char magic[8];
  uint64_t bytes, hash;
} header;

static const char magic[8] = {'w', 'e', 'f', 't', 'v', 'k', 'p', 'c'};

/* Of all kernels, and of what compiled them. */
static uint64_t key_of(const weft_gpu *gpu) {
  uint64_t key = weft_hash(gpu->physical.driver_uuid, sizeof gpu->physical.driver_uuid);
  key ^= weft_hash(gpu->physical.properties.pipelineCacheUUID, VK_UUID_SIZE) * 3;
  for (int i = 0; i < WEFT_VK_TABLES; i++)
    for (uint32_t k = 0; k < gpu->tables[i].count; k++) {
      const weft_abi_kernel *kernel = &gpu->tables[i].kernels[k];
      key = key * 31 + weft_hash(kernel->spirv, kernel->words * sizeof *kernel->spirv);
    }
  return key;
}

/* Makes the folders; 0 where there is no place for a cache. */
static int find_path(const weft_gpu *gpu, char path[PATH_MAX]) {
  const char *own = getenv("WEFT_VULKAN_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  char folder[PATH_MAX - 64];
  int length;
  if (own)
    length = snprintf(folder, sizeof folder, "%s", own);
  else if (xdg && *xdg == '/')
    length = snprintf(folder, sizeof folder, "%s/weft", xdg);
  else if (home && *home == '/')
    length = snprintf(folder, sizeof folder, "%s/.cache/weft", home);
  else
    return 0;
  if (length <= 0 || length >= (int)sizeof folder)
    return 0;
  for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(folder, 0700);
    *slash = '/';
  }
  if (mkdir(folder, 0700) && errno != EEXIST)
    return 0;
  snprintf(path, PATH_MAX, "%s/vulkan-%016llx.cache", folder, (unsigned long long)key_of(gpu));
  return 1;
}

/* The driver's bytes in the file; NULL where there are none that are whole. To be freed. */
static void *read_file(const char *path, size_t *bytes) {
  enum { MOST = 256 << 20 };
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return NULL;
  struct stat info;
  header head;
  void *data = NULL;
  if (!fstat(file, &info) && S_ISREG(info.st_mode) && info.st_size > (off_t)sizeof head && info.st_size < MOST &&
      read(file, &head, sizeof head) == (ssize_t)sizeof head && !memcmp(head.magic, magic, sizeof magic) &&
      head.bytes == (uint64_t)info.st_size - sizeof head)
    data = malloc(head.bytes);
  size_t done = 0;
  for (ssize_t now = 1; data && done < head.bytes && now > 0; done += (size_t)(now > 0 ? now : 0))
    now = read(file, (char *)data + done, head.bytes - done);
  close(file);
  if (data && (done != head.bytes || weft_hash(data, done) != head.hash)) {
    free(data);
    return NULL;
  }
  *bytes = done;
  return data;
}

void weft_vk_cache_open(weft_gpu *gpu, weft_vk_cache *cache) {
  *cache = (weft_vk_cache){0};
  VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  void *data = NULL;
  if (!find_path(gpu, cache->path))
    cache->path[0] = 0;
  else
    data = read_file(cache->path, &info.initialDataSize);
  info.pInitialData = data;
  if (gpu->vk.CreatePipelineCache(gpu->device, &info, NULL, &cache->handle) != VK_SUCCESS)
    cache->handle = VK_NULL_HANDLE;
  cache->bytes_before = data ? info.initialDataSize : 0;
  free(data);
}

static void write_file(const weft_gpu *gpu, const weft_vk_cache *cache) {
  size_t bytes = 0;
  if (gpu->vk.GetPipelineCacheData(gpu->device, cache->handle, &bytes, NULL) != VK_SUCCESS ||
      bytes == cache->bytes_before || !bytes)
    return;
  void *data = malloc(bytes);
  weft_file file;
  if (data && gpu->vk.GetPipelineCacheData(gpu->device, cache->handle, &bytes, data) == VK_SUCCESS) {
    header head = {.bytes = bytes, .hash = weft_hash(data, bytes)};
    memcpy(head.magic, magic, sizeof magic);
    if (weft_file_create(&file, cache->path, NULL, NULL) == WEFT_OK &&
        weft_file_write(&file, &head, sizeof head, NULL) == WEFT_OK &&
        weft_file_write(&file, data, bytes, NULL) == WEFT_OK)
      weft_file_commit(&file, NULL);
  }
  free(data);
}

void weft_vk_cache_close(weft_gpu *gpu, weft_vk_cache *cache, int keep) {
  if (!cache->handle)
    return;
  if (keep && cache->path[0])
    write_file(gpu, cache);
  gpu->vk.DestroyPipelineCache(gpu->device, cache->handle, NULL);
  cache->handle = VK_NULL_HANDLE;
}
