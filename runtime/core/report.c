/* report.c - how is an index out of range told, whichever device met it? */
#include "core/report.h"
#include "core/error.h"
#include <string.h>

/* "tokens[0, 5]" where the label is an input's name, else "element 5 of label". */
static const char *place(const weft_call *call, const weft_report *report, char *memory, size_t bytes) {
  weft_text text = weft_text_in(memory, bytes);
  int known = report->label >= 0 && (uint64_t)report->label < call->module->label_count;
  const char *label = known ? call->module->labels[report->label] : "an unnamed tensor";
  for (uint32_t i = 0; i < call->entry->inputs; i++) {
    const weft_abi_tensor *tensor = &call->entry->tensors[i];
    if (strcmp(tensor->name, label) || report->position < 0)
      continue;
    const weft_abi_memref *memref = call->arguments[i];
    int64_t rest = report->position, at[WEFT_ABI_MAX_RANK];
    for (uint32_t d = tensor->rank; d-- > 0;) {
      int64_t size = memref->sizes_then_strides[d];
      at[d] = size ? rest % size : 0;
      rest = size ? rest / size : 0;
    }
    weft_text_add(&text, "%s", label);
    for (uint32_t d = 0; d < tensor->rank; d++)
      weft_text_add(&text, "%s%lld%s", d ? ", " : "[", (long long)at[d], d + 1 == tensor->rank ? "]" : "");
    return memory;
  }
  weft_text_add(&text, "element %lld of '%s'", (long long)report->position, label);
  return memory;
}

weft_status weft_fail_index(const weft_call *call, const weft_report *report, weft_error *error) {
  char memory[256];
  return weft_fail(error, WEFT_BAD_INPUT, "%s is %lld, which is not in 0 .. %lld",
                   place(call, report, memory, sizeof memory), (long long)report->index, (long long)report->bound - 1);
}
