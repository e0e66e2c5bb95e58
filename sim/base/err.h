/* err: the user's mistakes.
 *
 * A function that can meet one takes `struct err *err` last, fills it once, where the
 * fault is known, and returns -1.  Callers pass it on; the command line prints it.
 * The sentence names the file, the line, the key or column, the value, and what was
 * expected, for example "day.csv:812: output_tokens: '-3' is not a positive integer".
 */
#ifndef SERVESIM_BASE_ERR_H
#define SERVESIM_BASE_ERR_H

#include <stdint.h>

struct err {
    char text[1024];
};

/* Fills `err` from a printf format (that is what the varargs are for) and returns -1,
 * so that a caller can write `return err_set(err, ...)`.  Control characters and bytes
 * that are not ASCII are shown as '?', so that a file cannot write to the terminal. */
int err_set(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for one line of a file: the text starts with "file:line: ". */
int err_at(struct err *err, const char *file, int64_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
