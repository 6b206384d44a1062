/* call.c - what happens between weft_run or weft_step and the generated code?
 *
 * Everything that can be refused is refused before any work and before any state changes. */
#include "core/context.h"
#include "core/error.h"
#include "core/shapes.h"
#include <string.h>

/* Does this step continue what the cache holds, and does it fit? */
static weft_status check_step(const weft_context *context, const weft_abi_entry *entry, weft_error *error) {
  const weft_abi_module *abi = context->module->abi;
  int64_t size = context->axes[entry->position_axis];
  if (size > entry->context - context->past)
    return weft_fail(error, WEFT_BAD_INPUT,
                     "a step of %lld positions after %lld in the cache does not fit in the context of %lld",
                     (long long)size, (long long)context->past, (long long)entry->context);
  if (context->past == 0)
    return WEFT_OK;
  size_t count;
  const weft_abi_tensor *caches = weft_tensors(entry, WEFT_CACHE, &count);
  for (size_t i = 0; i < count; i++)
    for (uint32_t d = 0; d < caches[i].rank; d++) {
      int64_t axis = caches[i].dims[d].axis;
      if (axis >= 0 && axis != entry->position_axis && context->axes[axis] != context->cache_axes[axis])
        return weft_fail(error, WEFT_BAD_INPUT,
                         "axis '%s' is %lld but the cache was begun with %lld; reset the context to change it",
                         abi->axis[axis].name, (long long)context->axes[axis], (long long)context->cache_axes[axis]);
    }
  return WEFT_OK;
}

static weft_status reserve(weft_context *context, weft_buffer *buffer, int64_t bytes, weft_use use, weft_error *error) {
  const weft_module *module = context->module;
  return module->device->reserve(context->device_state, buffer, &module->allocator, (size_t)bytes, use, error);
}

/* Is the memory that the caller gives for an output the right memory? */
static weft_status check_given(const weft_abi_tensor *tensor, const weft_view *given, const weft_view *needed,
                               weft_error *error) {
  char given_text[WEFT_SHAPE_TEXT_BYTES], needed_text[WEFT_SHAPE_TEXT_BYTES];
  if (given->rank < 0 || given->rank > WEFT_MAX_RANK || given->type != needed->type)
    return weft_fail(error, WEFT_MISUSE, "the memory given for output '%s' must be of type %s and rank %d",
                     tensor->name, weft_type_name(needed->type), needed->rank);
  if (given->rank != needed->rank ||
      memcmp(given->shape, needed->shape, (size_t)given->rank * sizeof *given->shape) != 0)
    return weft_fail(error, WEFT_MISUSE, "output '%s' has shape %s but the memory given for it has %s", tensor->name,
                     weft_shape_text(needed->shape, needed->rank, needed_text),
                     weft_shape_text(given->shape, given->rank, given_text));
  return weft_check_data(tensor, given, "output", error);
}

/* Gives each output its shape, and memory of the caller or of the context. `given` may be NULL. */
static weft_status place_outputs(weft_context *context, const weft_abi_entry *entry, const weft_view *given,
                                 weft_error *error) {
  size_t count;
  const weft_abi_tensor *tensors = weft_tensors(entry, WEFT_OUTPUT, &count);
  for (size_t i = 0; i < count; i++) {
    weft_view *result = &context->results[i];
    int64_t bytes;
    weft_status status = weft_resolve(&tensors[i], context->axes, result, &bytes, error);
    if (status != WEFT_OK)
      return status;
    if (given && given[i].data) {
      status = check_given(&tensors[i], &given[i], result, error);
      result->data = given[i].data;
    } else {
      weft_buffer *buffer = &context->outputs[entry->kind][i];
      status = reserve(context, buffer, bytes, WEFT_USE_OUTPUT, error);
      result->data = buffer->data;
    }
    if (status != WEFT_OK)
      return status;
  }
  return WEFT_OK;
}

/* Gives each cache its shape and memory. Sizes cannot have changed while it holds positions, so it never grows then. */
static weft_status place_caches(weft_context *context, const weft_abi_entry *entry, weft_abi_memref *memrefs,
                                weft_error *error) {
  size_t count;
  const weft_abi_tensor *tensors = weft_tensors(entry, WEFT_CACHE, &count);
  for (size_t i = 0; i < count; i++) {
    weft_view view = {0};
    int64_t bytes;
    weft_status status = weft_resolve(&tensors[i], context->axes, &view, &bytes, error);
    if (status == WEFT_OK)
      status = reserve(context, &context->caches[i], bytes, WEFT_USE_CACHE, error);
    if (status != WEFT_OK)
      return status;
    view.data = context->caches[i].data;
    weft_fill_memref(&memrefs[i], &view);
  }
  return WEFT_OK;
}

