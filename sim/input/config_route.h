/* config_route: the [route] section, and which pools serve whom.
 *
 * Keys of another policy than the one chosen mean nothing, so that policies can be
 * compared.
 */
#ifndef SERVESIM_INPUT_CONFIG_ROUTE_H
#define SERVESIM_INPUT_CONFIG_ROUTE_H

#include <stdio.h>

#include "engine/served.h"
#include "input/config.h"
#include "input/settings.h"

enum { CONFIG_ROUTE_FIELDS = 14 };

/* Of a struct route_config. */
extern const struct field config_route_fields[CONFIG_ROUTE_FIELDS];

/* Fills `served` from the pools' keys. */
int config_route_served(const struct config *config, struct served *served,
                        struct arena *arena, int32_t *faulty, struct err *err);

/* Whether the section's policies are known, and what pools say of whom they serve. */
int config_route_check(const struct config *config, const struct settings *settings,
                       struct arena *arena, struct err *err);

/* Says which pools requests may go to, by the model and the class that they name; nothing
 * if there is one pool that serves all. */
void config_route_print(const struct config *config, FILE *out);

#endif
