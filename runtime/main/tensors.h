/* tensors.h - how do a model's inputs come from files, and its outputs go to files or people? */
#ifndef WEFT_MAIN_TENSORS_H
#define WEFT_MAIN_TENSORS_H

#include "main/arguments.h"
#include "weft/runtime.h"

/* All inputs of an entry but number `left_out` (-1: none), in its order, in memory of malloc. */
weft_status load_inputs(const weft_module *module, weft_kind kind, const arguments *asked, int left_out,
                        weft_view *inputs, weft_error *error);

/* Is there a file for the input of this name? */
int is_given(const arguments *asked, const char *name);

/* Does each -o name an output of the entry? Asked before running, which may take long. */
weft_status check_outputs(const weft_module *module, weft_kind kind, const arguments *asked, weft_error *error);

/* Writes the outputs that -o names, and describes the others on stdout. */
weft_status deliver_outputs(const weft_module *module, weft_kind kind, const arguments *asked, const weft_view *outputs,
                            weft_error *error);

/* "tokens i32[batch, seq]" */
void print_signature(const weft_tensor_info *info);

int64_t elements_of(const weft_view *view);

#endif
