#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "input/import.h"
#include "output/whole.h"

/* Held in memory until all of it is there: nothing half-made is ever written. */
struct made {
    char *text;
    size_t length;
};

static int write_made(const void *context, FILE *out, struct err *err)
{
    const struct made *made = context;
    if (fwrite(made->text, 1, made->length, out) != made->length) {
        return err_set(err, "cannot write what was imported");
    }
    return 0;
}

static int make(const struct import_kind *kind, const char *path, struct made *made,
                struct err *err)
{
    FILE *out = open_memstream(&made->text, &made->length);
    if (out == NULL) {
        return err_set(err, "no memory for what is imported");
    }
    int status = kind->run(path, out, err);
    if (fclose(out) != 0 && status == 0) {
        status = err_set(err, "no memory for what is imported");
    }
    return status;
}

static void print_kinds(FILE *out)
{
    for (const struct import_kind *const *at = import_all; *at != NULL; at++) {
        fprintf(out, "  %-16s %s\n", (*at)->name, (*at)->help);
    }
}

static int run(const struct command_line *line)
{
    struct made made = {0};
    struct err err;
    if (line->n_operands == 0) {
        print_kinds(stdout);
        return COMMAND_DONE;
    }
    const struct import_kind *kind = import_find(line->operands[0]);
    if (kind == NULL) {
        fprintf(stderr, "servesim import: '%s' is not one of\n", line->operands[0]);
        print_kinds(stderr);
        return COMMAND_USAGE;
    }
    if (line->n_operands == 1) {
        fprintf(stderr, "servesim import %s: which FILE? (- for standard input)\n",
                kind->name);
        return COMMAND_USAGE;
    }
    int status = make(kind, line->operands[1], &made, &err);
    if (status == 0 && line->output != NULL && strcmp(line->output, "-") != 0) {
        status = whole_write(line->output, write_made, &made, &err);
    } else if (status == 0) {
        fwrite(made.text, 1, made.length, stdout); /* main sees whether it arrived */
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    free(made.text);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_import = {
    .name = "import",
    .arguments = "[KIND FILE] [-o FILE]",
    .summary = "Turns what other programs write into files of ours",
    .help = "Writes to standard output, or with -o to a file.  A FILE of - is standard "
            "input.\n"
            "Without arguments it lists the kinds.\n\n"
            "  servesim import hf-config config.json -o my-model.ini\n",
    .options = "o",
    .least_operands = 0,
    .most_operands = 2,
    .run = run,
};
