/* run.c - inputs from files, outputs to files: the plain use of a generated executable. */
#include "core/memory.h"
#include "core/npy.h"
#include "main/commands.h"
#include "main/tensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void report_times(double *times, int count) {
  qsort(times, (size_t)count, sizeof *times, compare);
  if (count == 1)
    fprintf(stderr, "%.3f ms\n", 1e3 * times[0]);
  else
    fprintf(stderr, "%d runs: best %.3f ms, median %.3f ms\n", count, 1e3 * times[0], 1e3 * times[count / 2]);
}

/* The memory of a run in steps, whose outputs are put together from several calls. */
static weft_status allocate_outputs(const weft_module *module, const weft_entry_info *entry, const weft_view *inputs,
                                    weft_view *outputs, weft_error *error) {
  weft_status status = weft_module_shapes(module, WEFT_STEP, inputs, entry->inputs, outputs, entry->outputs, error);
  for (size_t i = 0; status == WEFT_OK && i < entry->outputs; i++) {
    int fits;
    int64_t bytes = weft_dense_bytes(outputs[i].type, outputs[i].shape, outputs[i].rank, &fits);
    outputs[i].data = weft_allocate(&weft_malloc_allocator, (size_t)bytes, "an output", error);
    status = outputs[i].data ? WEFT_OK : WEFT_NO_MEMORY;
  }
  return status;
}

typedef struct job {
  weft_module *module;
  weft_kind kind;
  weft_entry_info entry;
  weft_view *inputs, *outputs;
  double *times;
} job;

static weft_status run_job(const job *j, const arguments *asked, weft_error *error) {
  weft_status status = load_inputs(j->module, j->kind, asked, -1, j->inputs, error);
  if (status == WEFT_OK)
    status = check_outputs(j->module, j->kind, asked, error);
  if (status == WEFT_OK && j->kind == WEFT_STEP)
    status = allocate_outputs(j->module, &j->entry, j->inputs, j->outputs, error);
  weft_context *context = NULL;
  const weft_context_options options = {.threads = asked->threads};
  if (status == WEFT_OK)
    status = weft_context_create(j->module, &options, &context, error);
  for (int i = 0; status == WEFT_OK && i < asked->repeat; i++) {
    double begin = now();
    if (j->kind == WEFT_STEP)
      status = run_steps(context, j->module, j->inputs, j->outputs, asked->step, error);
    else
      status = weft_run(context, j->inputs, j->entry.inputs, NULL, 0, error);
    j->times[i] = now() - begin;
  }
  if (status == WEFT_OK && j->kind == WEFT_SEQUENCE)
    for (size_t i = 0; i < j->entry.outputs; i++)
      j->outputs[i] = weft_output(context, i);
  if (status == WEFT_OK)
    status = deliver_outputs(j->module, j->kind, asked, j->outputs, error);
  if (status == WEFT_OK && asked->time)
    report_times(j->times, asked->repeat);
  weft_context_destroy(context);
  return status;
}

weft_status command_run(weft_module *module, const arguments *asked, weft_error *error) {
  job j = {.module = module, .kind = asked->mode == MODE_STEP ? WEFT_STEP : WEFT_SEQUENCE};
  // Where there is no such entry, the first call below says so.
  if (!weft_module_entry(module, j.kind, &j.entry))
    return weft_module_shapes(module, j.kind, NULL, 0, NULL, 0, error);
  const weft_allocator *allocator = &weft_malloc_allocator;
  size_t inputs = j.entry.inputs * sizeof *j.inputs, outputs = j.entry.outputs * sizeof *j.outputs,
         times = (size_t)asked->repeat * sizeof *j.times;
  j.inputs = weft_allocate(allocator, inputs, "the inputs", error);
  j.outputs = weft_allocate(allocator, outputs, "the outputs", error);
  j.times = weft_allocate(allocator, times, "the times", error);
  weft_status status = j.inputs && j.outputs && j.times ? run_job(&j, asked, error) : WEFT_NO_MEMORY;
  for (size_t i = 0; j.inputs && i < j.entry.inputs; i++)
    weft_view_release(allocator, &j.inputs[i]);
  // The outputs of whole sequences were the context's.
  for (size_t i = 0; j.outputs && j.kind == WEFT_STEP && i < j.entry.outputs; i++)
    weft_view_release(allocator, &j.outputs[i]);
  weft_release(allocator, j.inputs, inputs);
  weft_release(allocator, j.outputs, outputs);
  weft_release(allocator, j.times, times);
  return status;
}
