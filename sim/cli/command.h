/* command: what the user typed.
 *
 * A command is one file command_NAME.c with one const struct, and one line in command.c.
 */
#ifndef SERVESIM_CLI_COMMAND_H
#define SERVESIM_CLI_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { COMMAND_DONE = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2 };
enum {
    COMMAND_MOST_OVERRIDES = 1000,
    COMMAND_MOST_OPERANDS = 10000,
    COMMAND_MOST_OVERS = 32,
    COMMAND_MOST_OWN = 12
};

/* An option of one command alone. */
struct command_option {
    const char *name; /* --name; NULL ends the list */
    bool takes_value;
    const char *help;
};

/* The options of all commands; each names those it takes. */
struct command_line {
    const char *operands[COMMAND_MOST_OPERANDS];
    int32_t n_operands;
    const char *output; /* -o; NULL if not given */
    const char *overrides[COMMAND_MOST_OVERRIDES];
    int32_t n_overrides;
    const char *overs[COMMAND_MOST_OVERS]; /* --over */
    int32_t n_overs;
    const char *threads; /* -j as given, and what it means */
    int32_t n_threads;
    bool stepwise;
    bool quiet;
    bool verbose;
    bool overwrite;
    const char
        *own[COMMAND_MOST_OWN]; /* in the order of the command's own options; NULL:
                                          not given; "" for those without a value */
    const volatile sig_atomic_t *interrupted;
};

struct command {
    const char *name;
    const char *arguments; /* for the usage line: "CONFIG [-o DIR] ..." */
    const char *summary;   /* one line */
    const char *help;      /* the rest of --help */
    const char *options;   /* the letters of the options it takes: see command.c */
    const struct command_option *own; /* NULL: none */
    int32_t least_operands;
    int32_t most_operands;
    int (*run)(const struct command_line *line);
};

/* Runs what the arguments say; the exit status. */
int command_main(int argc, char **argv, const volatile sig_atomic_t *interrupted);

#endif
