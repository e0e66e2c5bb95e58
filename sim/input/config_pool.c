#include "input/config_pool.h"

#include <string.h>
#include <unistd.h>

const struct config_pool_preset config_pool_presets[CONFIG_POOL_PRESETS] = {
    [CONFIG_POOL_ACCELERATOR] = {"accelerator", "accelerators", "accelerator"},
    [CONFIG_POOL_MODEL] = {"model", "models", "model"},
    [CONFIG_POOL_ENGINE] = {"engine", "engines", "engine"},
    [CONFIG_POOL_POLICY] = {"policy", "policies", "policy"},
};

static struct field_table based(const struct field_table *table, size_t base)
{
    struct field_table moved = *table;
    moved.base = base;
    return moved;
}

void config_pool_tables(struct field_table tables[CONFIG_POOL_TABLES])
{
    tables[CONFIG_POOL_ACCELERATOR] =
        based(&accelerator_table, offsetof(struct pool_config, accelerator));
    tables[CONFIG_POOL_MODEL] = based(&llm_table, offsetof(struct pool_config, llm));
    tables[CONFIG_POOL_ENGINE] =
        based(&constants_table, offsetof(struct pool_config, constants));
    tables[CONFIG_POOL_POLICY] =
        based(&pool_scheduler_table, offsetof(struct pool_config, scheduler));
    tables[CONFIG_POOL_PRESETS] = based(&pool_table, 0);
    tables[CONFIG_POOL_PRESETS + 1] =
        based(&cost_table, offsetof(struct pool_config, cost));
    tables[CONFIG_POOL_PRESETS + 2] =
        based(&price_table, offsetof(struct pool_config, price));
}

void config_pool_roots(char roots[CONFIG_POOL_ROOTS][400])
{
    snprintf(roots[0], 400, ".");
    snprintf(roots[1], 400, "%s", SERVESIM_DATA_DIR);
    char program[300];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *end = strrchr(program, '/');
    snprintf(roots[2], 400, "%.*s/%s", end != NULL ? (int)(end - program) : 0, program,
             SERVESIM_SHARE_DIR);
}

