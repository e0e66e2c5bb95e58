/* fit_trace: the operation `servesim trace fit`. */
#ifndef SERVESIM_CLI_FIT_TRACE_H
#define SERVESIM_CLI_FIT_TRACE_H

#include "cli/command.h"
#include "study/workload_fit.h"

/* Fits a spec to the trace that the second operand names: to standard output, or with -o to
 * that file and a report to standard output.  The exit status. */
int fit_trace_run(const struct command_line *line,
                  const struct workload_fit_options *options);

#endif
