/* context.c - how does a context come to be, and what does it remember? */
#include "core/context.h"
#include "core/error.h"

static size_t count_of(const weft_module *module, weft_kind kind, weft_role role) {
  size_t count = 0;
  if (module->entry[kind])
    weft_tensors(module->entry[kind], role, &count);
  return count;
}

/* The arguments of an entry: its tensors, `past`, weights and arena. */
static size_t argument_count(const weft_module *module) {
  size_t most = 0;
  for (int kind = 0; kind < WEFT_KINDS; kind++) {
    size_t count = 3;
    for (int role = 0; role < WEFT_ROLES; role++)
      count += count_of(module, (weft_kind)kind, (weft_role)role);
    most = count > most ? count : most;
  }
  return most;
}

static weft_status allocate_parts(weft_context *context, weft_error *error) {
  const weft_module *module = context->module;
  const weft_allocator *allocator = &module->allocator;
  size_t axes = module->abi->axes, arguments = argument_count(module);
  const char *what = "the context";
  if (!(context->results = weft_allocate(allocator, arguments * sizeof *context->results, what, error)) ||
      !(context->axes = weft_allocate(allocator, axes * sizeof *context->axes, what, error)) ||
      !(context->cache_axes = weft_allocate(allocator, axes * sizeof *context->cache_axes, what, error)) ||
      !(context->prepared_axes = weft_allocate(allocator, axes * sizeof *context->prepared_axes, what, error)) ||
      !(context->memrefs = weft_allocate(allocator, arguments * sizeof *context->memrefs, what, error)) ||
      !(context->arguments = weft_allocate(allocator, arguments * sizeof *context->arguments, what, error)) ||
      !(context->caches =
            weft_allocate(allocator, count_of(module, WEFT_STEP, WEFT_CACHE) * sizeof *context->caches, what, error)))
    return WEFT_NO_MEMORY;
  for (int kind = 0; kind < WEFT_KINDS; kind++) {
    size_t outputs = count_of(module, (weft_kind)kind, WEFT_OUTPUT);
    context->outputs[kind] = weft_allocate(allocator, outputs * sizeof *context->outputs[kind], what, error);
    if (!context->outputs[kind])
      return WEFT_NO_MEMORY;
  }
  return WEFT_OK;
}

weft_status weft_context_create(weft_module *module, const weft_context_options *options, weft_context **result,
                                weft_error *error) {
  enum { MOST_THREADS = 1024 };
  if (!result)
    return weft_fail(error, WEFT_MISUSE, "weft_context_create needs a place for the context, but got NULL");
  *result = NULL;
  if (!module)
    return weft_fail(error, WEFT_MISUSE, "weft_context_create needs a module, but got NULL");
  int threads = options ? options->threads : 0;
  if (threads < 0 || threads > MOST_THREADS)
    return weft_fail(error, WEFT_MISUSE, "%d threads are not in 0 .. %d", threads, MOST_THREADS);
  weft_context *context = weft_allocate(&module->allocator, sizeof *context, "the context", error);
  if (!context)
    return WEFT_NO_MEMORY;
  weft_module_retain(module);
  context->module = module;
  weft_status status = allocate_parts(context, error);
  if (status == WEFT_OK)
    status = module->device->open(module->shared, &module->allocator, threads, &context->device_state, error);
  if (status != WEFT_OK) {
    weft_context_destroy(context);
    return status;
  }
  *result = context;
  return WEFT_OK;
}

/* Buffers are the device's: they are released before it is closed. */
static void free_buffers(weft_context *context, weft_buffer *buffers, size_t count) {
  const weft_module *module = context->module;
  for (size_t i = 0; buffers && i < count; i++)
    module->device->release(context->device_state, &buffers[i], &module->allocator);
  weft_release(&module->allocator, buffers, count * sizeof *buffers);
}

void weft_context_destroy(weft_context *context) {
  if (!context)
    return;
  weft_module *module = context->module;
  const weft_allocator *allocator = &module->allocator;
  free_buffers(context, context->caches, count_of(module, WEFT_STEP, WEFT_CACHE));
  for (int kind = 0; kind < WEFT_KINDS; kind++)
    free_buffers(context, context->outputs[kind], count_of(module, (weft_kind)kind, WEFT_OUTPUT));
  module->device->release(context->device_state, &context->arena, allocator);
  if (context->device_state)
    module->device->close(context->device_state, allocator);
  size_t axes = module->abi->axes, arguments = argument_count(module);
  weft_release(allocator, context->results, arguments * sizeof *context->results);
  weft_release(allocator, context->axes, axes * sizeof *context->axes);
  weft_release(allocator, context->cache_axes, axes * sizeof *context->cache_axes);
  weft_release(allocator, context->prepared_axes, axes * sizeof *context->prepared_axes);
  weft_release(allocator, context->memrefs, arguments * sizeof *context->memrefs);
  weft_release(allocator, context->arguments, arguments * sizeof *context->arguments);
  weft_release(allocator, context, sizeof *context);
  weft_module_destroy(module);
}

int64_t weft_past(const weft_context *context) { return context->past; }

weft_status weft_truncate(weft_context *context, int64_t past, weft_error *error) {
  if (past < 0 || past > context->past)
    return weft_fail(error, WEFT_MISUSE, "the cache holds %lld positions and cannot be truncated to %lld",
                     (long long)context->past, (long long)past);
  context->past = past;
  return WEFT_OK;
}

void weft_reset(weft_context *context) { context->past = 0; }
