/* device.c - how does a Vulkan device run an entry?
 *
 * The host function of the entry says what is to be done, with device addresses for pointers; the rest is to bring the
 * inputs there, to submit the commands, and to read what they left. */
#include "core/context.h"
#include "core/error.h"
#include "core/report.h"
#include "vulkan/pipelines.h"
#include "vulkan/state.h"
#include <stdlib.h>
#include <string.h>

static weft_status attach(const weft_allocator *allocator, const weft_abi_module *abi, const char *which, void **shared,
                          weft_error *error) {
  int64_t index = -1;
  if (which) {
    char *end;
    index = strtol(which, &end, 10);
    if (end == which || *end || index < 0)
      return weft_fail(error, WEFT_MISUSE, "'vulkan:%s' is no device; write vulkan, or vulkan:0 and so on", which);
  }
  for (uint32_t e = 0; e < abi->entries; e++)
    if (abi->entry[e].code[abi->entry[e].codes - 1].device != WEFT_ABI_DEVICE_VULKAN)
      return weft_fail(error, WEFT_MISUSE, "model '%s' holds no code for Vulkan; compile it with --target vulkan",
                       abi->name);
  uint64_t messages = weft_vk_messages();
  weft_gpu *gpu = NULL;
  weft_status status = weft_gpu_open(allocator, abi, index, &gpu, error);
  *shared = gpu;
  return weft_vk_check_messages(messages, status, error);
}

static void detach(void *shared) { weft_gpu_close(shared); }

static const char *describe(const void *shared) { return ((const weft_gpu *)shared)->name; }

static weft_status choose(void *shared, const weft_abi_entry *entry, int cpu_level, const weft_abi_code **code,
                          weft_error *error) {
  (void)cpu_level; // host functions are for every CPU
  const weft_gpu *gpu = shared;
  char why[160] = "";
  for (uint32_t i = entry->codes; i-- > 0 && entry->code[i].device == WEFT_ABI_DEVICE_VULKAN;) {
    *code = &entry->code[i];
    if (weft_gpu_fits(&gpu->physical, *code, why, sizeof why))
      return WEFT_OK;
  }
  return weft_fail(error, WEFT_NO_DEVICE, "%s cannot run entry '%s': %s", gpu->name, entry->name, why);
}

static weft_status prepare(const weft_module *module, void *shared, weft_error *error) {
  weft_gpu *gpu = shared;
  uint64_t messages = weft_vk_messages(), bytes = module->weights.bytes;
  weft_status status = weft_vk_pipelines_create(gpu, module->code, error);
  if (status == WEFT_OK)
    status = weft_vk_memory_create(gpu, WEFT_VK_LOCAL, bytes, "the weights", &gpu->weights, error);
  if (status == WEFT_OK && bytes)
    status = weft_vk_memory_write(gpu, &gpu->weights, module->weights.data, bytes, error);
  return weft_vk_check_messages(messages, status, error);
}

static weft_status open_state(void *shared, const weft_allocator *allocator, int threads, void **state,
                              weft_error *error) {
  (void)threads;
  weft_vk_state *opened = NULL;
  weft_status status = weft_vk_state_open(shared, allocator, &opened, error);
  *state = opened;
  return status;
}

static void close_state(void *state, const weft_allocator *allocator) {
  (void)allocator;
  weft_vk_state_close(state);
}

static weft_status reserve(void *state, weft_buffer *buffer, const weft_allocator *allocator, size_t bytes,
                           weft_use use, weft_error *error) {
  (void)allocator;
  return weft_vk_reserve(state, buffer, bytes, use, error);
}

static void release(void *state, weft_buffer *buffer, const weft_allocator *allocator) {
  (void)allocator;
  if (state)
    weft_vk_release(state, buffer);
}

static size_t argument_count(const weft_abi_entry *entry) {
  return (size_t)entry->inputs + entry->caches + entry->outputs + (entry->kind == WEFT_ABI_STEP) + 2;
}

static int64_t arena(void *opaque, const weft_call *call) {
  weft_vk_state *state = opaque;
  size_t count = argument_count(call->entry);
  // Its wrapper reads the descriptor of the errors too.
  static const weft_abi_memref none = {0};
  void *arguments[64], **all = arguments;
  if (count + 1 > sizeof arguments / sizeof *arguments) {
    if (weft_vk_arguments_reserve(state, count + 1, NULL) != WEFT_OK)
      return -1;
    all = state->arguments.pointers;
  }
  memcpy(all, call->arguments, count * sizeof *all);
  all[count] = (void *)&none;
  return call->code->arena(all);
}

