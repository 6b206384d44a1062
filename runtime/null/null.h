/* null.h - what did the null device see?
 *
 * The device "null" runs no code: a call is recorded, and outputs keep whatever their memory held (zeros, where it is a
 * fresh context's). It shows that the rest of the runtime works without a machine for the code, and a new device can be
 * begun as a copy of it. */
#ifndef WEFT_NULL_NULL_H
#define WEFT_NULL_NULL_H

#include "weft/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_NULL_RECORDS = 16 };

typedef struct weft_null_record {
  weft_kind kind;
  int64_t past;
  int64_t input_elements, output_elements; /* of the first input and output; 0 where there is none */
} weft_null_record;

/* How many calls the context's device has run, and the last WEFT_NULL_RECORDS of them: call i is in records[i % ...].
 * Only for contexts of modules that were loaded for "null". */
size_t weft_null_calls(const weft_context *context, const weft_null_record **records);

#ifdef __cplusplus
}
#endif
#endif
