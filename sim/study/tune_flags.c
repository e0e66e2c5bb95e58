#include "study/tune_flags.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "input/config_pool.h"
#include "input/import_args_paste.h"
#include "study/tune_layouts.h"

static const char parallelism[] = "parallelism";

enum need { ALWAYS, LEDGER, BY_ENGINE };

/* Which values are tried where the user names none. */
struct known {
    const char *key;
    const char *batching; /* names, with a space around each; "": any */
    enum need need;
    const char *values;
};

static const struct known all_known[] = {
    {"max_num_batched_tokens", " unified prefill_first sglang ", ALWAYS,
     "1024 2048 4096 8192 16384 32768"},
    {"max_num_batched_tokens", " sarathi ", ALWAYS, "256 512 1024 2048 4096 8192"},
    {"max_num_seqs", "", ALWAYS, "16 32 64 128 256 512 1024"},
    {"gpu_memory_utilization", "", LEDGER, "0.8 0.85 0.9 0.95"},
    {"block_size", "", BY_ENGINE, ""},
    {"enable_chunked_prefill", " unified prefill_first ", ALWAYS, "no yes"},
    {"long_prefill_token_threshold", " unified ", ALWAYS, "0 512 1024 2048 4096"},
    {"chunked_prefill_size", " sglang ", ALWAYS, "0 2048 4096 8192 16384"},
    {"enable_mixed_chunk", " sglang ", ALWAYS, "no yes"},
    {"schedule_conservativeness", " sglang ", ALWAYS, "0.3 0.6 1 1.3"},
    {"enable_prefix_caching", "", ALWAYS, "no yes"},
    {"order", "", BY_ENGINE, ""},
};
enum { N_KNOWN = sizeof all_known / sizeof all_known[0] };

/* What is known of a configuration while its flags are read. */
struct reading {
    struct tune_flags *flags;
    const struct config *config;
    const struct pool_config *pool;
    struct arena *arena;
    const char *asked
        [TUNE_LAYOUTS_DEGREES]; /* values the user named, "" for all; NULL: not to vary */
};

static bool names(const char *list, const char *name)
{
    char word[80];
    snprintf(word, sizeof word, " %.70s ", name);
    return list[0] == '\0' || strstr(list, word) != NULL;
}

static bool has_hardware(const struct pool_config *pool)
{
    return pool->accelerator_name[0] != '\0' && pool->model_name[0] != '\0';
}

/* vLLM's CUDA kernels take blocks of up to 32 tokens; SGLang's pages begin at one. */
static const char *values_of(const struct known *known, const struct pool_config *pool)
{
    const struct import_args_program *program = import_args_paste_program(pool);
    bool is_block = strcmp(known->key, "block_size") == 0;
    bool has_ledger = has_hardware(pool) && pool->num_gpu_blocks == 0;
    if ((known->need == LEDGER || is_block) && !has_ledger) {
        return NULL;
    }
    if (known->need != BY_ENGINE) {
        return known->values;
    }
    if (program == &import_vllm_args_program) {
        return is_block ? "16 32" : "fcfs priority";
    }
    if (program == &import_sglang_args_program) {
        return is_block ? "1 16 32 64" : "fcfs lpm";
    }
    return is_block ? "16 32 64" : NULL;
}

static const struct known *find_known(const char *key, const struct pool_config *pool)
{
    for (int i = 0; i < N_KNOWN; i++) {
        const struct known *known = &all_known[i];
        if (strcmp(known->key, key) == 0 &&
            names(known->batching, pool->scheduler.batching) &&
            values_of(known, pool) != NULL) {
            return known;
        }
    }
    return NULL;
}

const char *tune_flags_override(const struct pool_config *pool, const char *key,
                                const char *value, struct arena *arena)
{
    char text[512];
    int length = snprintf(text, sizeof text, "pool.%s.%s=%s", pool->name, key, value);
    CHECK(length < (int)sizeof text);
    return memory_arena_text(arena, text);
}

