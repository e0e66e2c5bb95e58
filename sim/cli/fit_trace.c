#include "cli/fit_trace.h"

#include <stdlib.h>

#include "base/memory.h"
#include "output/whole.h"
#include "study/workload_fit_write.h"

static int write_spec(const void *context, FILE *out, struct err *err)
{
    (void)err;
    workload_fit_write_spec(context, out);
    return 0;
}

int fit_trace_run(const struct command_line *line,
                  const struct workload_fit_options *options)
{
    struct workload_fit *fit = memory_new(1, sizeof *fit);
    struct err err;
    int status = workload_fit_read(fit, line->operands[1], options, &err);
    if (status == 0 && line->output != NULL) {
        status = whole_write(line->output, write_spec, fit, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    } else if (line->output != NULL) {
        workload_fit_write_report(fit, stdout);
    } else {
        workload_fit_write_spec(fit, stdout);
    }
    workload_fit_free(fit);
    free(fit);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}
