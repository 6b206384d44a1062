/* toy_vulkan.c - the toy model's code for Vulkan: host functions as the compiler would write them, and kernels that are
 * assembled from read.spvasm and row.spvasm. */
#include "read.spv.h"
#include "row.spv.h"
#include "toy.h"

enum { READ, ROW, READ_LOCAL = 8, ROW_LOCAL = 64 };

const weft_abi_kernel toy_kernels[TOY_KERNELS] = {
    {"read",
     read_spirv,
     sizeof read_spirv / 4,
     {READ_LOCAL, 1, 1},
     0,
     0,
     WEFT_ABI_VK_INT64 | WEFT_ABI_VK_INT64_ATOMICS,
     0},
    {"row", row_spirv, sizeof row_spirv / 4, {ROW_LOCAL, 1, 1}, 0, 0, WEFT_ABI_VK_INT64 | WEFT_ABI_VK_STORAGE8, 0}};

/* Of element 0. Arenas and weights are bytes. */
static uint64_t address(const weft_abi_memref *memref) { return (uint64_t)(uintptr_t)memref->aligned; }

static void dispatch_all(const weft_abi_memref *tokens, const weft_abi_memref *cache, int64_t past,
                         const weft_abi_memref *logits, const weft_abi_memref *weights, const weft_abi_memref *arena,
                         const weft_abi_memref *errors) {
  const int32_t batch = (int32_t)tokens->sizes_then_strides[0], seq = (int32_t)tokens->sizes_then_strides[1];
  const struct {
    uint64_t tokens, cache, sums, errors;
    int32_t batch, seq, past, stateful;
  } read = {address(tokens), cache ? address(cache) : 0, address(arena), address(errors), batch, seq, (int32_t)past,
            cache != 0};
  const struct {
    uint64_t sums, weights, logits;
    int32_t rows, seq, past, padding;
  } row = {address(arena), address(weights), address(logits), batch * seq, seq, (int32_t)past, 0};
  const int64_t readers[3] = {(batch + READ_LOCAL - 1) / READ_LOCAL, 1, 1},
                writers[3] = {TOY_SYMBOLS / ROW_LOCAL, batch * seq, 1};
  weft_dispatch(READ, 0, readers, &read, sizeof read);
  weft_dispatch(ROW, WEFT_ABI_BARRIER | INT64_C(1) << WEFT_ABI_CALL_SHIFT, writers, &row, sizeof row);
}

void toy_vulkan_run(void **a) { dispatch_all(a[0], 0, 0, a[1], a[2], a[3], a[4]); }

void toy_vulkan_step(void **a) { dispatch_all(a[0], a[2], *(const int64_t *)a[1], a[3], a[4], a[5], a[6]); }

static int64_t bytes_for(const weft_abi_memref *tokens, const weft_abi_memref *errors) {
  // The compiler's wrappers read every descriptor, also of what they do not use.
  return errors->offset + tokens->sizes_then_strides[0] * tokens->sizes_then_strides[1] * (int64_t)sizeof(int64_t);
}

int64_t toy_vulkan_arena(void **a) { return bytes_for(a[0], a[4]); }
int64_t toy_vulkan_step_arena(void **a) { return bytes_for(a[0], a[6]); }
