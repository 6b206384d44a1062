/* tensors.c - how do a model's inputs come from files, and its outputs go to files or people? */
#include "main/tensors.h"
#include "core/error.h"
#include "core/npy.h"
#include "main/interrupt.h"
#include <stdio.h>
#include <string.h>

int64_t elements_of(const weft_view *view) {
  int64_t count = 1;
  for (int32_t d = 0; d < view->rank; d++)
    count *= view->shape[d];
  return count;
}

/* The names of the tensors of a role, for messages: "tokens, mask". */
static const char *names_of(const weft_module *module, weft_kind kind, weft_role role, char *memory, size_t bytes) {
  weft_text text = weft_text_in(memory, bytes);
  weft_tensor_info info;
  for (size_t i = 0; weft_module_tensor(module, kind, role, i, &info); i++)
    weft_text_add(&text, "%s%s", i ? ", " : "", info.name);
  return memory;
}

static weft_status load_input(const char *path, const weft_tensor_info *info, weft_view *view, weft_error *error) {
  weft_npy npy;
  weft_status status = weft_npy_read(path, NULL, &npy, error);
  if (status != WEFT_OK)
    return status;
  status = weft_npy_convert(&npy, info->type, view, error);
  weft_npy_free(&npy);
  return status == WEFT_OK ? status : weft_fail_in(error, status, path);
}

int is_given(const arguments *asked, const char *name) {
  for (size_t i = 0; i < asked->input_count; i++) {
    size_t length = strcspn(asked->inputs[i], "=");
    if (strlen(name) == length && !memcmp(asked->inputs[i], name, length))
      return 1;
  }
  return 0;
}

weft_status load_inputs(const weft_module *module, weft_kind kind, const arguments *asked, int left_out,
                        weft_view *inputs, weft_error *error) {
  char names[512];
  for (size_t i = 0; i < asked->input_count; i++) {
    size_t length = strcspn(asked->inputs[i], "=");
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)length, asked->inputs[i]);
    int index = weft_module_find(module, kind, WEFT_INPUT, name);
    if (index < 0)
      return weft_fail(error, WEFT_MISUSE, "the model has no input '%s'; it has %s", name,
                       names_of(module, kind, WEFT_INPUT, names, sizeof names));
    if (inputs[index].data)
      return weft_fail(error, WEFT_MISUSE, "input '%s' is given twice", name);
    weft_tensor_info info;
    weft_module_tensor(module, kind, WEFT_INPUT, (size_t)index, &info);
    weft_status status = load_input(asked->inputs[i] + length + 1, &info, &inputs[index], error);
    if (status != WEFT_OK)
      return status;
  }
  weft_tensor_info info;
  for (size_t i = 0; weft_module_tensor(module, kind, WEFT_INPUT, i, &info); i++)
    if (!inputs[i].data && (int)i != left_out)
      return weft_fail(error, WEFT_MISUSE, "input '%s' is missing; give %s=FILE.npy", info.name, info.name);
  return WEFT_OK;
}

/* The output that an -o names, and the path in it; -1 where there is none. */
static int find_output(const weft_module *module, weft_kind kind, const char *text, const char **path) {
  size_t length = strcspn(text, "=");
  weft_tensor_info info;
  int count = 0;
  for (; weft_module_tensor(module, kind, WEFT_OUTPUT, (size_t)count, &info); count++)
    if (text[length] && strlen(info.name) == length && !memcmp(info.name, text, length)) {
      *path = text + length + 1;
      return count;
    }
  *path = text;
  return count == 1 ? 0 : -1;
}

weft_status check_outputs(const weft_module *module, weft_kind kind, const arguments *asked, weft_error *error) {
  const char *path;
  char names[512];
  for (size_t i = 0; i < asked->output_count; i++) {
    int index = find_output(module, kind, asked->outputs[i], &path);
    if (index < 0)
      return weft_fail(error, WEFT_MISUSE, "-o %s names no output; write -o NAME=FILE with one of %s",
                       asked->outputs[i], names_of(module, kind, WEFT_OUTPUT, names, sizeof names));
    for (size_t j = 0; j < i; j++)
      if (find_output(module, kind, asked->outputs[j], &path) == index)
        return weft_fail(error, WEFT_MISUSE, "-o %s names an output that another -o names already", asked->outputs[i]);
  }
  return WEFT_OK;
}

static void summarise(const weft_tensor_info *info, const weft_view *view) {
  enum { SHOWN = 8 };
  char shape[WEFT_SHAPE_TEXT_BYTES];
  int64_t count = elements_of(view);
  printf("%s %s%s", info->name, weft_type_name(view->type), weft_shape_text(view->shape, view->rank, shape));
  for (int64_t i = 0; i < count && i < SHOWN; i++) {
    const char *between = i ? " " : ": ";
    if (view->type == WEFT_F32)
      printf("%s%.7g", between, ((const float *)view->data)[i]);
    else if (view->type == WEFT_I32)
      printf("%s%d", between, ((const int32_t *)view->data)[i]);
    else
      printf("%s%u", between, ((const unsigned char *)view->data)[i]);
  }
  puts(count > SHOWN ? " ..." : "");
}

weft_status deliver_outputs(const weft_module *module, weft_kind kind, const arguments *asked, const weft_view *outputs,
                            weft_error *error) {
  weft_tensor_info info;
  for (size_t i = 0; weft_module_tensor(module, kind, WEFT_OUTPUT, i, &info); i++) {
    const char *path = NULL;
    for (size_t j = 0; j < asked->output_count; j++) {
      const char *candidate;
      if (find_output(module, kind, asked->outputs[j], &candidate) == (int)i)
        path = candidate;
    }
    if (!path) {
      summarise(&info, &outputs[i]);
      continue;
    }
    begin_writing();
    weft_status status = weft_npy_write(path, &outputs[i], &interrupted, error);
    end_writing();
    if (status != WEFT_OK)
      return status;
  }
  return WEFT_OK;
}

void print_signature(const weft_tensor_info *info) {
  printf("%s %s[", info->name, weft_type_name(info->type));
  for (int32_t d = 0; d < info->rank; d++) {
    printf("%s%s", d ? ", " : "", info->axes[d]);
    if (info->shape[d] != WEFT_RUNTIME_SIZE)
      printf("%s%lld", *info->axes[d] ? " = " : "", (long long)info->shape[d]);
    else if (strcmp(info->axes[d], info->runtime_axes[d]))
      printf(" = %s", info->runtime_axes[d]);
  }
  puts("]");
}
