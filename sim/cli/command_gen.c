#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "input/generate.h"
#include "output/compressed.h"

/* Writes the trace to what is open, and closes it. */
static int write_open(const struct generate_spec *spec, FILE *out, const char *path,
                      const struct command_line *line, struct err *err)
{
    int status = generate_write(spec, out, line->interrupted, err);
    if (fclose(out) != 0 && status == 0) {
        status = err_set(err, "-o %s: cannot write: %s", path, strerror(errno));
    }
    return status;
}

/* Writes the trace beside `path` and puts it in place when it is whole. */
static int write_file(const struct generate_spec *spec, const char *path,
                      const struct command_line *line, struct err *err)
{
    char temporary[600];
    if (snprintf(temporary, sizeof temporary, "%s.tmp.%ld", path, (long)getpid()) >=
        (int)sizeof temporary) {
        return err_set(err, "-o %.400s...: the path is too long", path);
    }
    FILE *out = compressed_open(temporary, path, err);
    if (out == NULL) {
        return -1;
    }
    int status = write_open(spec, out, path, line, err);
    if (status == 0 && rename(temporary, path) != 0) {
        status = err_set(err, "-o %s: cannot put the trace in place: %s", path,
                         strerror(errno));
    }
    if (status != 0) {
        unlink(temporary);
    }
    return status;
}

/* A plain file is replaced when the new one is whole; a device or a pipe is written to; a
 * link is followed. */
static int write_path(const struct generate_spec *spec, const struct command_line *line,
                      struct err *err)
{
    struct stat info;
    const char *path = line->output;
    if (path[0] == '\0') {
        return err_set(err, "-o: expected a path");
    }
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return err_set(err, "-o %s: is a folder", path);
    }
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        FILE *out = fopen(path, "we");
        return out != NULL
                   ? write_open(spec, out, path, line, err)
                   : err_set(err, "-o %s: cannot open: %s", path, strerror(errno));
    }
    char *target = realpath(path, NULL);
    int status = write_file(spec, target != NULL ? target : path, line, err);
    free(target);
    return status;
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct generate_spec spec;
    struct err err;
    int status = generate_read(&spec, line->operands[0], line->overrides,
                               line->n_overrides, &arena, &err);
    if (status == 0) {
        errno = 0;
        status = line->output == NULL || strcmp(line->output, "-") == 0
                     ? generate_write(&spec, stdout, line->interrupted, &err)
                     : write_path(&spec, line, &err);
        if (status != 0 && line->output == NULL && errno == EPIPE) {
            status = 0; /* as in `servesim gen ... | head`: nobody wants to know */
        }
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_gen = {
    .name = "gen",
    .arguments = "WORKLOAD.ini [-o FILE] [-s section.key=value]...",
    .summary = "Generates a trace from the description of a workload",
    .help =
        "Writes arrival_s,prompt_tokens,output_tokens to FILE, or to standard output.  "
        "A\n"
        "FILE that ends with .gz or .zst is compressed.  The same seed gives the same "
        "trace.\n\n"
        "  servesim gen configs/workloads/azure-conv-2023.ini -o trace.csv\n"
        "  servesim gen configs/workloads/poisson.ini -s workload.seed=7 -o "
        "trace.csv.gz\n",
    .options = "os",
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
