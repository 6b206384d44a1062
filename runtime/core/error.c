/* error.c - how are failures and the texts in them made? */
#include "core/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

weft_status weft_fail(weft_error *error, weft_status status, const char *format, ...) {
  if (!error)
    return status;
  error->status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return status;
}

weft_status weft_fail_in(weft_error *error, weft_status status, const char *prefix) {
  if (!error)
    return status;
  char rest[sizeof error->message];
  memcpy(rest, error->message, sizeof rest);
  snprintf(error->message, sizeof error->message, "%s: %s", prefix, rest);
  return status;
}

weft_text weft_text_in(char *memory, size_t bytes) {
  memory[0] = 0;
  return (weft_text){memory, memory + bytes};
}

void weft_text_add(weft_text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(text->at, (size_t)(text->end - text->at), format, arguments);
  va_end(arguments);
  if (written < 0)
    return;
  text->at += written < text->end - text->at ? written : text->end - text->at - 1;
}

const char *weft_shape_text(const int64_t *shape, int32_t rank, char memory[WEFT_SHAPE_TEXT_BYTES]) {
  weft_text text = weft_text_in(memory, WEFT_SHAPE_TEXT_BYTES);
  weft_text_add(&text, "[");
  for (int32_t i = 0; i < rank; i++)
    weft_text_add(&text, "%s%lld", i ? ", " : "", (long long)shape[i]);
  weft_text_add(&text, "]");
  return memory;
}