static uint64_t dense_bytes(const weft_abi_memref *memref, const weft_abi_tensor *tensor) {
  uint64_t bytes = weft_type_bytes((weft_type)tensor->type);
  for (uint32_t d = 0; d < tensor->rank; d++)
    bytes *= (uint64_t)memref->sizes_then_strides[d];
  return bytes;
}

static void set_address(weft_abi_memref *memref, VkDeviceAddress address) {
  memref->allocated = memref->aligned = (void *)(uintptr_t)address;
  memref->offset = 0;
}

/* One memory for all inputs, each on a line of its own. */
static weft_status bring_inputs(weft_vk_state *state, const weft_call *call, weft_error *error) {
  enum { LINE = 256 };
  const weft_abi_entry *entry = call->entry;
  weft_abi_memref *memrefs = state->arguments.memrefs;
  uint64_t total = 0;
  for (uint32_t i = 0; i < entry->inputs; i++)
    total += (dense_bytes(&memrefs[i], &entry->tensors[i]) + LINE - 1) / LINE * LINE;
  weft_status status = weft_vk_memory_reserve(state->gpu, WEFT_VK_UPLOAD, total, "the inputs", &state->inputs, error);
  uint64_t at = 0;
  for (uint32_t i = 0; status == WEFT_OK && i < entry->inputs; i++) {
    uint64_t bytes = dense_bytes(&memrefs[i], &entry->tensors[i]);
    const weft_abi_memref *given = call->arguments[i];
    if (bytes)
      memcpy((char *)state->inputs.mapped + at, given->aligned, bytes);
    set_address(&memrefs[i], state->inputs.address + at);
    at += (bytes + LINE - 1) / LINE * LINE;
  }
  return status;
}

/* Where the device puts an output: into the block behind the memory that the context gives, or into one of ours. */
static weft_status place_output(weft_vk_state *state, const weft_abi_tensor *tensor, size_t argument,
                                weft_vk_plan *plan, weft_error *error) {
  weft_vk_arguments *a = &state->arguments;
  weft_abi_memref *memref = &a->memrefs[argument];
  uint64_t bytes = dense_bytes(memref, tensor);
  const weft_vk_block *block = weft_vk_find_block(state, memref->aligned);
  if (!block) {
    weft_status status = weft_vk_reserve(state, &a->given[argument], bytes, WEFT_USE_OUTPUT, error);
    if (status != WEFT_OK)
      return status;
    block = a->given[argument].owner;
  }
  set_address(memref, block->memory.address);
  if (block->readback.buffer && bytes)
    a->copies[plan->copy_count++] = (weft_vk_copy){block->memory.buffer, block->readback.buffer, bytes};
  return WEFT_OK;
}

static weft_status place_errors(weft_vk_state *state, const weft_call *call, size_t argument, weft_vk_plan *plan,
                                weft_error *error) {
  weft_vk_arguments *a = &state->arguments;
  uint64_t bytes = 2 * call->module->label_count * sizeof(uint64_t);
  weft_vk_block *block = &state->errors;
  if (!block->memory.buffer) {
    weft_status status = weft_vk_block_create(state, bytes, "reports", block, error);
    if (status != WEFT_OK)
      return status;
  }
  weft_abi_memref *memref = &a->memrefs[argument];
  *memref = (weft_abi_memref){.sizes_then_strides = {(int64_t)bytes, 1}};
  set_address(memref, block->memory.address);
  if (block->readback.buffer && bytes) {
    plan->errors = block->memory.buffer;
    a->copies[plan->copy_count++] = (weft_vk_copy){block->memory.buffer, block->readback.buffer, bytes};
  } else {
    memset(block->memory.mapped, 0xff, bytes);
  }
  return WEFT_OK;
}

/* The arguments as the host function wants them. */
static weft_status place_arguments(weft_vk_state *state, const weft_call *call, weft_vk_plan *plan, weft_error *error) {
  const weft_abi_entry *entry = call->entry;
  size_t count = argument_count(entry), weights = count - 2;
  uint32_t step = entry->kind == WEFT_ABI_STEP, first_cache = entry->inputs + step,
           first_output = first_cache + entry->caches;
  weft_status status = weft_vk_arguments_reserve(state, count + 1, error);
  if (status != WEFT_OK)
    return status;
  weft_vk_arguments *a = &state->arguments;
  for (size_t i = 0; i <= count; i++) {
    a->pointers[i] = &a->memrefs[i];
    if (i < count && !(step && i == entry->inputs))
      a->memrefs[i] = *(const weft_abi_memref *)call->arguments[i];
  }
  if (step)
    a->pointers[entry->inputs] = call->arguments[entry->inputs];
  plan->copies = a->copies;
  status = bring_inputs(state, call, error);
  // Caches and the arena have device addresses already: `reserve` gave them.
  for (uint32_t i = 0; status == WEFT_OK && i < entry->outputs; i++)
    status = place_output(state, &entry->tensors[entry->inputs + entry->caches + i], first_output + i, plan, error);
  set_address(&a->memrefs[weights], state->gpu->weights.address);
  return status == WEFT_OK ? place_errors(state, call, count, plan, error) : status;
}

