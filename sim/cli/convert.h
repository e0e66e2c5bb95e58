/* convert: the operation `servesim trace convert`. */
#ifndef SERVESIM_CLI_CONVERT_H
#define SERVESIM_CLI_CONVERT_H

#include "cli/command.h"

/* Writes the trace that the second operand names to -o, or to standard output.  `format`
 * is its format and `to` the one to write; NULL: not given.  The exit status. */
int convert_run(const struct command_line *line, const char *format, const char *to);

#endif
