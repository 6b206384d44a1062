/* steps.c - how is an input fed to the cache in several steps?
 *
 * Inputs are cut along the axis whose positions the cache holds; what comes out is put together along the same axis.
 * Outputs without it are those of the last step. */
#include "core/error.h"
#include "core/memory.h"
#include "main/commands.h"
#include <string.h>

/* An array seen along one of its dimensions: `outer` times `size` times `inner` bytes. */
typedef struct rows {
  size_t outer, inner;
  int64_t size;
} rows;

static rows along(const weft_view *view, int dimension) {
  rows r = {1, weft_type_bytes(view->type), view->shape[dimension]};
  for (int d = 0; d < view->rank; d++)
    if (d < dimension)
      r.outer *= (size_t)view->shape[d];
    else if (d > dimension)
      r.inner *= (size_t)view->shape[d];
  return r;
}

/* Copies `count` positions between the whole array (from `first` on) and a dense part of it. */
static void copy_part(char *whole, char *part, rows r, int64_t first, int64_t count, int into_whole) {
  size_t bytes = (size_t)count * r.inner;
  for (size_t o = 0; o < r.outer; o++) {
    char *in_whole = whole + (o * (size_t)r.size + (size_t)first) * r.inner, *in_part = part + o * bytes;
    memcpy(into_whole ? in_whole : in_part, into_whole ? in_part : in_whole, bytes);
  }
}

/* The dimension with the position axis; -1 where there is none, -2 where there are several. */
static int position_dimension(const weft_tensor_info *info, const char *axis) {
  int found = -1;
  for (int d = 0; d < info->rank; d++)
    if (info->runtime_axes[d] && !strcmp(info->runtime_axes[d], axis))
      found = found == -1 ? d : -2;
  return found;
}

enum { MOST_TENSORS = 64 };

typedef struct cut {
  weft_view parts[MOST_TENSORS]; /* of the inputs */
  int input[MOST_TENSORS], output[MOST_TENSORS];
  size_t part_bytes[MOST_TENSORS];
  int64_t positions;
} cut;

static weft_status plan(const weft_module *module, const weft_entry_info *entry, const weft_view *inputs, cut *c,
                        weft_error *error) {
  if (entry->inputs > MOST_TENSORS || entry->outputs > MOST_TENSORS)
    return weft_fail(error, WEFT_MISUSE, "a model of more than %d inputs or outputs cannot be run in steps here",
                     MOST_TENSORS);
  for (int role = WEFT_INPUT; role <= WEFT_OUTPUT; role++) {
    weft_tensor_info info;
    for (size_t i = 0; role != WEFT_CACHE && weft_module_tensor(module, WEFT_STEP, (weft_role)role, i, &info); i++) {
      int dimension = position_dimension(&info, entry->position_axis);
      if (dimension == -2)
        return weft_fail(error, WEFT_MISUSE, "'%s' has axis '%s' twice and cannot be cut into steps", info.name,
                         entry->position_axis);
      (role == WEFT_INPUT ? c->input : c->output)[i] = dimension;
      if (role == WEFT_INPUT && dimension >= 0)
        c->positions = inputs[i].shape[dimension];
    }
  }
  return WEFT_OK;
}

weft_status run_steps(weft_context *context, const weft_module *module, const weft_view *inputs,
                      const weft_view *outputs, int64_t size, weft_error *error) {
  weft_entry_info entry;
  weft_module_entry(module, WEFT_STEP, &entry);
  cut c = {0};
  weft_status status = plan(module, &entry, inputs, &c, error);
  if (status != WEFT_OK)
    return status;
  if (!size || size > c.positions)
    size = c.positions ? c.positions : 1;
  for (size_t i = 0; status == WEFT_OK && i < entry.inputs; i++) {
    c.parts[i] = inputs[i];
    if (c.input[i] < 0)
      continue;
    rows r = along(&inputs[i], c.input[i]);
    c.part_bytes[i] = r.outer * r.inner * (size_t)size;
    c.parts[i].data = weft_allocate(&weft_malloc_allocator, c.part_bytes[i], "a step's input", error);
    status = c.parts[i].data ? WEFT_OK : WEFT_NO_MEMORY;
  }
  weft_reset(context);
  for (int64_t first = 0; status == WEFT_OK && first < c.positions; first += size) {
    int64_t count = c.positions - first < size ? c.positions - first : size;
    for (size_t i = 0; i < entry.inputs; i++)
      if (c.input[i] >= 0) {
        copy_part(inputs[i].data, c.parts[i].data, along(&inputs[i], c.input[i]), first, count, 0);
        c.parts[i].shape[c.input[i]] = count;
      }
    status = weft_step(context, c.parts, entry.inputs, NULL, 0, error);
    for (size_t i = 0; status == WEFT_OK && i < entry.outputs; i++) {
      weft_view result = weft_output(context, i);
      if (c.output[i] >= 0) {
        copy_part(outputs[i].data, result.data, along(&outputs[i], c.output[i]), first, count, 1);
      } else {
        int fits;
        memcpy(outputs[i].data, result.data, (size_t)weft_dense_bytes(result.type, result.shape, result.rank, &fits));
      }
    }
  }
  for (size_t i = 0; i < entry.inputs; i++)
    if (c.input[i] >= 0)
      weft_release(&weft_malloc_allocator, c.parts[i].data, c.part_bytes[i]);
  return status;
}
