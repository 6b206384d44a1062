/* arguments.c - what did the user ask a generated executable to do? */
#include "main/arguments.h"
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  OPT_TIME = 256,
  OPT_THREADS,
  OPT_REPEAT,
  OPT_INFO,
  OPT_STEP,
  OPT_GENERATE,
  OPT_PROMPT,
  OPT_LENGTH,
  OPT_STOP,
  OPT_TEMPERATURE,
  OPT_SEED,
  OPT_TOKENS,
  OPT_NO_CACHE,
  OPT_CPU,
  OPT_DEVICE,
  OPT_VERIFY
};

static const struct option options[] = {{"time", no_argument, NULL, OPT_TIME},
                                        {"threads", required_argument, NULL, OPT_THREADS},
                                        {"repeat", required_argument, NULL, OPT_REPEAT},
                                        {"info", no_argument, NULL, OPT_INFO},
                                        {"help", no_argument, NULL, 'h'},
                                        {"step", optional_argument, NULL, OPT_STEP},
                                        {"generate", no_argument, NULL, OPT_GENERATE},
                                        {"prompt", required_argument, NULL, OPT_PROMPT},
                                        {"length", required_argument, NULL, OPT_LENGTH},
                                        {"stop", required_argument, NULL, OPT_STOP},
                                        {"temperature", required_argument, NULL, OPT_TEMPERATURE},
                                        {"seed", required_argument, NULL, OPT_SEED},
                                        {"tokens", required_argument, NULL, OPT_TOKENS},
                                        {"no-cache", no_argument, NULL, OPT_NO_CACHE},
                                        {"cpu", required_argument, NULL, OPT_CPU},
                                        {"device", required_argument, NULL, OPT_DEVICE},
                                        {"verify-weights", no_argument, NULL, OPT_VERIFY},
                                        {"output", required_argument, NULL, 'o'},
                                        {NULL, 0, NULL, 0}};

void print_help(const char *program) {
  printf(
      "usage: %s name=input.npy ... [-o output.npy]     run on whole sequences\n"
      "       %s --generate --prompt TEXT [--length N]  continue a text, byte by byte\n"
      "       %s --info                                 what goes in and comes out\n"
      "\n"
      "  -o, --output [NAME=]FILE  write an output as .npy, whole or not at all; the rest is summarised\n"
      "      --step[=N]            feed the cache N positions at a time (without N: all in one step)\n"
      "      --time                say on stderr how long it took\n"
      "      --repeat N            run N times (with --time: best and median)\n"
      "      --threads N           use N threads; as many as there are CPUs, if not given\n"
      "      --cpu v3|v4           use code for x86-64-v3 or -v4 at most\n"
      "      --device D            run on cpu, vulkan, or vulkan:N (see weft devices); if not given, on the CPU where\n"
      "                            the model was compiled for it\n"
      "      --verify-weights      check the hash of the weights before running\n"
      "\n"
      "      --generate            choose and append one token after another; of several inputs, the one for which\n"
      "                            there is no file\n"
      "      --prompt TEXT         begin with these bytes, for models over bytes; prints text\n"
      "      --tokens 1,2,3        begin with these numbers, for any model; prints numbers\n"
      "      --length N            how many tokens to add at most (100)\n"
      "      --stop N              end before this token would be added\n"
      "      --temperature T       0, the default: always the likeliest; else sample\n"
      "      --seed N              of the sampling (0)\n"
      "      --no-cache            run the whole sequence again for each token\n"
      "\n"
      "exit status: 0 done, 1 an input is at fault, 2 usage, 3 the machine is (CPU, device, memory, disk)\n",
      program, program, program);
}

static int usage(const char *format, const char *value) {
  fputs("error: ", stderr);
  fprintf(stderr, format, value);
  fputs("; see --help\n", stderr);
  return EXIT_USAGE;
}

static int parse_whole(const char *text, int64_t least, int64_t most, int64_t *value) {
  char *end;
  errno = 0;
  long long parsed = strtoll(text, &end, 10);
  *value = parsed;
  return end != text && !*end && !errno && parsed >= least && parsed <= most;
}

static int parse_int(const char *text, int least, int most, int *value) {
  int64_t wide;
  int ok = parse_whole(text, least, most, &wide);
  *value = ok ? (int)wide : 0;
  return ok;
}

static int parse_real(const char *text, double *value) {
  char *end;
  *value = strtod(text, &end);
  return end != text && !*end && isfinite(*value) && *value >= 0;
}

/* "1,2,3" */
static int parse_tokens(const char *text, arguments *parsed) {
  size_t most = 1;
  for (const char *at = text; *at; at++)
    most += *at == ',';
  free(parsed->tokens);
  parsed->token_count = 0;
  parsed->tokens = malloc(most * sizeof *parsed->tokens);
  if (!parsed->tokens)
    return 0;
  for (const char *at = text;;) {
    char *end;
    errno = 0;
    long long token = strtoll(at, &end, 10);
    if (end == at || errno || token < 0 || token > INT32_MAX || (*end && *end != ','))
      return 0;
    parsed->tokens[parsed->token_count++] = (int32_t)token;
    if (!*end)
      return 1;
    at = end + 1;
  }
}

