/* config_scale: the [scale.POOL] sections, and pools that share their GPUs.
 *
 * Each section speaks of the pool of its name.  What it leaves out follows from the pool,
 * its schedule and [slo].
 */
#ifndef SERVESIM_INPUT_CONFIG_SCALE_H
#define SERVESIM_INPUT_CONFIG_SCALE_H

#include <stdio.h>

#include "input/config.h"
#include "input/settings.h"

/* After the pools have been read. */
int config_scale_read(struct config *config, struct settings *settings,
                      struct arena *arena, struct err *err);

/* The sections that the configuration has. */
void config_scale_print(const struct config *config, FILE *out);

#endif
