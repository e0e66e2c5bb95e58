#include "input/config_speculative.h"

#include "input/config_pool.h"
#include "policy/policy.h"

static const char section[] = "speculative";

static const struct config_pool_preset draft_preset = {
    .key = "draft_model", .folder = "models", .section = "model"};

static const struct field_table own_table = {
    .name = section, .fields = speculative_fields, .n_fields = SPECULATIVE_FIELDS};

/* The section's own keys and those of the model that drafts. */
enum { TABLES = 2 };

static void fill_tables(struct field_table tables[TABLES])
{
    tables[0] = own_table;
    tables[1] = llm_table;
    tables[1].base = offsetof(struct speculative_config, draft);
}

int config_speculative_read(struct config *config, struct settings *settings,
                            struct arena *arena, struct err *err)
{
    struct speculative_config *speculative = &config->speculative;
    struct field_table tables[TABLES];
    fill_tables(tables);
    field_defaults(&tables[0], speculative, arena);
    field_defaults(&tables[1], speculative, arena);
    const struct settings_entry *named =
        settings_find(settings, section, draft_preset.key);
    if (named == NULL || named->value[0] == '\0') {
        return settings_apply(settings, section, tables, 1, speculative, arena, err);
    }
    config_pool_drop_replaced(settings, section, &draft_preset, &tables[1]);
    /* once for the name of the file, and once more over what it says */
    if (settings_apply(settings, section, tables, TABLES, speculative, arena, err) !=
            0 ||
        config_pool_read_preset(speculative, settings, section, &draft_preset,
                                &tables[1], speculative->draft_model_name, arena,
                                err) != 0 ||
        settings_apply(settings, section, tables, TABLES, speculative, arena, err) !=
            0) {
        return -1;
    }
    return settings_check_given(settings, section, tables, TABLES, speculative, err);
}

static int check_pool(const struct config *config, const struct pool_config *pool,
                      struct err *err)
{
    const struct speculative_config *speculative = &config->speculative;
    if (speculative->method == SPECULATIVE_NONE) {
        return 0;
    }
    if (speculative->method == SPECULATIVE_DRAFT && pool->cost.kind == COST_ROOFLINE &&
        speculative->draft_model_name[0] == '\0') {
        return err_set(err,
                       "%s: [%s] draft_model: must be given with method = draft (see "
                       "'servesim list models')",
                       config->file, section);
    }
    if (!policy_batching(pool->scheduler.batching)->speculates) {
        return err_set(err,
                       "%s: [%s] method: batching = %.80s verifies no drafted tokens; "
                       "expected method = none",
                       config->file, section, pool->scheduler.batching);
    }
    return 0;
}

int config_speculative_apply(struct config *config, const struct settings *settings,
                             struct err *err)
{
    const struct speculative_config *speculative = &config->speculative;
    int64_t unused[SPECULATIVE_MOST];
    struct err reason;
    if (speculative_read_acceptance(speculative, unused, &reason) != 0) {
        const struct settings_entry *entry =
            settings_find(settings, section, "acceptance_by_position");
        return settings_refuse(entry, reason.text, err);
    }
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (check_pool(config, &config->pools[i], err) != 0) {
            return -1;
        }
        config->pools[i].speculative = *speculative;
    }
    return 0;
}

void config_speculative_print(const struct config *config, FILE *out)
{
    struct field_table tables[TABLES];
    fill_tables(tables);
    settings_print(out, &tables[0], &config->speculative);
    if (config->speculative.draft_model_name[0] != '\0') {
        settings_print(out, &tables[1], &config->speculative);
    }
}
