/* shapes.h - which sizes does a call have?
 *
 * The run-time size of each axis is learnt from the shapes of the inputs, which must agree with each other and with the
 * sizes the model fixes. Outputs and caches follow. */
#ifndef WEFT_CORE_SHAPES_H
#define WEFT_CORE_SHAPES_H

#include "weft/abi.h"
#include "weft/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Checks number, types, ranks and sizes of `inputs`; fills `axes` (one per axis of the module; -1 where no input of
 * this entry has it). */
weft_status weft_bind_axes(const weft_abi_module *abi, const weft_abi_entry *entry, const weft_view *inputs,
                           size_t input_count, int64_t *axes, weft_error *error);

/* The shape of a tensor of the entry once the axes are known; `view->data` is left alone. Fails where the bytes exceed
 * what can be addressed. */
weft_status weft_resolve(const weft_abi_tensor *tensor, const int64_t *axes, weft_view *view, int64_t *bytes,
                         weft_error *error);

/* Is the memory there and aligned? `role` is for messages: "input". */
weft_status weft_check_data(const weft_abi_tensor *tensor, const weft_view *view, const char *role, weft_error *error);

/* Code may read an i1 as a bit, so bytes other than 0 and 1 would be undefined behaviour there. */
weft_status weft_check_flags(const weft_abi_tensor *tensor, const weft_view *view, weft_error *error);

/* The dense memref of a view. */
void weft_fill_memref(weft_abi_memref *memref, const weft_view *view);

#ifdef __cplusplus
}
#endif
#endif
