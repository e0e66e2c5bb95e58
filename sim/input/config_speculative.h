/* config_speculative: the [speculative] section, and the model that it may name.
 *
 * As in a pool, what the file of `draft_model` says may be given in the section itself, key
 * by key, and a configuration that a run wrote has all of it there.  Keys of another
 * method than the one chosen mean nothing, so that methods can be compared.
 */
#ifndef SERVESIM_INPUT_CONFIG_SPECULATIVE_H
#define SERVESIM_INPUT_CONFIG_SPECULATIVE_H

#include <stdio.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "input/settings.h"

/* Reads the section into config->speculative. */
int config_speculative_read(struct config *config, struct settings *settings,
                            struct arena *arena, struct err *err);

/* Hands it to the pools; -1 if it says what contradicts itself or them. */
int config_speculative_apply(struct config *config, const struct settings *settings,
                             struct err *err);

/* Writes every key. */
void config_speculative_print(const struct config *config, FILE *out);

#endif
