#include "cli/convert.h"

#include <errno.h>
#include <string.h>

#include "output/whole.h"
#include "study/trace_convert.h"

static int write_trace(const void *context, FILE *out, struct err *err)
{
    struct trace_convert *const *convert = context;
    return trace_convert_write(*convert, out, err);
}

static int write_to(struct trace_convert *convert, const char *output, struct err *err)
{
    if (output != NULL && strcmp(output, "-") != 0) {
        return whole_write(output, write_trace, &convert, err);
    }
    errno = 0;
    int status = trace_convert_write(convert, stdout, err);
    /* as in `servesim trace convert ... | head`: nobody wants to know */
    return status != 0 && errno == EPIPE ? 0 : status;
}

int convert_run(const struct command_line *line, const char *format, const char *to)
{
    struct trace_convert_options options = {
        .path = line->operands[1],
        .format = format,
        .interrupted = line->interrupted,
    };
    struct trace_convert convert = {0};
    struct err err;
    for (int32_t i = 0; i < line->n_overrides; i++) { /* --on-bad-row is the only one */
        options.skip_bad_rows =
            strcmp(line->overrides[i], "workload.on_bad_row=skip") == 0;
    }
    options.to = trace_write_find(to != NULL ? to : "plain", &err);
    if (options.to == NULL) {
        fprintf(stderr, "servesim: --to: %s\n", err.text);
        return COMMAND_FAILED;
    }
    int status = trace_convert_open(&convert, &options, &err);
    if (status == 0) {
        status = write_to(&convert, line->output, &err);
    }
    if (status == 0) {
        trace_convert_warn(&convert, stderr);
    } else {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    trace_convert_close(&convert);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}
