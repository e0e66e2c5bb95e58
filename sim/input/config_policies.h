/* config_policies: whether the policies that a configuration names exist and go together.
 *
 * Batching, order and preemption combine freely where that makes sense.  Where it does not,
 * and where a key would mean nothing to the chosen discipline, the sentence names both.
 */
#ifndef SERVESIM_INPUT_CONFIG_POLICIES_H
#define SERVESIM_INPUT_CONFIG_POLICIES_H

#include "input/config.h"
#include "input/settings.h"

/* -1 and `err` if not; what they leave to each other (`auto`) is settled. */
int config_policies_check(struct config *config, const struct settings *settings,
                          struct err *err);

#endif
