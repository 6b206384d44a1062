/* commands.h - the things a generated executable can do, one file each. */
#ifndef WEFT_MAIN_COMMANDS_H
#define WEFT_MAIN_COMMANDS_H

#include "main/arguments.h"
#include "weft/abi.h"
#include "weft/runtime.h"

/* run.c: inputs from files, whole sequences or the cache's steps, outputs to files. */
weft_status command_run(weft_module *module, const arguments *asked, weft_error *error);
/* generate.c: one token after another. */
weft_status command_generate(weft_module *module, const arguments *asked, weft_error *error);
/* info.c: works on every machine, also where the model would not run. */
weft_status command_info(const weft_abi_module *descriptor, const arguments *asked, weft_error *error);

/* steps.c: runs the step entry over all positions of `inputs`, `size` at a time (0: all), into `outputs`, whose memory
 * is given and whose shapes are those of one step over all. */
weft_status run_steps(weft_context *context, const weft_module *module, const weft_view *inputs,
                      const weft_view *outputs, int64_t size, weft_error *error);

/* Seconds since some moment. */
double now(void);

#endif
