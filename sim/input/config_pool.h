/* config_pool: a [pool.NAME] section and the files it names. */
#ifndef SERVESIM_INPUT_CONFIG_POOL_H
#define SERVESIM_INPUT_CONFIG_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"
#include "engine/pool.h"
#include "input/settings.h"

/* The kinds of files that a pool names; `key` is the pool's key and the file's section. */
enum {
    CONFIG_POOL_ACCELERATOR,
    CONFIG_POOL_MODEL,
    CONFIG_POOL_ENGINE,
    CONFIG_POOL_POLICY,
    CONFIG_POOL_PRESETS
};

struct config_pool_preset {
    const char *key;
    const char *folder; /* below configs/ */
};

extern const struct config_pool_preset config_pool_presets[CONFIG_POOL_PRESETS];

/* The tables of a pool's keys, their bases being offsets in struct pool_config: those of
 * the presets in their order, then the pool's own and the cost's. */
enum { CONFIG_POOL_TABLES = CONFIG_POOL_PRESETS + 2 };
void config_pool_tables(struct field_table tables[CONFIG_POOL_TABLES]);

/* Reads the section `section` ("pool.main") into a pool called `name`. */
int config_pool_read(struct pool_config *pool, struct settings *settings,
                     const char *section, const char *name, struct arena *arena,
                     struct err *err);

/* Writes the pool's keys, every one of them. */
void config_pool_print(const struct pool_config *pool, FILE *out);

/* The folders below which configs/ is looked for, in order: where we are, where servesim
 * was built, where it is installed. */
enum { CONFIG_POOL_ROOTS = 3 };
void config_pool_roots(char roots[CONFIG_POOL_ROOTS][400]);

/* The path of a preset's file: `name` itself if it has a '/' or ends with ".ini", else
 * configs/FOLDER/NAME.ini below one of the roots.  False if there is none. */
bool config_pool_find(const char *folder, const char *name, char path[512]);

#endif