static void fill_bytes(weft_abi_memref *memref, const void *data, uint64_t bytes) {
  weft_view view = {.data = (void *)data, .type = WEFT_I1, .rank = 1, .shape = {(int64_t)bytes}};
  weft_fill_memref(memref, &view);
}

/* Code is not asked to cope with a call that has nothing to compute. */
static int nothing_to_do(const weft_context *context, const weft_abi_entry *entry) {
  if (entry->kind == WEFT_ABI_STEP)
    return context->axes[entry->position_axis] == 0;
  for (uint32_t i = 0; i < entry->outputs; i++) {
    int fits;
    const weft_view *view = &context->results[i];
    if (weft_dense_bytes(view->type, view->shape, view->rank, &fits) != 0)
      return 0;
  }
  return entry->outputs > 0;
}

/* The arguments of an entry, in the order of abi.h; the arena's size is not known yet. */
static weft_status make_arguments(weft_context *context, const weft_abi_entry *entry, const weft_view *inputs,
                                  weft_error *error) {
  const weft_module *module = context->module;
  weft_abi_memref *memref = context->memrefs;
  void **argument = context->arguments;
  context->prepared = NULL;
  for (uint32_t i = 0; i < entry->inputs; i++) {
    weft_fill_memref(memref, &inputs[i]);
    *argument++ = memref++;
  }
  if (entry->kind == WEFT_ABI_STEP)
    *argument++ = &context->past;
  weft_status status = place_caches(context, entry, memref, error);
  if (status != WEFT_OK)
    return status;
  for (uint32_t i = 0; i < entry->caches; i++)
    *argument++ = memref++;
  for (uint32_t i = 0; i < entry->outputs; i++) {
    weft_fill_memref(memref, &context->results[i]);
    *argument++ = memref++;
  }
  fill_bytes(memref, module->weights.data, module->weights.bytes);
  *argument++ = memref++;
  *argument = memref;
  context->prepared = entry;
  memcpy(context->prepared_axes, context->axes, module->abi->axes * sizeof *context->axes);
  return WEFT_OK;
}

/* Caches and weights stay where they are. */
static void renew_addresses(weft_context *context, const weft_abi_entry *entry, const weft_view *inputs) {
  weft_abi_memref *memref = context->memrefs;
  for (uint32_t i = 0; i < entry->inputs; i++, memref++)
    memref->allocated = memref->aligned = inputs[i].data;
  memref += entry->caches;
  for (uint32_t i = 0; i < entry->outputs; i++, memref++)
    memref->allocated = memref->aligned = context->results[i].data;
}

static weft_status execute(weft_context *context, const weft_abi_entry *entry, const weft_view *inputs, int prepared,
                           weft_error *error) {
  const weft_module *module = context->module;
  weft_status status = WEFT_OK;
  if (prepared)
    renew_addresses(context, entry, inputs);
  else
    status = make_arguments(context, entry, inputs, error);
  if (status != WEFT_OK)
    return status;
  weft_abi_memref *arena = &context->memrefs[entry->inputs + entry->caches + entry->outputs + 1];
  fill_bytes(arena, NULL, 0);

  weft_call call = {.module = module->abi,
                    .entry = entry,
                    .code = module->code[entry->kind],
                    .arguments = context->arguments,
                    .axes = context->axes,
                    .past = entry->kind == WEFT_ABI_STEP ? context->past : 0};
  int64_t bytes = module->device->arena(context->device_state, &call);
  if (bytes < 0)
    return weft_fail(error, WEFT_NO_MEMORY, "entry '%s' needs more working memory than can be addressed", entry->name);
  status = reserve(context, &context->arena, bytes, WEFT_USE_ARENA, error);
  if (status != WEFT_OK)
    return status;
  fill_bytes(arena, context->arena.data, (uint64_t)bytes);
  return module->device->run(context->device_state, &call, error);
}

/* Where sizes were checked before, nothing but an address can be wrong. */
static weft_status check_input(const weft_abi_tensor *tensor, const weft_view *input, int prepared, weft_error *error) {
  if (!prepared || !input->data || (uintptr_t)input->data % weft_type_bytes(input->type)) {
    weft_status status = weft_check_data(tensor, input, "input", error);
    if (status != WEFT_OK)
      return status;
  }
  return weft_check_flags(tensor, input, error);
}

