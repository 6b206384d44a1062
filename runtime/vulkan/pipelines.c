/* pipelines.c - how do kernels become something that the device runs? */
#include "vulkan/pipelines.h"
#include "core/error.h"
#include "cpu/pool.h"
#include "vulkan/cache.h"
#include <sched.h>
#include <string.h>

static VkResult create_pipeline(const weft_gpu *gpu, VkPipelineCache cache, const weft_abi_kernel *kernel,
                                VkPipeline *pipeline) {
  const weft_vk_functions *vk = &gpu->vk;
  const VkShaderModuleCreateInfo module_info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                                .codeSize = (size_t)kernel->words * sizeof *kernel->spirv,
                                                .pCode = kernel->spirv};
  VkShaderModule module;
  VkResult result = vk->CreateShaderModule(gpu->device, &module_info, NULL, &module);
  if (result != VK_SUCCESS)
    return result;
  const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
      .requiredSubgroupSize = kernel->subgroup_size};
  const int requires = kernel->subgroup_size && gpu->physical.subgroup_control;
  const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .layout = gpu->layout,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = requires ? &subgroup : NULL,
                // Whole subgroups only where the workgroup consists of them.
                .flags = requires && kernel->local_size[0] % kernel->subgroup_size == 0
                             ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT
                             : 0,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = kernel->name}};
  result = vk->CreateComputePipelines(gpu->device, cache, 1, &info, NULL, pipeline);
  vk->DestroyShaderModule(gpu->device, module, NULL);
  return result;
}

typedef struct job {
  weft_gpu *gpu;
  VkPipelineCache cache;
  VkResult *results; /* of all kernels of all tables */
} job;

/* The table and the place in it of kernel number `index` of all. */
static uint32_t locate(const weft_gpu *gpu, int64_t index, const weft_vk_pipelines **table) {
  *table = gpu->tables;
  for (; index >= (*table)->count; (*table)++)
    index -= (*table)->count;
  return (uint32_t)index;
}

static void create_one(void *closure, int64_t index) {
  const job *j = closure;
  const weft_vk_pipelines *table;
  uint32_t kernel = locate(j->gpu, index, &table);
  j->results[index] = create_pipeline(j->gpu, j->cache, &table->kernels[kernel], &table->pipelines[kernel]);
}

static void enter_nothing(void *argument) { (void)argument; }

static int threads_for(int64_t count) {
  enum { MOST = 16 };
  cpu_set_t set;
  int64_t cpus = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
  int64_t threads = count < cpus ? count : cpus;
  return (int)(threads < MOST ? threads : MOST);
}

static weft_status create_all(job *j, int64_t count, weft_error *error) {
  weft_gpu *gpu = j->gpu;
  int threads = threads_for(count);
  weft_pool *pool = NULL;
  weft_status status =
      threads > 1 ? weft_pool_create(gpu->allocator, threads, enter_nothing, NULL, &pool, error) : WEFT_OK;
  if (status != WEFT_OK)
    return status;
  if (pool) {
    weft_pool_run(pool, create_one, j, count);
    weft_pool_destroy(pool, gpu->allocator);
  } else {
    for (int64_t i = 0; i < count; i++)
      create_one(j, i);
  }
  for (int64_t i = 0; i < count; i++)
    if (j->results[i] != VK_SUCCESS) {
      const weft_vk_pipelines *table;
      uint32_t kernel = locate(gpu, i, &table);
      char what[128];
      weft_text text = weft_text_in(what, sizeof what);
      weft_text_add(&text, "compiling kernel '%s'", table->kernels[kernel].name);
      return weft_gpu_fail(gpu, j->results[i], what, error);
    }
  return WEFT_OK;
}

/* One table for codes that share theirs. */
static weft_status make_tables(weft_gpu *gpu, const weft_abi_code *const codes[WEFT_VK_TABLES], int64_t *count,
                               weft_error *error) {
  *count = 0;
  for (int i = 0; i < WEFT_VK_TABLES; i++) {
    const weft_abi_code *code = codes[i];
    if (!code || !code->kernels || weft_vk_pipelines_of(gpu, code))
      continue;
    weft_vk_pipelines *table = gpu->tables;
    while (table->kernels)
      table++;
    table->pipelines = weft_allocate(gpu->allocator, code->kernels * sizeof *table->pipelines, "the pipelines", error);
    if (!table->pipelines)
      return WEFT_NO_MEMORY;
    table->kernels = code->kernel;
    table->count = code->kernels;
    *count += code->kernels;
  }
  return WEFT_OK;
}

weft_status weft_vk_pipelines_create(weft_gpu *gpu, const weft_abi_code *const codes[WEFT_VK_TABLES],
                                     weft_error *error) {
  const VkPushConstantRange record = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = sizeof(VkDeviceAddress)};
  const VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                             .pushConstantRangeCount = 1,
                                             .pPushConstantRanges = &record};
  VkResult result = gpu->vk.CreatePipelineLayout(gpu->device, &layout, NULL, &gpu->layout);
  if (result != VK_SUCCESS)
    return weft_gpu_fail(gpu, result, "laying out kernels", error);
  int64_t count;
  weft_status status = make_tables(gpu, codes, &count, error);
  if (status != WEFT_OK || !count)
    return status;
  job j = {.gpu = gpu};
  j.results = weft_allocate(gpu->allocator, (size_t)count * sizeof *j.results, "the pipelines", error);
  if (!j.results)
    return WEFT_NO_MEMORY;
  weft_vk_cache cache;
  weft_vk_cache_open(gpu, &cache);
  j.cache = cache.handle;
  status = create_all(&j, count, error);
  weft_vk_cache_close(gpu, &cache, status == WEFT_OK);
  weft_release(gpu->allocator, j.results, (size_t)count * sizeof *j.results);
  return status;
}

void weft_vk_pipelines_destroy(weft_gpu *gpu) {
  for (int i = 0; i < WEFT_VK_TABLES; i++) {
    weft_vk_pipelines *table = &gpu->tables[i];
    for (uint32_t k = 0; k < table->count; k++)
      if (table->pipelines[k])
        gpu->vk.DestroyPipeline(gpu->device, table->pipelines[k], NULL);
    weft_release(gpu->allocator, table->pipelines, table->count * sizeof *table->pipelines);
    *table = (weft_vk_pipelines){0};
  }
  if (gpu->layout)
    gpu->vk.DestroyPipelineLayout(gpu->device, gpu->layout, NULL);
  gpu->layout = VK_NULL_HANDLE;
}

const VkPipeline *weft_vk_pipelines_of(const weft_gpu *gpu, const weft_abi_code *code) {
  for (int i = 0; i < WEFT_VK_TABLES; i++)
    if (gpu->tables[i].kernels && gpu->tables[i].kernels == code->kernel)
      return gpu->tables[i].pipelines;
  return NULL;
}
