/* shapes.c - which sizes does a call have? */
#include "core/shapes.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/module.h"

/* "[batch, seq, 64]": what the model wants of a tensor. */
static const char *wanted_text(const weft_abi_module *abi, const weft_abi_tensor *tensor,
                               char memory[WEFT_SHAPE_TEXT_BYTES]) {
  weft_text text = weft_text_in(memory, WEFT_SHAPE_TEXT_BYTES);
  weft_text_add(&text, "[");
  for (uint32_t d = 0; d < tensor->rank; d++) {
    const weft_abi_dim *dim = &tensor->dims[d];
    weft_text_add(&text, "%s", d ? ", " : "");
    if (dim->axis >= 0)
      weft_text_add(&text, "%s", abi->axis[dim->axis].name);
    else
      weft_text_add(&text, "%lld", (long long)dim->size);
  }
  weft_text_add(&text, "]");
  return memory;
}

/* The input that gave an axis its size: the first that has it. */
static const char *giver(const weft_abi_entry *entry, int64_t axis) {
  for (uint32_t i = 0; i < entry->inputs; i++)
    for (uint32_t d = 0; d < entry->tensors[i].rank; d++)
      if (entry->tensors[i].dims[d].axis == axis)
        return entry->tensors[i].name;
  return "?";
}

static weft_status bind_input(const weft_abi_module *abi, const weft_abi_entry *entry, const weft_abi_tensor *tensor,
                              const weft_view *view, int64_t *axes, weft_error *error) {
  char wanted[WEFT_SHAPE_TEXT_BYTES], found[WEFT_SHAPE_TEXT_BYTES];
  if (view->rank < 0 || view->rank > WEFT_MAX_RANK)
    return weft_fail(error, WEFT_MISUSE, "input '%s' has rank %d, which is not in 0 .. %d", tensor->name, view->rank,
                     WEFT_MAX_RANK);
  if ((uint32_t)view->type != tensor->type) {
    const char *type = weft_type_name(view->type);
    return weft_fail(error, type ? WEFT_BAD_INPUT : WEFT_MISUSE, "input '%s' is %s but the model wants %s",
                     tensor->name, type ? type : "of no known type", weft_type_name((weft_type)tensor->type));
  }
  if ((uint32_t)view->rank != tensor->rank)
    return weft_fail(error, WEFT_BAD_INPUT, "input '%s' has shape %s but the model wants %s", tensor->name,
                     weft_shape_text(view->shape, view->rank, found), wanted_text(abi, tensor, wanted));
  for (uint32_t d = 0; d < tensor->rank; d++) {
    const weft_abi_dim *dim = &tensor->dims[d];
    int64_t size = view->shape[d];
    if (size < 0)
      return weft_fail(error, WEFT_MISUSE, "input '%s' has the negative shape %s", tensor->name,
                       weft_shape_text(view->shape, view->rank, found));
    if (dim->axis < 0) {
      if (size != dim->size)
        return weft_fail(error, WEFT_BAD_INPUT, "input '%s' has shape %s but the model wants %s", tensor->name,
                         weft_shape_text(view->shape, view->rank, found), wanted_text(abi, tensor, wanted));
      continue;
    }
    if (axes[dim->axis] >= 0 && axes[dim->axis] != size)
      return weft_fail(error, WEFT_BAD_INPUT, "axis '%s' is %lld in input '%s' but %lld in input '%s'",
                       abi->axis[dim->axis].name, (long long)axes[dim->axis], giver(entry, dim->axis), (long long)size,
                       tensor->name);
    axes[dim->axis] = size;
  }
  return WEFT_OK;
}

weft_status weft_bind_axes(const weft_abi_module *abi, const weft_abi_entry *entry, const weft_view *inputs,
                           size_t input_count, int64_t *axes, weft_error *error) {
  if (input_count != entry->inputs || (input_count && !inputs))
    return weft_fail(error, WEFT_MISUSE, "entry '%s' takes %u inputs, not %zu", entry->name, entry->inputs,
                     inputs ? input_count : 0);
  for (uint32_t i = 0; i < abi->axes; i++)
    axes[i] = -1;
  for (uint32_t i = 0; i < entry->inputs; i++) {
    weft_status status = bind_input(abi, entry, &entry->tensors[i], &inputs[i], axes, error);
    if (status != WEFT_OK)
      return status;
  }
  return WEFT_OK;
}

weft_status weft_resolve(const weft_abi_tensor *tensor, const int64_t *axes, weft_view *view, int64_t *bytes,
                         weft_error *error) {
  view->type = (weft_type)tensor->type;
  view->rank = (int32_t)tensor->rank;
  for (uint32_t d = 0; d < tensor->rank; d++)
    view->shape[d] = tensor->dims[d].axis < 0 ? tensor->dims[d].size : axes[tensor->dims[d].axis];
  int fits;
  *bytes = weft_dense_bytes(view->type, view->shape, view->rank, &fits);
  if (fits)
    return WEFT_OK;
  char shape[WEFT_SHAPE_TEXT_BYTES];
  return weft_fail(error, WEFT_BAD_INPUT, "'%s' would have shape %s of %s, more bytes than can be addressed",
                   tensor->name, weft_shape_text(view->shape, view->rank, shape), weft_type_name(view->type));
}

weft_status weft_check_data(const weft_abi_tensor *tensor, const weft_view *view, const char *role, weft_error *error) {
  int fits;
  int64_t bytes = weft_dense_bytes(view->type, view->shape, view->rank, &fits);
  if (!fits)
    return weft_fail(error, WEFT_MISUSE, "%s '%s' is larger than memory can be", role, tensor->name);
  if (!view->data && bytes)
    return weft_fail(error, WEFT_MISUSE, "%s '%s' has no data", role, tensor->name);
  if ((uintptr_t)view->data % weft_type_bytes(view->type))
    return weft_fail(error, WEFT_MISUSE, "the data of %s '%s' is not aligned to its %zu-byte elements", role,
                     tensor->name, weft_type_bytes(view->type));
  return WEFT_OK;
}

weft_status weft_check_flags(const weft_abi_tensor *tensor, const weft_view *view, weft_error *error) {
  if (view->type != WEFT_I1)
    return WEFT_OK;
  int fits;
  int64_t count = weft_dense_bytes(view->type, view->shape, view->rank, &fits);
  const unsigned char *flags = view->data;
  for (int64_t i = 0; i < count; i++)
    if (flags[i] > 1)
      return weft_fail(error, WEFT_BAD_INPUT, "element %lld of input '%s' is %u, neither 0 nor 1", (long long)i,
                       tensor->name, flags[i]);
  return WEFT_OK;
}

void weft_fill_memref(weft_abi_memref *memref, const weft_view *view) {
  memref->allocated = memref->aligned = view->data;
  memref->offset = 0;
  int64_t stride = 1;
  for (int32_t d = view->rank - 1; d >= 0; d--) {
    memref->sizes_then_strides[d] = view->shape[d];
    memref->sizes_then_strides[view->rank + d] = stride;
    // An empty array may have any sizes beside its zero; nothing is read through these strides.
    if (__builtin_mul_overflow(stride, view->shape[d], &stride))
      stride = 0;
  }
}
