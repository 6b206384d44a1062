/* HeadersTest.c - are the headers of the runtime C, and can a C program declare and run a linked-in model?
 * CallTest.cpp calls what is here. */
#include "tests/runtime/toy/toy.h"
#include "weft/runtime.h"

/* The example at the top of runtime.h; returns 0 where it gives what the toy should. */
int run_toy_from_c(void) {
  weft_error error;
  weft_module *module;
  weft_context *context;
  int32_t tokens[3] = {1, 2, 3};
  if (weft_module_from_descriptor(&weft_module_toy, NULL, &module, &error))
    return 1;
  if (weft_context_create(module, NULL, &context, &error))
    return 2;
  weft_view in = {tokens, WEFT_I32, 2, {1, 3}};
  if (weft_run(context, &in, 1, NULL, 0, &error))
    return 3;
  const float *logits = weft_output(context, 0).data;
  int wrong = logits[2 * TOY_SYMBOLS + toy_next(6, 2)] != 10.0f;
  weft_context_destroy(context);
  weft_module_destroy(module);
  return wrong ? 4 : 0;
}
