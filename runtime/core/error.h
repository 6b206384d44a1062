/* error.h - how a function of the runtime fails: it returns weft_fail(...).
 *
 * Messages start in lower case, have no final full stop and name the actual values. */
#ifndef WEFT_CORE_ERROR_H
#define WEFT_CORE_ERROR_H

#include "weft/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes `status` and the text to `error`, where there is one, and returns `status`. */
weft_status weft_fail(weft_error *error, weft_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts `prefix: ` before a message that is there already, to say whose fault it is; returns error's status. */
weft_status weft_fail_in(weft_error *error, weft_status status, const char *prefix);

/* A growing line of text in an array of fixed size, for messages that are made of parts. What does not fit is cut. */
typedef struct weft_text {
  char *at, *end;
} weft_text;

weft_text weft_text_in(char *memory, size_t bytes);
void weft_text_add(weft_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "[2, 7, 64]" */
enum { WEFT_SHAPE_TEXT_BYTES = 192 };
const char *weft_shape_text(const int64_t *shape, int32_t rank, char memory[WEFT_SHAPE_TEXT_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
