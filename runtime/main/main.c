/* main.c - where a generated executable begins.
 *
 * The compiler links this with an object that defines weft_main_module. Results go to stdout or to files, everything
 * else to stderr. */
#include "main/arguments.h"
#include "main/commands.h"
#include "main/interrupt.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

extern const weft_abi_module *const weft_main_module;

static int exit_code(weft_status status) {
  switch (status) {
  case WEFT_OK:
    return EXIT_DONE;
  case WEFT_MISUSE:
    return EXIT_USAGE;
  case WEFT_BAD_INPUT:
  case WEFT_BAD_MODULE:
    return EXIT_INPUT;
  case WEFT_NO_CPU:
  case WEFT_NO_MEMORY:
  case WEFT_SYSTEM:
  case WEFT_NO_DEVICE:
  case WEFT_DEVICE_LOST:
    return EXIT_MACHINE;
  }
  return EXIT_MACHINE;
}

static weft_status execute(const arguments *asked, weft_error *error) {
  if (asked->mode == MODE_INFO)
    return command_info(weft_main_module, asked, error);
  weft_module *module;
  const weft_load_options options = {
      .device = asked->device, .cpu_level = asked->cpu_level, .verify_weights = asked->verify_weights};
  weft_status status = weft_module_from_descriptor(weft_main_module, &options, &module, error);
  if (status != WEFT_OK)
    return status;
  status = asked->mode == MODE_GENERATE ? command_generate(module, asked, error) : command_run(module, asked, error);
  weft_module_destroy(module);
  return status;
}

int main(int argc, char **argv) {
  handle_interrupts();
  arguments asked;
  weft_error error = {0};
  int code = parse_arguments(argc, argv, &asked);
  if (code == EXIT_DONE && asked.mode == MODE_HELP) {
    print_help(argc ? argv[0] : "model");
  } else if (code == EXIT_DONE) {
    code = exit_code(execute(&asked, &error));
    // Also after an error: what was written before it may be lost all the same.
    if (code != EXIT_DONE)
      fprintf(stderr, "error: %s\n", error.message);
  }
  free_arguments(&asked);
  if ((fflush(stdout) || ferror(stdout)) && code == EXIT_DONE) {
    fprintf(stderr, "error: standard output cannot be written: %s\n", strerror(errno));
    code = EXIT_MACHINE;
  }
  return code;
}
