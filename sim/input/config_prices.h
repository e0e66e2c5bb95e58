/* config_prices: one vendor's prices of many accelerators: configs/prices/NAME.ini.
 *
 * A book has a section per accelerator, with the keys of an accelerator that are about
 * money.  `[price] book` puts them over what accelerators' own files say, which are of many
 * vendors, but not over what a pool says itself.  An accelerator that the book does not have
 * keeps its own price, and its own vendor is named.
 */
#ifndef SERVESIM_INPUT_CONFIG_PRICES_H
#define SERVESIM_INPUT_CONFIG_PRICES_H

#include "base/err.h"
#include "base/memory.h"
#include "engine/pool.h"
#include "input/settings.h"

/* Gives the pool, which is that section's, its prices from the book of that name ("":
 * there is none). */
int config_prices_apply(struct pool_config *pool, const struct settings *settings,
                        const char *section, const char *book, struct arena *arena,
                        struct err *err);

#endif
