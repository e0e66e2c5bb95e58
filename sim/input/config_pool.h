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

/* The kinds of files that a pool names. */
enum {
    CONFIG_POOL_ACCELERATOR,
    CONFIG_POOL_MODEL,
    CONFIG_POOL_ENGINE,
    CONFIG_POOL_POLICY,
    CONFIG_POOL_PRESETS
};

struct config_pool_preset {
    const char *key;     /* of the pool */
    const char *folder;  /* below configs/ */
    const char *section; /* of the file */
};

extern const struct config_pool_preset config_pool_presets[CONFIG_POOL_PRESETS];

/* The tables of a pool's keys, their bases being offsets in struct pool_config: those of
 * the presets in their order, then the pool's own, the cost's and the price's. */
enum { CONFIG_POOL_TABLES = CONFIG_POOL_PRESETS + 3 };
void config_pool_tables(struct field_table tables[CONFIG_POOL_TABLES]);

/* Reads the section `section` ("pool.main") into a pool called `name`. */
int config_pool_read(struct pool_config *pool, struct settings *settings,
                     const char *section, const char *name, struct arena *arena,
                     struct err *err);

/* Reads the preset that the section's key names into the table's struct inside `base`; not
 * if the section gives all of it itself. */
int config_pool_read_preset(void *base, const struct settings *settings,
                            const char *section,
                            const struct config_pool_preset *preset,
                            const struct field_table *table, const char *name,
                            struct arena *arena, struct err *err);

/* -s names another file on a configuration that a run wrote, in which every key stands:
 * those keys are the old file's, so they go. */
void config_pool_drop_replaced(struct settings *settings, const char *section,
                               const struct config_pool_preset *preset,
                               const struct field_table *table);

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
