/* device.c - the device that runs nothing and records calls; the template for new ones. */
#include "core/context.h"
#include "core/error.h"
#include "null/null.h"

typedef struct null_state {
  size_t calls;
  weft_null_record records[WEFT_NULL_RECORDS];
} null_state;

/* Nothing is run, so any code will do. */
static weft_status choose(void *shared, const weft_abi_entry *entry, int cpu_level, const weft_abi_code **code,
                          weft_error *error) {
  (void)shared;
  (void)cpu_level;
  (void)error;
  *code = &entry->code[0];
  return WEFT_OK;
}

static weft_status open_state(void *shared, const weft_allocator *allocator, int threads, void **state,
                              weft_error *error) {
  (void)shared;
  (void)threads;
  *state = weft_allocate(allocator, sizeof(null_state), "the device", error);
  return *state ? WEFT_OK : WEFT_NO_MEMORY;
}

static void close_state(void *state, const weft_allocator *allocator) {
  weft_release(allocator, state, sizeof(null_state));
}

static weft_status reserve(void *state, weft_buffer *buffer, const weft_allocator *allocator, size_t bytes,
                           weft_use use, weft_error *error) {
  (void)state;
  return weft_buffer_reserve(buffer, allocator, bytes, weft_use_name(use), error);
}

static void release(void *state, weft_buffer *buffer, const weft_allocator *allocator) {
  (void)state;
  weft_buffer_free(buffer, allocator);
}

static int64_t arena(void *state, const weft_call *call) {
  (void)state;
  (void)call;
  return 0;
}

static int64_t elements(const weft_call *call, size_t argument, uint32_t rank) {
  const weft_abi_memref *memref = call->arguments[argument];
  int64_t count = 1;
  for (uint32_t d = 0; d < rank; d++)
    count *= memref->sizes_then_strides[d];
  return count;
}

static weft_status run(void *state, const weft_call *call, weft_error *error) {
  (void)error;
  null_state *null = state;
  const weft_abi_entry *entry = call->entry;
  weft_null_record *record = &null->records[null->calls++ % WEFT_NULL_RECORDS];
  *record = (weft_null_record){.kind = (weft_kind)entry->kind, .past = call->past};
  if (entry->inputs)
    record->input_elements = elements(call, 0, entry->tensors[0].rank);
  if (entry->outputs) {
    size_t tensor = entry->inputs + entry->caches;
    record->output_elements = elements(call, tensor + (entry->kind == WEFT_ABI_STEP), entry->tensors[tensor].rank);
  }
  return WEFT_OK;
}

const weft_device weft_null_device = {.name = "null",
                                      .choose = choose,
                                      .open = open_state,
                                      .close = close_state,
                                      .reserve = reserve,
                                      .release = release,
                                      .arena = arena,
                                      .run = run};

size_t weft_null_calls(const weft_context *context, const weft_null_record **records) {
  const null_state *null = context->device_state;
  *records = null->records;
  return null->calls;
}
