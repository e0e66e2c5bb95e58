#include "input/config_prices.h"

#include <stdio.h>
#include <string.h>

#include "input/config_pool.h"

static const struct {
    const char *key;
    size_t value; /* of an int64_t and of its source in struct accelerator */
    size_t source;
} prices[] = {
    {"usd_per_hour", offsetof(struct accelerator, usd_per_hour_nano),
     offsetof(struct accelerator, price_source)},
    {"usd_per_hour_reserved", offsetof(struct accelerator, usd_per_hour_reserved_nano),
     offsetof(struct accelerator, reserved_source)},
    {"usd_per_hour_spot", offsetof(struct accelerator, usd_per_hour_spot_nano),
     offsetof(struct accelerator, spot_source)},
    {"capex_usd", offsetof(struct accelerator, capex_usd_nano),
     offsetof(struct accelerator, capex_source)},
};
enum { N_PRICES = sizeof prices / sizeof prices[0] };

/* The accelerator's section of the book, over `gpu`, if there is one. */
static int read_book(const char *path, const char *name, struct accelerator *gpu,
                     struct settings *file, struct arena *arena, struct err *err)
{
    if (settings_read(file, path, arena, err) != 0 ||
        settings_apply(file, name, &accelerator_table, 1, gpu, arena, err) != 0) {
        return -1;
    }
    const struct settings_section *section = NULL;
    while ((section = settings_next(file, "", section)) != NULL) {
        settings_use_section(file, section->name);
    }
    return settings_check_used(file, name, err);
}

int config_prices_apply(struct pool_config *pool, const struct settings *settings,
                        const char *section, const char *book, struct arena *arena,
                        struct err *err)
{
    char path[512];
    struct settings file = {0};
    struct accelerator gpu = pool->accelerator;
    if (book[0] == '\0' || pool->accelerator_name[0] == '\0') {
        return 0;
    }
    if (!config_pool_find("prices", book, path)) {
        return err_set(err,
                       "%s: [price] book: '%.100s' is not known: there is no "
                       "configs/prices/%.100s.ini (see 'servesim list prices')",
                       settings->file, book, book);
    }
    if (read_book(path, pool->accelerator_name, &gpu, &file, arena, err) != 0) {
        return -1;
    }
    for (int i = 0; i < N_PRICES; i++) {
        bool own = settings_find(settings, section, prices[i].key) != NULL;
        bool told = settings_find(&file, pool->accelerator_name, prices[i].key) != NULL;
        if (told && !own) {
            memcpy((char *)&pool->accelerator + prices[i].value,
                   (char *)&gpu + prices[i].value, sizeof(int64_t));
            memcpy((char *)&pool->accelerator + prices[i].source,
                   (char *)&gpu + prices[i].source, sizeof(const char *));
        }
    }
    return 0;
}
