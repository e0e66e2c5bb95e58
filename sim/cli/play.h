/* play: a study from its beginning to its files and its table.
 *
 * The folder of -o is there from the beginning, so that nobody waits for results that have
 * no place; it appears whole or not at all.
 */
#ifndef SERVESIM_CLI_PLAY_H
#define SERVESIM_CLI_PLAY_H

#include <stdio.h>

#include "base/err.h"
#include "cli/command.h"

/* What a command does at each point; `state` is its own. */
struct play {
    void *state;
    int (*run)(void *state, struct err *err);
    int (*write)(void *state, const char *folder, struct err *err);
    void (*print)(void *state, FILE *out); /* unless --quiet */
};

/* Runs, writes where -o says, prints. */
int play_study(const struct play *play, const struct command_line *line,
               struct err *err);

#endif