bool config_pool_find(const char *folder, const char *name, char path[512])
{
    size_t length = strlen(name);
    if (strchr(name, '/') != NULL ||
        (length > 4 && strcmp(name + length - 4, ".ini") == 0)) {
        return snprintf(path, 512, "%s", name) < 512 && access(path, F_OK) == 0;
    }
    char roots[CONFIG_POOL_ROOTS][400];
    config_pool_roots(roots);
    for (int i = 0; i < CONFIG_POOL_ROOTS; i++) {
        if (snprintf(path, 512, "%s/configs/%s/%s.ini", roots[i], folder, name) < 512 &&
            access(path, F_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the section gives every key of the table itself, so that no file is needed. */
static bool gives_all(const struct settings *settings, const char *section,
                      const struct field_table *table)
{
    for (int32_t i = 0; i < table->n_fields; i++) {
        if (settings_find(settings, section, table->fields[i].key) == NULL) {
            return false;
        }
    }
    return true;
}

int config_pool_read_preset(void *base, const struct settings *settings,
                            const char *section,
                            const struct config_pool_preset *preset,
                            const struct field_table *table, const char *name,
                            struct arena *arena, struct err *err)
{
    if (gives_all(settings, section, table)) {
        return 0;
    }
    char path[512];
    if (!config_pool_find(preset->folder, name, path)) {
        const struct settings_entry *entry =
            settings_find(settings, section, preset->key);
        char reason[400];
        snprintf(reason, sizeof reason,
                 "'%.100s' is not known: there is no configs/%s/%.100s.ini (see "
                 "'servesim list "
                 "%s')",
                 name, preset->folder, name, preset->folder);
        return entry != NULL ? settings_refuse(entry, reason, err)
                             : err_set(err, "%s: [%s] %s: %s", settings->file, section,
                                       preset->key, reason);
    }
    struct settings file = {0};
    char known[80];
    snprintf(known, sizeof known, "%s", preset->section);
    if (settings_read(&file, path, arena, err) != 0 ||
        settings_apply(&file, preset->section, table, 1, base, arena, err) != 0) {
        return -1;
    }
    return settings_check_used(&file, known, err);
}

/* The number of a field that has no default. */
static int64_t *number_of(const struct field_table *table, int32_t i, void *pool)
{
    /* offsets count bytes */
    return (int64_t *)(void *)((char *)pool + table->base + table->fields[i].offset);
}

/* What nobody named and nobody gave is 0. */
static void forget_missing(const struct field_table *table, struct pool_config *pool)
{
    for (const struct field *field; (field = field_missing(table, pool)) != NULL;) {
        *number_of(table, (int32_t)(field - table->fields), pool) = 0;
    }
}

/* The name of the file that stands behind a table; "" if none does. */
static const char *preset_name(const struct pool_config *pool, int32_t i)
{
    switch (i) {
    case CONFIG_POOL_ACCELERATOR:
        return pool->accelerator_name;
    case CONFIG_POOL_MODEL:
        return pool->model_name;
    case CONFIG_POOL_ENGINE: /* constants of the roofline */
        return pool->cost.kind == COST_ROOFLINE ? pool->engine_name : "";
    default:
        return pool->policy_name;
    }
}

void config_pool_drop_replaced(struct settings *settings, const char *section,
                               const struct config_pool_preset *preset,
                               const struct field_table *table)
{
    const struct settings_entry *entry = settings_find(settings, section, preset->key);
    if (entry != NULL && entry->line == 0 && gives_all(settings, section, table)) {
        settings_drop(settings, section, table);
    }
}

/* A price that the section gives, and whose it does not say, is not the file's vendor's:
 * nor is one that -s puts on what a run wrote. */
static void name_own_prices(struct pool_config *pool, const struct settings *settings,
                            const char *section)
{
    static const char own[] = "given";
    struct accelerator *gpu = &pool->accelerator;
    const struct {
        const char *key;
        const char *source_key;
        const char **source;
    } prices[] = {
        {"usd_per_hour", "price_source", &gpu->price_source},
        {"usd_per_hour_reserved", "reserved_source", &gpu->reserved_source},
        {"usd_per_hour_spot", "spot_source", &gpu->spot_source},
        {"capex_usd", "capex_source", &gpu->capex_source},
    };
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        const struct settings_entry *price =
            settings_find(settings, section, prices[i].key);
        const struct settings_entry *source =
            settings_find(settings, section, prices[i].source_key);
        if (price != NULL &&
            (source == NULL || (price->line == 0 && source->line != 0))) {
            *prices[i].source = own;
        }
    }
}

int config_pool_read(struct pool_config *pool, struct settings *settings,
                     const char *section, const char *name, struct arena *arena,
                     struct err *err)
{
    struct field_table tables[CONFIG_POOL_TABLES];
    config_pool_tables(tables);
    for (int32_t i = 0; i < CONFIG_POOL_PRESETS; i++) {
        config_pool_drop_replaced(settings, section, &config_pool_presets[i],
                                  &tables[i]);
    }
    pool->name = memory_arena_text(arena, name);
    for (int32_t i = 0; i < CONFIG_POOL_TABLES; i++) {
        field_defaults(&tables[i], pool, arena);
    }
    /* once for the names of the files, and once more over what the files say */
    if (settings_apply(settings, section, tables, CONFIG_POOL_TABLES, pool, arena,
                       err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < CONFIG_POOL_PRESETS; i++) {
        if (preset_name(pool, i)[0] != '\0' &&
            config_pool_read_preset(pool, settings, section, &config_pool_presets[i],
                                    &tables[i], preset_name(pool, i), arena,
                                    err) != 0) {
            return -1;
        }
    }
    if (settings_apply(settings, section, tables, CONFIG_POOL_TABLES, pool, arena,
                       err) != 0) {
        return -1;
    }
    name_own_prices(pool, settings, section);
    for (int32_t i = 0; i < CONFIG_POOL_PRESETS; i++) {
        if (preset_name(pool, i)[0] == '\0') {
            forget_missing(&tables[i], pool);
        } else if (settings_check_given(settings, section, &tables[i], 1, pool, err) !=
                   0) {
            return -1;
        }
    }
    return 0;
}

/* Writes what is known of a table behind which no file stands: 0 is what was not given. */
static void print_known(const struct field_table *table, const struct pool_config *pool,
                        FILE *out)
{
    for (int32_t i = 0; i < table->n_fields; i++) {
        struct field_table row = {.name = table->name,
                                  .fields = &table->fields[i],
                                  .n_fields = 1,
                                  .base = table->base};
        if (table->fields[i].standard != NULL ||
            *number_of(table, i, (void *)pool) != 0) {
            settings_print(out, &row, pool);
        }
    }
}

void config_pool_print(const struct pool_config *pool, FILE *out)
{
    struct field_table tables[CONFIG_POOL_TABLES];
    config_pool_tables(tables);
    settings_print(out, &tables[CONFIG_POOL_PRESETS], pool);
    settings_print(out, &tables[CONFIG_POOL_PRESETS + 1], pool);
    settings_print(out, &tables[CONFIG_POOL_PRESETS + 2], pool);
    for (int32_t i = 0; i < CONFIG_POOL_PRESETS; i++) {
        if (preset_name(pool, i)[0] == '\0') {
            print_known(&tables[i], pool, out);
        } else {
            settings_print(out, &tables[i], pool);
        }
    }
}
