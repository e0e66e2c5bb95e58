#include "input/variant.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

enum { OWNERS_BYTES = 256 };

/* The table that the deciding key of the section names, or NULL with `err` filled. */
static const struct field_table *choose(struct settings *settings, const char *section,
                                        const struct field_table *tables,
                                        int32_t n_tables, void *base,
                                        struct arena *arena, struct err *err)
{
    const struct field *field = tables[0].fields;
    CHECK(tables[0].n_fields == 1 && field->type == FIELD_CHOICE);
    field_defaults(&tables[0], base, arena);
    const struct settings_entry *entry = settings_use(settings, section, field->key);
    if (entry == NULL) {
        settings_check_given(settings, section, tables, 1, base, err);
        return NULL;
    }
    struct err reason;
    char *inside = (char *)base + tables[0].base; /* offsets count bytes */
    if (field_read(field, inside, entry->value, arena, &reason) != 0) {
        settings_refuse(entry, reason.text, err);
        return NULL;
    }
    int64_t choice = 0;
    memcpy(&choice, inside + field->offset, sizeof choice);
    CHECK(choice + 1 < n_tables && strcmp(tables[choice + 1].name, entry->value) == 0);
    return &tables[choice + 1];
}

/* The names of the tables that have the key, as "gamma or cox". */
static void owners_print(const struct field_table *tables, int32_t n_tables,
                         const char *key, char names[OWNERS_BYTES])
{
    size_t used = 0;
    names[0] = '\0';
    for (int32_t t = 1; t < n_tables && used < OWNERS_BYTES; t++) {
        if (field_find(&tables[t], key) != NULL) {
            const char *between = used > 0 ? " or " : "";
            used += (size_t)snprintf(names + used, OWNERS_BYTES - used, "%s%s", between,
                                     tables[t].name);
        }
    }
}

/* -1 if the section has a key that other tables have and the chosen one has not. */
static int check_foreign(const struct settings *settings, const char *section,
                         const struct field_table *tables, int32_t n_tables,
                         const struct field_table *chosen, struct err *err)
{
    for (int32_t t = 1; t < n_tables; t++) {
        for (int32_t i = 0; i < tables[t].n_fields; i++) {
            const char *key = tables[t].fields[i].key;
            const struct settings_entry *entry = settings_find(settings, section, key);
            if (entry != NULL && field_find(chosen, key) == NULL) {
                char owners[OWNERS_BYTES];
                owners_print(tables, n_tables, key, owners);
                struct err reason;
                err_set(&reason, "this key goes with %s = %s, not with %s",
                        tables[0].fields->key, owners, chosen->name);
                return settings_refuse(entry, reason.text, err);
            }
        }
    }
    return 0;
}

int variant_read(struct settings *settings, const char *section,
                 const struct field_table *tables, int32_t n_tables, void *base,
                 struct arena *arena, struct err *err)
{
    const struct field_table *chosen =
        choose(settings, section, tables, n_tables, base, arena, err);
    if (chosen == NULL ||
        check_foreign(settings, section, tables, n_tables, chosen, err) != 0) {
        return -1;
    }
    field_defaults(chosen, base, arena);
    if (settings_apply(settings, section, chosen, 1, base, arena, err) != 0) {
        return -1;
    }
    return settings_check_given(settings, section, chosen, 1, base, err);
}
