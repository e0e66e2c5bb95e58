/* read_trace: how fast trace files are read, through trace_next() and nothing else.
 *
 *     read_trace [--format NAME] FILE ...
 *
 * Prints rows, CPU seconds, and rows per second of each; which rows were read shows in the
 * sums, so that nothing can be optimised away.
 */
#include "input/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct sums {
    int64_t rows;
    int64_t prompt_tokens;
    int64_t output_tokens;
    int64_t last_ns;
};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int read_all(const char *path, const char *format, struct sums *sums,
                    struct err *err)
{
    struct trace *trace = trace_open(path, format, false, err);
    if (trace == NULL) {
        return -1;
    }
    struct trace_row row;
    int got;
    while ((got = trace_next(trace, &row, err)) > 0) {
        sums->rows++;
        sums->prompt_tokens += row.prompt_tokens;
        sums->output_tokens += row.output_tokens;
        sums->last_ns = row.arrival_ns;
    }
    trace_close(trace);
    return got;
}

int main(int argc, char **argv)
{
    const char *format = NULL;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--format") == 0) {
        format = argv[2];
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        struct sums sums = {0};
        struct err err;
        double start = cpu_seconds();
        if (read_all(argv[i], format, &sums, &err) != 0) {
            fprintf(stderr, "read_trace: %s\n", err.text);
            return 1;
        }
        double seconds = cpu_seconds() - start;
        printf("%s: %" PRId64 " rows in %.3f s: %.2f million rows/s "
               "(%" PRId64 " prompt and %" PRId64 " output tokens, the last at %" PRId64
               " ns)\n",
               argv[i], sums.rows, seconds, (double)sums.rows / seconds / 1e6,
               sums.prompt_tokens, sums.output_tokens, sums.last_ns);
    }
    return 0;
}