static weft_status bring_slots(weft_vk_state *state, weft_vk_plan *plan, weft_error *error) {
  VkBuffer before = state->slots.buffer;
  if (state->slots.bytes < state->sequence.bytes)
    state->generation++;
  weft_status status =
      weft_vk_memory_reserve(state->gpu, WEFT_VK_UPLOAD, state->sequence.bytes, "the dispatches", &state->slots, error);
  if (state->slots.buffer != before)
    state->generation++;
  if (status == WEFT_OK && state->sequence.bytes)
    memcpy(state->slots.mapped, state->sequence.slots, state->sequence.bytes);
  plan->slots = &state->slots;
  return status;
}

static weft_status execute(weft_vk_state *state, const weft_call *call, weft_error *error) {
  weft_gpu *gpu = state->gpu;
  weft_vk_plan plan = {0};
  weft_status status = place_arguments(state, call, &plan, error);
  if (status != WEFT_OK)
    return status;
  weft_sequence_begin(&state->sequence, state->allocator, call->code);
  weft_sequence *before = weft_sequence_enter(&state->sequence);
  call->code->run(state->arguments.pointers);
  weft_sequence_enter(before);
  if (state->sequence.status != WEFT_OK) {
    if (error)
      *error = state->sequence.error;
    return state->sequence.status;
  }
  status = bring_slots(state, &plan, error);
  if (status != WEFT_OK)
    return status;
  if (call->code->ticks) {
    state->generation += state->clock.capacity <= state->sequence.count; // it is made anew
    status = weft_vk_clock_reserve(gpu, &state->clock, state->sequence.count, error);
    if (status != WEFT_OK)
      return status;
    plan.clock = state->clock.queries;
  }
  plan.generation = state->generation;
  weft_vk_recording *recording = &state->recordings[call->entry->kind];
  status = weft_vk_record(gpu, state->pool, recording, &state->sequence, &plan, error);
  char what[192];
  weft_text text = weft_text_in(what, sizeof what);
  weft_text_add(&text, "entry '%s' (%zu dispatches)", call->entry->name, state->sequence.count);
  if (status == WEFT_OK)
    status = weft_gpu_submit(gpu, recording->commands, state->fence, what, error);
  return status == WEFT_OK && call->code->ticks ? weft_vk_clock_read(gpu, &state->clock, &state->sequence, error)
                                                : status;
}

/* Outputs that go to memory of the caller. */
static void deliver(const weft_vk_state *state, const weft_call *call) {
  const weft_abi_entry *entry = call->entry;
  size_t first = argument_count(entry) - 2 - entry->outputs;
  for (uint32_t i = 0; i < entry->outputs; i++) {
    const weft_abi_memref *given = call->arguments[first + i];
    const weft_vk_block *block = state->arguments.given[first + i].owner;
    if (block && !weft_vk_find_block(state, given->aligned))
      memcpy(given->aligned, weft_vk_block_data(block),
             dense_bytes(given, &entry->tensors[entry->inputs + entry->caches + i]));
  }
}

static weft_status read_errors(const weft_vk_state *state, const weft_call *call, weft_error *error) {
  uint64_t labels = call->module->label_count;
  const uint64_t *errors = weft_vk_block_data(&state->errors);
  for (uint64_t label = 0; label < labels; label++)
    if (errors[label] != UINT64_MAX) {
      const weft_report report = {.made = 1,
                                  .label = (int64_t)label,
                                  .position = (int64_t)(errors[label] >> 32),
                                  .index = (int32_t)(uint32_t)errors[label],
                                  .bound = (int64_t)errors[labels + label]};
      return weft_fail_index(call, &report, error);
    }
  return WEFT_OK;
}

static weft_status run(void *opaque, const weft_call *call, weft_error *error) {
  weft_vk_state *state = opaque;
  uint64_t messages = weft_vk_messages();
  weft_status status = execute(state, call, error);
  if (status == WEFT_OK)
    status = read_errors(state, call, error);
  if (status == WEFT_OK)
    deliver(state, call);
  return weft_vk_check_messages(messages, status, error);
}

const weft_device weft_vulkan_device = {.name = "vulkan",
                                        .attach = attach,
                                        .prepare = prepare,
                                        .detach = detach,
                                        .describe = describe,
                                        .choose = choose,
                                        .open = open_state,
                                        .close = close_state,
                                        .reserve = reserve,
                                        .release = release,
                                        .arena = arena,
                                        .run = run};
