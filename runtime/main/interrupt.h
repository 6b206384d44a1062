/* interrupt.h - what does Ctrl-C do?
 *
 * It ends the program at once, except while a file is being written: then the writing stops, its temporary is removed,
 * and the program ends as the signal wants. A second signal changes nothing: SIGINT and SIGTERM often come to a program
 * and again to its group. */
#ifndef WEFT_MAIN_INTERRUPT_H
#define WEFT_MAIN_INTERRUPT_H

#include <signal.h>

/* Not 0 once a signal has come while writing; pass it to what writes. */
extern volatile sig_atomic_t interrupted;

void handle_interrupts(void);
void begin_writing(void);
/* Ends the program by the signal where one has come. */
void end_writing(void);

#endif