/* The value as the field prints it, so that 0.90 is 0.9. */
static int settle(const struct reading *reading, const char *key, const char *value,
                  const char **settled, struct err *err)
{
    struct field_table tables[CONFIG_POOL_TABLES];
    struct pool_config *pool = ARENA_NEW(reading->arena, 1, struct pool_config);
    config_pool_tables(tables);
    *pool = *reading->pool;
    for (int32_t i = 0; i < CONFIG_POOL_TABLES; i++) {
        const struct field *field = field_find(&tables[i], key);
        struct err reason;
        if (field != NULL && field_read(field, (char *)pool + tables[i].base, value,
                                        reading->arena, &reason) != 0) {
            return err_set(err, "%s: [tune] flags: %s: %.700s", reading->config->file,
                           key, reason.text);
        }
    }
    *settled = import_args_paste_value(pool, key, reading->arena);
    return 0;
}

static struct tune_flags_flag *new_flag(const struct reading *reading, const char *name)
{
    struct tune_flags_flag *flag = &reading->flags->list[reading->flags->n];
    *flag =
        (struct tune_flags_flag){.name = name,
                                 .values = ARENA_NEW(reading->arena, TUNE_FLAGS_VALUES,
                                                     struct tune_flags_value)};
    return flag;
}

static int too_many(const struct reading *reading, struct err *err)
{
    return err_set(err, "%s: [tune] flags: more than %d flags, or %d values of one",
                   reading->config->file, TUNE_FLAGS_MOST, TUNE_FLAGS_VALUES);
}

/* A flag that is one key: its present value, and what `list` names. */
static int add_key(const struct reading *reading, const char *key, const char *list,
                   struct err *err)
{
    struct tune_flags_flag *flag = new_flag(reading, key);
    const char *was = import_args_paste_value(reading->pool, key, reading->arena);
    char *rest = memory_arena_text(reading->arena, list);
    flag->keys[flag->n_keys++] = key;
    flag->was = -1;
    for (bool last = false; !last;) {
        char *word = rest != NULL ? strsep(&rest, " \t") : NULL;
        const char *value = was;
        last = word == NULL;
        if ((last && flag->was >= 0) || (!last && *word == '\0')) {
            continue;
        }
        if (!last && settle(reading, key, word, &value, err) != 0) {
            return -1;
        }
        int32_t i = 0;
        while (i < flag->n_values && strcmp(flag->values[i].shown, value) != 0) {
            i++;
        }
        if (i == TUNE_FLAGS_VALUES || reading->flags->n == TUNE_FLAGS_MOST) {
            return too_many(reading, err);
        }
        flag->was = strcmp(value, was) == 0 ? i : flag->was;
        flag->n_values += i == flag->n_values;
        flag->values[i] =
            (struct tune_flags_value){.shown = value,
                                      .overrides = {tune_flags_override(
                                          reading->pool, key, value, reading->arena)},
                                      .n_overrides = 1};
    }
    reading->flags->n += flag->n_values > 1;
    return 0;
}

/* Every factoring of the configuration's GPUs that a model can be spread over. */
static int add_parallelism(const struct reading *reading, struct err *err)
{
    struct tune_flags_flag *flag = new_flag(reading, parallelism);
    if (!tune_layouts_fill(flag, reading->pool, reading->asked, reading->arena) ||
        (flag->n_values > 1 && reading->flags->n == TUNE_FLAGS_MOST)) {
        return too_many(reading, err);
    }
    reading->flags->n += flag->n_values > 1;
    return 0;
}

static bool is_key(const char *key, const char **nearest)
{
    struct field_table tables[CONFIG_POOL_TABLES];
    config_pool_tables(tables);
    bool found = false;
    for (int32_t i = 0; i < CONFIG_POOL_TABLES; i++) {
        found = found || field_find(&tables[i], key) != NULL;
    }
    *nearest = found ? NULL : field_nearest(tables, CONFIG_POOL_TABLES, key);
    return found;
}

