/* toy.h - a model for tests of the runtime, written by hand against abi.h as the compiler would write it.
 *
 * "toy" reads tokens i32[batch, seq] of 256 symbols and gives logits f32[batch, seq, 256]. The likeliest symbol after a
 * position is a letter that depends on all tokens up to it, see toy_next. Its entries are "toy" for whole sequences and
 * "toy_step" with a cache of TOY_CONTEXT positions; both use the arena, the weights, weft_parallel and weft_bad_index.
 */
#ifndef WEFT_TESTS_RUNTIME_TOY_H
#define WEFT_TESTS_RUNTIME_TOY_H

#include "weft/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TOY_CONTEXT = 48, TOY_SYMBOLS = 256, TOY_WEIGHTS = 4096 };

extern const weft_abi_module weft_module_toy;

/* The likeliest symbol where the tokens up to position `last` sum to `sum`. */
int32_t toy_next(int64_t sum, int64_t last);
/* Logits of one symbol of one row. */
float toy_logit(int64_t sum, int64_t last, int32_t symbol);

/* The same for Vulkan (toy_vulkan.c): host functions, and their kernels. */
enum { TOY_KERNELS = 2 };
void toy_vulkan_run(void **arguments);
void toy_vulkan_step(void **arguments);
int64_t toy_vulkan_arena(void **arguments);
int64_t toy_vulkan_step_arena(void **arguments);
extern const weft_abi_kernel toy_kernels[TOY_KERNELS];

#ifdef __cplusplus
}
#endif
#endif
