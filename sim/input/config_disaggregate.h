/* config_disaggregate: whether pools that prefill and pools that decode go together.
 *
 * A prefill pool needs a decode pool that serves what it serves, and the other way round;
 * and what is sent must be what the other side would have computed: the same layers, heads
 * and kv_precision.  Weights may differ in their precision.
 */
#ifndef SERVESIM_INPUT_CONFIG_DISAGGREGATE_H
#define SERVESIM_INPUT_CONFIG_DISAGGREGATE_H

#include "base/err.h"
#include "input/config.h"
#include "input/settings.h"

/* After all pools were read. */
int config_disaggregate_check(const struct config *config,
                              const struct settings *settings, struct err *err);

#endif