/* "key" or "key value value ..." */
static int add_asked(struct reading *reading, char *word, struct err *err)
{
    const char *file = reading->config->file;
    word += strspn(word, " \t");
    char *list = word + strcspn(word, " \t");
    list += *list != '\0';
    word[strcspn(word, " \t")] = '\0';
    const char *nearest;
    bool named = list[strspn(list, " \t")] != '\0';
    if (!is_key(word, &nearest)) {
        return err_set(err, "%s: [tune] flags: '%.100s' is no key of a pool%s%s%s",
                       file, word, nearest != NULL ? " (did you mean " : "",
                       nearest != NULL ? nearest : "", nearest != NULL ? "?)" : "");
    }
    for (int i = 0; i < TUNE_LAYOUTS_DEGREES; i++) {
        if (strcmp(word, tune_layouts_keys[i]) == 0) {
            bool applies = has_hardware(reading->pool);
            if (reading->asked[i] == NULL && applies) {
                reading->asked[i] = list;
                return 0;
            }
            return err_set(err, "%s: [tune] flags: %s: %s", file, word,
                           applies
                               ? "is there twice"
                               : "means nothing without an accelerator and a model");
        }
    }
    if (tune_flags_find(reading->flags, word) >= 0) {
        return err_set(err, "%s: [tune] flags: %s: is there twice", file, word);
    }
    const struct known *known = find_known(word, reading->pool);
    if (known == NULL && !named) {
        return err_set(err,
                       "%s: [tune] flags: %s: has no values to try with batching = %s "
                       "(expected '%s value value ...')",
                       file, word, reading->pool->scheduler.batching, word);
    }
    return add_key(reading, word, named ? list : values_of(known, reading->pool), err);
}

static int read_asked(struct reading *reading, struct err *err)
{
    char *rest = memory_arena_text(reading->arena, reading->config->study.tune.flags);
    bool varies = false;
    if (strcmp(rest, "none") == 0) {
        return 0;
    }
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        if (add_asked(reading, word, err) != 0) {
            return -1;
        }
    }
    for (int i = 0; i < TUNE_LAYOUTS_DEGREES; i++) {
        varies = varies || reading->asked[i] != NULL;
    }
    return varies ? add_parallelism(reading, err) : 0;
}

int tune_flags_read(struct tune_flags *flags, const struct config *config,
                    struct arena *arena, struct err *err)
{
    struct reading reading = {
        .flags = flags, .config = config, .pool = &config->pools[0], .arena = arena};
    *flags = (struct tune_flags){0};
    if (config->study.tune.flags[0] != '\0') {
        return read_asked(&reading, err);
    }
    for (int i = 0; i < N_KNOWN; i++) {
        const struct known *known = &all_known[i];
        if (find_known(known->key, reading.pool) == known &&
            add_key(&reading, known->key, values_of(known, reading.pool), err) != 0) {
            return -1;
        }
    }
    for (int i = 0; i < TUNE_LAYOUTS_DEGREES; i++) {
        reading.asked[i] = "";
    }
    return has_hardware(reading.pool) ? add_parallelism(&reading, err) : 0;
}

int32_t tune_flags_find(const struct tune_flags *flags, const char *name)
{
    for (int32_t i = 0; i < flags->n; i++) {
        if (strcmp(flags->list[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *tune_flags_refusal(const struct pool_config *pool)
{
    const struct pool_scheduler *scheduler = &pool->scheduler;
    int64_t longest = pool->max_model_tokens > 0 ? pool->max_model_tokens
                                                 : pool->llm.max_context_tokens;
    if (import_args_paste_program(pool) != &import_vllm_args_program) {
        return NULL;
    }
    if (scheduler->max_num_batched_tokens < scheduler->max_num_seqs) {
        return "vLLM does not start with max_num_batched_tokens below max_num_seqs";
    }
    if (scheduler->enable_chunked_prefill == 0 &&
        scheduler->max_num_batched_tokens < longest) {
        return "vLLM does not start without chunks and with max_num_batched_tokens "
               "below max_model_len";
    }
    return NULL;
}
