#include "input/import_args_paste.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "input/config_pool.h"

const struct import_args_program *import_args_paste_program(
    const struct pool_config *pool)
{
    static const struct {
        const char *prefix;
        const struct import_args_program *program;
    } known[] = {
        {"vllm", &import_vllm_args_program},
        {"sglang", &import_sglang_args_program},
    };
    const char *const names[] = {pool->engine_name, pool->policy_name};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (strncmp(names[n], known[i].prefix, strlen(known[i].prefix)) == 0) {
                return known[i].program;
            }
        }
        if (strncmp(names[n], "trtllm", strlen("trtllm")) == 0) {
            return NULL; /* whatever its policy mirrors */
        }
    }
    return NULL;
}

const char *import_args_paste_value(const struct pool_config *pool, const char *key,
                                    struct arena *arena)
{
    struct field_table tables[CONFIG_POOL_TABLES];
    config_pool_tables(tables);
    char text[256];
    const struct field *field = NULL;
    int32_t i = 0;
    while (i < CONFIG_POOL_TABLES && (field = field_find(&tables[i], key)) == NULL) {
        i++;
    }
    CHECK(field != NULL);
    field_print(field, (const char *)pool + tables[i].base,
                text); /* base is in bytes */
    return memory_arena_text(arena, text);
}

static void note(struct import_args_paste *paste, const char **list, int32_t *n,
                 const char *name, const char *between, const char *value)
{
    char text[400];
    CHECK(*n < IMPORT_ARGS_PASTE_MOST);
    snprintf(text, sizeof text, "%.60s%s%.300s", name, between, value);
    list[(*n)++] = memory_arena_text(paste->arena, text);
}

/* Whether `choices` of a program, asked by name, could take the value: both programs know
 * fewer orders than there are. */
static bool can_say(const struct import_args_paste *paste, const char *key,
                    const char *value)
{
    bool is_vllm = paste->program == &import_vllm_args_program;
    return strcmp(key, "order") != 0 ||
           (is_vllm && (strcmp(value, "fcfs") == 0 || strcmp(value, "priority") == 0));
}

void import_args_paste_add(struct import_args_paste *paste, const char *key,
                           const char *value)
{
    const struct import_args_program *program = paste->program;
    bool is_switch = false;
    for (int32_t i = 0; program != NULL && i < program->n_flags; i++) {
        const struct import_args_flag *flag = &program->flags[i];
        if (flag->effect != IMPORT_ARGS_SET || strcmp(flag->key, key) != 0) {
            continue;
        }
        is_switch = flag->value != NULL;
        if (!is_switch && can_say(paste, key, value)) {
            note(paste, paste->flags, &paste->n_flags, flag->name, " ", value);
            return;
        }
        if (is_switch && strcmp(flag->value, value) == 0) {
            note(paste, paste->flags, &paste->n_flags, flag->name, "", "");
            return;
        }
    }
    if (!is_switch) { /* a switch that is left out says the other value */
        note(paste, paste->missing, &paste->n_missing, key, " = ", value);
    }
}

void import_args_paste_make(struct import_args_paste *paste,
                            const struct pool_config *pool, const char *const *keys,
                            int32_t n_keys, struct arena *arena)
{
    *paste = (struct import_args_paste){
        .program = import_args_paste_program(pool), .pool = pool, .arena = arena};
    for (int32_t i = 0; i < n_keys; i++) {
        const char *value = import_args_paste_value(pool, keys[i], arena);
        if (paste->program == NULL || !paste->program->paste(paste, keys[i], value)) {
            import_args_paste_add(paste, keys[i], value);
        }
    }
}
