/* report.h - how is an index out of range told, whichever device met it? */
#ifndef WEFT_CORE_REPORT_H
#define WEFT_CORE_REPORT_H

#include "core/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The index out of range that a run reports. */
typedef struct weft_report {
  int made;
  int64_t label, position, index, bound;
} weft_report;

/* Fails with WEFT_BAD_INPUT: "tokens[0, 5] is 300, which is not in 0 .. 255". */
weft_status weft_fail_index(const weft_call *call, const weft_report *report, weft_error *error);

#ifdef __cplusplus
}
#endif
#endif
