/* arguments.h - what did the user ask a generated executable to do? */
#ifndef WEFT_MAIN_ARGUMENTS_H
#define WEFT_MAIN_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

/* Of architecture-wide meaning: scripts rely on them. */
enum { EXIT_DONE = 0, EXIT_INPUT = 1, EXIT_USAGE = 2, EXIT_MACHINE = 3 };

enum mode { MODE_RUN, MODE_STEP, MODE_GENERATE, MODE_INFO, MODE_HELP };

typedef struct arguments {
  enum mode mode;
  char **inputs; /* "name=path" as given */
  size_t input_count;
  char **outputs; /* "path" or "name=path" as given */
  size_t output_count;
  int time, threads, repeat, cpu_level, verify_weights;
  int64_t step;       /* positions per step; 0: all at once */
  const char *device; /* as weft_load_options has it; NULL: not given */

  const char *prompt;
  int32_t *tokens; /* of --tokens */
  size_t token_count;
  int64_t length;
  int32_t stop; /* the token that ends it; -1: none */
  double temperature;
  uint64_t seed;
  int no_cache;
} arguments;

/* Fills `parsed`; on failure says why on stderr and returns an exit code, else EXIT_DONE. */
int parse_arguments(int argc, char **argv, arguments *parsed);
void free_arguments(arguments *parsed);

void print_help(const char *program);

#endif
