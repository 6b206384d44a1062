/* interrupt.c - what does Ctrl-C do? */
#include "main/interrupt.h"
#include <stddef.h>

volatile sig_atomic_t interrupted;
static volatile sig_atomic_t writing;

static void handle(int number) {
  if (writing) {
    interrupted = number;
    return;
  }
  signal(number, SIG_DFL); // the exit status tells of the signal
  raise(number);
}

void handle_interrupts(void) {
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_NODEFER};
  static const int numbers[] = {SIGINT, SIGTERM};
  for (int i = 0; i < 2; i++) {
    struct sigaction before;
    // A program begun in the background is to go on ignoring what it was told to ignore.
    if (!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN)
      sigaction(numbers[i], &action, NULL);
  }
}

void begin_writing(void) { writing = 1; }

void end_writing(void) {
  writing = 0;
  if (interrupted)
    raise(interrupted);
}