static weft_status call_entry(weft_context *context, const weft_abi_entry *entry, const weft_view *inputs,
                              size_t input_count, const weft_view *outputs, size_t output_count, weft_error *error) {
  const weft_abi_module *abi = context->module->abi;
  if (outputs && output_count != entry->outputs)
    return weft_fail(error, WEFT_MISUSE, "entry '%s' gives %u outputs, not %zu", entry->name, entry->outputs,
                     output_count);
  weft_status status = weft_bind_axes(abi, entry, inputs, input_count, context->axes, error);
  if (status == WEFT_OK && entry->kind == WEFT_ABI_STEP)
    status = check_step(context, entry, error);
  int prepared = context->prepared == entry &&
                 memcmp(context->axes, context->prepared_axes, abi->axes * sizeof *context->axes) == 0;
  for (uint32_t i = 0; status == WEFT_OK && i < entry->inputs; i++)
    status = check_input(&entry->tensors[i], &inputs[i], prepared, error);
  if (status == WEFT_OK)
    status = place_outputs(context, entry, outputs, error);
  if (status == WEFT_OK && (prepared || !nothing_to_do(context, entry))) {
    status = execute(context, entry, inputs, prepared, error);
    if (status == WEFT_OK && entry->kind == WEFT_ABI_STEP) {
      memcpy(context->cache_axes, context->axes, abi->axes * sizeof *context->axes);
      context->past += context->axes[entry->position_axis];
    }
  }
  context->result_count = status == WEFT_OK ? entry->outputs : 0;
  return status;
}

static weft_status call_kind(weft_context *context, weft_kind kind, const weft_view *inputs, size_t input_count,
                             const weft_view *outputs, size_t output_count, weft_error *error) {
  if (!context)
    return weft_fail(error, WEFT_MISUSE, "a call needs a context, but got NULL");
  const weft_abi_entry *entry = context->module->entry[kind];
  if (!entry)
    return weft_fail(error, WEFT_MISUSE, "model '%s' has no entry for %s", context->module->abi->name,
                     kind == WEFT_STEP ? "steps: it has no cache" : "whole sequences");
  if (__atomic_exchange_n(&context->busy, 1, __ATOMIC_ACQUIRE))
    return weft_fail(error, WEFT_MISUSE, "the context is in use by another thread; give each thread its own context");
  weft_status status = call_entry(context, entry, inputs, input_count, outputs, output_count, error);
  __atomic_store_n(&context->busy, 0, __ATOMIC_RELEASE);
  return status;
}

weft_status weft_run(weft_context *context, const weft_view *inputs, size_t input_count, const weft_view *outputs,
                     size_t output_count, weft_error *error) {
  return call_kind(context, WEFT_SEQUENCE, inputs, input_count, outputs, output_count, error);
}

weft_status weft_step(weft_context *context, const weft_view *inputs, size_t input_count, const weft_view *outputs,
                      size_t output_count, weft_error *error) {
  return call_kind(context, WEFT_STEP, inputs, input_count, outputs, output_count, error);
}

weft_view weft_output(const weft_context *context, size_t index) {
  return index < context->result_count ? context->results[index] : (weft_view){0};
}

weft_status weft_module_shapes(const weft_module *module, weft_kind kind, const weft_view *inputs, size_t input_count,
                               weft_view *outputs, size_t output_count, weft_error *error) {
  const weft_abi_entry *entry = (unsigned)kind < WEFT_KINDS ? module->entry[kind] : NULL;
  if (!entry)
    return weft_fail(error, WEFT_MISUSE, "model '%s' has no entry of kind %d", module->abi->name, (int)kind);
  if (output_count != entry->outputs || (output_count && !outputs))
    return weft_fail(error, WEFT_MISUSE, "entry '%s' gives %u outputs, not %zu", entry->name, entry->outputs,
                     outputs ? output_count : 0);
  size_t scratch = module->abi->axes * sizeof(int64_t);
  int64_t *axes = weft_allocate(&module->allocator, scratch, "the sizes", error);
  if (!axes)
    return WEFT_NO_MEMORY;
  weft_status status = weft_bind_axes(module->abi, entry, inputs, input_count, axes, error);
  size_t count;
  const weft_abi_tensor *tensors = weft_tensors(entry, WEFT_OUTPUT, &count);
  for (size_t i = 0; status == WEFT_OK && i < count; i++) {
    int64_t bytes;
    status = weft_resolve(&tensors[i], axes, &outputs[i], &bytes, error);
  }
  weft_release(&module->allocator, axes, scratch);
  return status;
}
