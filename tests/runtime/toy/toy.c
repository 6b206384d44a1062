/* toy.c - the code for CPUs, the weights and the descriptor of the toy model; toy.h says what it computes. */
#include "toy.h"
#include <stddef.h>

#define ELEMENT(type, memref, index) (((type *)(memref)->aligned)[(memref)->offset + (index)])

/* 1 at every place, so that reading them from the wrong place is seen. */
static const _Alignas(4096) unsigned char weights[TOY_WEIGHTS] = {[0 ... TOY_WEIGHTS - 1] = 1};

int32_t toy_next(int64_t sum, int64_t last) { return 'a' + (int32_t)((sum * 31 + last * 7) % 26); }

float toy_logit(int64_t sum, int64_t last, int32_t symbol) {
  return symbol == toy_next(sum, last) ? 10.0f : (float)((sum + symbol) % 16) * 0.25f;
}

typedef struct job {
  const weft_abi_memref *tokens, *cache, *logits, *weights;
  int64_t *sums; /* in the arena: for each row of the result, the sum of the tokens up to it */
  int64_t batch, seq, past;
} job;

/* One row of the result. */
static void row(void *closure, int64_t index) {
  const job *j = closure;
  int64_t position = j->past + index % j->seq, scale = ELEMENT(unsigned char, j->weights, index % TOY_WEIGHTS);
  for (int32_t symbol = 0; symbol < TOY_SYMBOLS; symbol++)
    ELEMENT(float, j->logits, index *TOY_SYMBOLS + symbol) = (float)scale * toy_logit(j->sums[index], position, symbol);
}

/* Checks one row of tokens and brings it into the cache, where there is one. */
static void read(void *closure, int64_t b) {
  const job *j = closure;
  int64_t sum = 0;
  for (int64_t p = 0; j->cache && p < j->past; p++)
    sum += ELEMENT(int32_t, j->cache, b *TOY_CONTEXT + p);
  for (int64_t s = 0; s < j->seq; s++) {
    int32_t token = ELEMENT(int32_t, j->tokens, b * j->seq + s);
    if (token < 0 || token >= TOY_SYMBOLS) {
      weft_bad_index(0, b * j->seq + s, token, TOY_SYMBOLS);
      token = 0;
    }
    if (j->cache)
      ELEMENT(int32_t, j->cache, b *TOY_CONTEXT + j->past + s) = token;
    j->sums[b * j->seq + s] = sum += token;
  }
}

static void compute(job *j, const weft_abi_memref *arena) {
  j->batch = j->tokens->sizes_then_strides[0];
  j->seq = j->tokens->sizes_then_strides[1];
  j->sums = arena->aligned;
  weft_parallel(read, j, j->batch);
  weft_parallel(row, j, j->batch * j->seq);
}

static void run(void **a) {
  job j = {.tokens = a[0], .logits = a[1], .weights = a[2]};
  compute(&j, a[3]);
}

static void run_step(void **a) {
  job j = {.tokens = a[0], .past = *(const int64_t *)a[1], .cache = a[2], .logits = a[3], .weights = a[4]};
  compute(&j, a[5]);
}

static int64_t arena(void **a) {
  const weft_abi_memref *tokens = a[0];
  return tokens->sizes_then_strides[0] * tokens->sizes_then_strides[1] * (int64_t)sizeof(int64_t);
}

enum { BATCH, SEQ };
static const weft_abi_axis axes[] = {{"batch"}, {"seq"}};
static const weft_abi_dim token_dims[] = {{BATCH, 0}, {SEQ, 0}};
static const weft_abi_dim cache_dims[] = {{BATCH, 0}, {-1, TOY_CONTEXT}};
static const weft_abi_dim logit_dims[] = {{BATCH, 0}, {SEQ, 0}, {-1, TOY_SYMBOLS}};
static const char *const names[] = {"batch", "seq", "vocab"}, *const cache_names[] = {"batch", "context"};
static const weft_abi_tensor tensors[] = {{"tokens", WEFT_ABI_I32, 2, token_dims, names},
                                          {"logits", WEFT_ABI_F32, 3, logit_dims, names}};
static const weft_abi_tensor step_tensors[] = {{"tokens", WEFT_ABI_I32, 2, token_dims, names},
                                               {"tokens_seen", WEFT_ABI_I32, 2, cache_dims, cache_names},
                                               {"logits", WEFT_ABI_F32, 3, logit_dims, names}};
/* The same code for both levels: it is plain C. */
#define CODES(run, vulkan_run, vulkan_arena)                                                                           \
  {                                                                                                                    \
      {WEFT_ABI_CPU_V3, WEFT_ABI_DEVICE_CPU, run, arena, 0, 0, NULL},                                                  \
      {WEFT_ABI_CPU_V4, WEFT_ABI_DEVICE_CPU, run, arena, 0, 0, NULL},                                                  \
      {0, WEFT_ABI_DEVICE_VULKAN, vulkan_run, vulkan_arena, TOY_KERNELS, 0, toy_kernels, 0},                           \
  }
static const weft_abi_code code[] = CODES(run, toy_vulkan_run, toy_vulkan_arena);
static const weft_abi_code step_code[] = CODES(run_step, toy_vulkan_step, toy_vulkan_step_arena);
static const weft_abi_entry entries[] = {
    {"toy", WEFT_ABI_SEQUENCE, 1, 0, 1, tensors, -1, 0, 3, 0, code},
    {"toy_step", WEFT_ABI_STEP, 1, 1, 1, step_tensors, SEQ, TOY_CONTEXT, 3, 0, step_code}};
static const char *const labels[] = {"tokens"};

/* The library's weights lie beside it, so that both ways are tested. */
const __attribute__((visibility("default"))) weft_abi_module weft_module_toy = {.magic = WEFT_ABI_MAGIC,
                                                                                .version = WEFT_ABI_VERSION,
                                                                                .name = "toy",
                                                                                .axes = 2,
                                                                                .entries = 2,
                                                                                .axis = axes,
                                                                                .entry = entries,
                                                                                .weights_bytes = TOY_WEIGHTS,
#ifdef TOY_WEIGHTS_FILE
                                                                                .weights_file = TOY_WEIGHTS_FILE,
#else
                                                                                .weights = weights,
#endif
                                                                                .weights_hash = 0x13411b19e5157325u,
                                                                                .labels = labels,
                                                                                .label_count = 1};

#ifdef TOY_LIBRARY
const __attribute__((visibility("default"))) weft_abi_module *const weft_module_descriptor = &weft_module_toy;
#endif
#ifdef TOY_MAIN
const weft_abi_module *const weft_main_module = &weft_module_toy;
#endif