static int parse_option(int option, const char *value, arguments *parsed) {
  enum { MOST_THREADS = 1024 };
  int64_t whole;
  switch (option) {
  case 'h':
    parsed->mode = MODE_HELP;
    return EXIT_DONE;
  case 'o':
    parsed->outputs[parsed->output_count++] = (char *)value;
    return EXIT_DONE;
  case OPT_TIME:
    parsed->time = 1;
    return EXIT_DONE;
  case OPT_INFO:
    parsed->mode = MODE_INFO;
    return EXIT_DONE;
  case OPT_GENERATE:
    parsed->mode = MODE_GENERATE;
    return EXIT_DONE;
  case OPT_NO_CACHE:
    parsed->no_cache = 1;
    return EXIT_DONE;
  case OPT_VERIFY:
    parsed->verify_weights = 1;
    return EXIT_DONE;
  case OPT_PROMPT:
    parsed->prompt = value;
    return EXIT_DONE;
  case OPT_STEP:
    parsed->mode = MODE_STEP;
    if (value && !parse_whole(value, 1, INT64_MAX, &parsed->step))
      return usage("--step=%s is not a number of positions", value);
    return EXIT_DONE;
  case OPT_THREADS:
    return parse_int(value, 1, MOST_THREADS, &parsed->threads) ? EXIT_DONE
                                                               : usage("--threads %s is not in 1 .. 1024", value);
  case OPT_REPEAT:
    return parse_int(value, 1, 1 << 30, &parsed->repeat) ? EXIT_DONE : usage("--repeat %s is not a count", value);
  case OPT_LENGTH:
    return parse_whole(value, 0, INT32_MAX, &parsed->length) ? EXIT_DONE : usage("--length %s is not a count", value);
  case OPT_STOP:
    return parse_int(value, 0, INT32_MAX, &parsed->stop) ? EXIT_DONE : usage("--stop %s is not a token", value);
  case OPT_TEMPERATURE:
    return parse_real(value, &parsed->temperature) ? EXIT_DONE
                                                   : usage("--temperature %s is not 0 or a positive number", value);
  case OPT_SEED:
    if (!parse_whole(value, 0, INT64_MAX, &whole))
      return usage("--seed %s is not a whole number", value);
    parsed->seed = (uint64_t)whole;
    return EXIT_DONE;
  case OPT_TOKENS:
    return parse_tokens(value, parsed) ? EXIT_DONE : usage("--tokens %s is not a list such as 1,2,3", value);
  case OPT_DEVICE:
    parsed->device = value;
    return EXIT_DONE;
  case OPT_CPU:
    if (strcmp(value, "v3") && strcmp(value, "v4"))
      return usage("--cpu %s is neither v3 nor v4", value);
    parsed->cpu_level = value[1] - '0';
    return EXIT_DONE;
  }
  return EXIT_USAGE;
}

static int check_combination(const arguments *parsed) {
  if (parsed->mode == MODE_HELP)
    return EXIT_DONE;
  if (parsed->mode == MODE_GENERATE) {
    if (!parsed->prompt == !parsed->tokens)
      return usage("--generate needs either %s", "--prompt or --tokens");
    if (parsed->prompt && !*parsed->prompt)
      return usage("--generate needs a prompt of one byte at %s", "least");
    if (parsed->output_count)
      return usage("--generate takes no %s", "-o");
  } else if (parsed->prompt || parsed->tokens || parsed->stop >= 0) {
    return usage("%s goes with --generate", parsed->prompt ? "--prompt" : parsed->tokens ? "--tokens" : "--stop");
  }
  return EXIT_DONE;
}

int parse_arguments(int argc, char **argv, arguments *parsed) {
  *parsed = (arguments){.repeat = 1, .length = 100, .stop = -1};
  parsed->inputs = malloc((size_t)argc * sizeof *parsed->inputs);
  parsed->outputs = malloc((size_t)argc * sizeof *parsed->outputs);
  if (!parsed->inputs || !parsed->outputs) {
    fputs("error: no memory for the arguments\n", stderr);
    return EXIT_MACHINE;
  }
  opterr = 0; // messages are in one style here
  optind = 0; // begin anew: `weft run` reads arguments more than once
  for (int option; (option = getopt_long(argc, argv, ":ho:", options, NULL)) != -1;) {
    if (option == ':')
      return usage("option '%s' needs a value", argv[optind - 1]);
    if (option == '?')
      return usage("there is no option '%s'", argv[optind - 1]);
    int status = parse_option(option, optarg, parsed);
    if (status != EXIT_DONE)
      return status;
  }
  for (int i = optind; i < argc; i++) {
    if (!strchr(argv[i], '=') || argv[i][0] == '=')
      return usage("'%s' is neither an option nor name=input.npy", argv[i]);
    parsed->inputs[parsed->input_count++] = argv[i];
  }
  return check_combination(parsed);
}

void free_arguments(arguments *parsed) {
  free(parsed->inputs);
  free(parsed->outputs);
  free(parsed->tokens);
}
