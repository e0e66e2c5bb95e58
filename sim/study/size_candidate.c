#include "study/size_candidate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/field.h"
#include "input/config_pool.h"
#include "study/run.h"
#include "study/size_words.h"

/* The lists in the order in which they vary, the last one fastest. */
enum { ACCELERATOR, TENSOR, PIPELINE, POLICY, SEQUENCES, TOKENS, N_LISTS };

static const char *const keys[N_LISTS] = {
    [ACCELERATOR] = "accelerator",    [TENSOR] = "tensor_parallel",
    [PIPELINE] = "pipeline_parallel", [POLICY] = "policy",
    [SEQUENCES] = "max_num_seqs",     [TOKENS] = "max_num_batched_tokens",
};

/* How a label tells of it. */
static const char *const titles[N_LISTS] = {
    [ACCELERATOR] = "", [TENSOR] = "tp ",      [PIPELINE] = "pp ",
    [POLICY] = "",      [SEQUENCES] = "seqs ", [TOKENS] = "tokens ",
};

struct lists {
    struct size_words of[N_LISTS];
};

static int check_list(const struct config *config, const char *key,
                      const struct size_words *words, const struct field_table *table,
                      const char *of, struct err *err)
{
    struct err reason;
    struct arena arena = {0};
    struct pool_config *scratch = memory_new(1, sizeof *scratch);
    int status = 0;
    for (int32_t i = 0; i < words->n && status == 0; i++) {
        const struct field *field = field_find(table, of);
        if (field_read(field, scratch, words->list[i], &arena, &reason) != 0) {
            status =
                err_set(err, "%s: [size] %s: %.700s", config->file, key, reason.text);
        }
    }
    free(scratch);
    memory_arena_free(&arena);
    return status;
}

static int check_names(const struct config *config, const char *key,
                       const struct size_words *words, const char *folder,
                       struct err *err)
{
    char path[512];
    for (int32_t i = 0; i < words->n; i++) {
        if (!config_pool_find(folder, words->list[i], path)) {
            return err_set(err,
                           "%s: [size] %s: '%.100s' is not known: there is no "
                           "configs/%s/%.100s.ini (see 'servesim list %s')",
                           config->file, key, words->list[i], folder, words->list[i],
                           folder);
        }
    }
    return 0;
}

static int read_accelerators(struct size_words *words, const struct config *config,
                             struct arena *arena, struct err *err)
{
    const struct config_study_size *size = &config->study.size;
    struct size_words exclude;
    if (size_words_read(words, size->accelerators, arena) != 0 ||
        size_words_read(&exclude, size->exclude, arena) != 0) {
        return err_set(
            err, "%s: [size] accelerators, exclude: a name is there twice, or none",
            config->file);
    }
    if (words->n == 1 && strcmp(words->list[0], "all") == 0) {
        size_words_files(words, "accelerators", arena);
    }
    if (check_names(config, "accelerators", words, "accelerators", err) != 0 ||
        check_names(config, "exclude", &exclude, "accelerators", err) != 0) {
        return -1;
    }
    bool had_some = words->n > 0;
    size_words_remove(words, &exclude);
    if (had_some && words->n == 0) {
        return err_set(err, "%s: [size] exclude: leaves no accelerator to try",
                       config->file);
    }
    return 0;
}

static int read_lists(struct lists *lists, const struct config *config,
                      struct arena *arena, struct err *err)
{
    const struct config_study_size *size = &config->study.size;
    const char *const texts[N_LISTS] = {
        [TENSOR] = size->tensor_parallel,
        [PIPELINE] = size->pipeline_parallel,
        [POLICY] = size->policies,
        [SEQUENCES] = size->max_num_seqs,
        [TOKENS] = size->max_num_batched_tokens,
    };
    if (read_accelerators(&lists->of[ACCELERATOR], config, arena, err) != 0) {
        return -1;
    }
    for (int i = TENSOR; i < N_LISTS; i++) {
        const char *key = i == POLICY ? "policies" : keys[i];
        struct size_words *words = &lists->of[i];
        if (size_words_read(words, texts[i], arena) != 0) {
            return err_set(err, "%s: [size] %s: a value is there twice, or none",
                           config->file, key);
        }
        const struct field_table *table =
            i == SEQUENCES || i == TOKENS ? &pool_scheduler_table : &pool_table;
        int status = i == POLICY ? check_names(config, key, words, "policies", err)
                                 : check_list(config, key, words, table, keys[i], err);
        if (status != 0) {
            return -1;
        }
    }
    return 0;
}

/* What one candidate differs in, as overrides behind all others. */
static const char **choose(const struct lists *lists, int64_t at,
                           const struct config *config,
                           const struct size_candidate_source *source, int32_t *n,
                           const char *chosen[N_LISTS], struct arena *arena)
{
    const char **overrides =
        ARENA_NEW(arena, (size_t)source->n_overrides + N_LISTS, const char *);
    *n = source->n_overrides;
    for (int32_t i = 0; i < source->n_overrides; i++) {
        overrides[i] = source->overrides[i];
    }
    for (int i = N_LISTS - 1; i >= 0; i--) {
        const struct size_words *words = &lists->of[i];
        chosen[i] = NULL;
        if (words->n == 0) {
            continue;
        }
        chosen[i] = words->list[at % words->n];
        at /= words->n;
        size_t room = strlen(config->pools[0].name) + strlen(keys[i]) +
                      strlen(chosen[i]) + strlen("pool..=") + 1;
        char *text = ARENA_NEW(arena, room, char);
        snprintf(text, room, "pool.%s.%s=%s", config->pools[0].name, keys[i],
                 chosen[i]);
        overrides[(*n)++] = text;
    }
    return overrides;
}

static void name(struct size_candidate *candidate, const struct config *config,
                 const char *const chosen[N_LISTS], struct arena *arena)
{
    char text[600];
    const struct pool_config *own = &config->pools[0];
    const char *accelerator =
        chosen[ACCELERATOR] != NULL ? chosen[ACCELERATOR] : own->accelerator_name;
    candidate->accelerator = accelerator;
    size_t used = (size_t)snprintf(text, sizeof text, "%.200s",
                                   accelerator[0] != '\0' ? accelerator : own->name);
    for (int i = TENSOR; i < N_LISTS; i++) {
        char number[24] = "";
        const char *word = chosen[i];
        if (word == NULL && i == TENSOR && own->layout.tp > 1) {
            snprintf(number, sizeof number, "%" PRId64, own->layout.tp);
            word = number;
        }
        if (word == NULL && i == PIPELINE && own->layout.pp > 1) {
            snprintf(number, sizeof number, "%" PRId64, own->layout.pp);
            word = number;
        }
        if (word != NULL && used < sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, " %s%.80s",
                                     titles[i], word);
        }
    }
    candidate->label = memory_arena_text(arena, text);
}

/* The reason without the file and the pool in front of it, which are the same for all. */
static const char *reason_of(const struct config *config, const char *text,
                             struct arena *arena)
{
    char front[300];
    snprintf(front, sizeof front, "%.200s: ", config->file);
    if (strncmp(text, front, strlen(front)) == 0) {
        text += strlen(front);
    }
    snprintf(front, sizeof front, "[pool.%.200s]: ", config->pools[0].name);
    if (strncmp(text, front, strlen(front)) == 0) {
        text += strlen(front);
    }
    return memory_arena_text(arena, text);
}

/* What is known once the pool is worked out. */
static void look_at_pool(struct size_candidate *candidate, struct arena *arena)
{
    struct err err;
    struct pool *pool = memory_new(1, sizeof *pool);
    struct pool_config *own = &candidate->config.pools[0];
    const struct config_study_size *size = &candidate->config.study.size;
    int64_t committed = own->price.n_committed;
    own->most_replicas = 0;
    own->n_replicas = committed > 1 ? committed : 1;
    candidate->gpus = layout_gpus(&own->layout);
    candidate->n_ranks = layout_ranks(&own->layout);
    candidate->least = (int32_t)own->n_replicas;
    int64_t most = size->most_replicas;
    if (size->most_gpus > 0 && size->most_gpus / candidate->gpus < most) {
        most = size->most_gpus / candidate->gpus;
    }
    candidate->most = (int32_t)most;
    if (run_pools(&candidate->config, pool, &err) != 0) {
        candidate->refused = reason_of(&candidate->config, err.text, arena);
    } else {
        candidate->price = pool->price;
        candidate->vendor = pool->price.source;
    }
    run_free_pools(&candidate->config, pool);
}

static int read_one(struct size_candidates *candidates, const struct lists *lists,
                    int64_t at, const struct config *config,
                    const struct size_candidate_source *source, struct arena *arena,
                    struct err *err)
{
    struct size_candidate *candidate = &candidates->list[at];
    const char *chosen[N_LISTS];
    int32_t n;
    struct err reason;
    const char **overrides = choose(lists, at, config, source, &n, chosen, arena);
    name(candidate, config, chosen, arena);
    candidate->group = -1;
    for (int64_t i = 0; i < at && candidate->group < 0; i++) {
        if (strcmp(candidates->list[i].accelerator, candidate->accelerator) == 0) {
            candidate->group = candidates->list[i].group;
        }
    }
    if (candidate->group < 0) {
        candidate->group = candidates->n_groups++;
    }
    if (config_read(&candidate->config, source->path, overrides, n, arena, &reason) !=
        0) {
        candidate->refused = reason_of(config, reason.text, arena);
        return 0;
    }
    if (candidate->config.n_pools != 1) {
        return config_one_pool(&candidate->config, "size", err);
    }
    look_at_pool(candidate, arena);
    return 0;
}

/* Where some have a price and others none, those cannot be compared. */
static void look_at_prices(struct size_candidates *candidates, struct arena *arena)
{
    for (int32_t i = 0; i < candidates->n; i++) {
        const struct size_candidate *candidate = &candidates->list[i];
        candidates->has_prices =
            candidates->has_prices ||
            (candidate->refused == NULL && candidate->price.gpu_nano > 0);
    }
    for (int32_t i = 0; candidates->has_prices && i < candidates->n; i++) {
        struct size_candidate *candidate = &candidates->list[i];
        if (candidate->refused == NULL && candidate->price.gpu_nano == 0) {
            char text[300];
            snprintf(
                text, sizeof text, "nobody says what %.100s costs: give usd_per_hour",
                candidate->accelerator[0] != '\0' ? candidate->accelerator : "a GPU");
            candidate->refused = memory_arena_text(arena, text);
        }
    }
}

int size_candidate_read(struct size_candidates *candidates, const struct config *config,
                        const struct size_candidate_source *source, struct arena *arena,
                        struct err *err)
{
    struct lists lists;
    *candidates = (struct size_candidates){0};
    if (read_lists(&lists, config, arena, err) != 0) {
        return -1;
    }
    int64_t n = 1;
    for (int i = 0; i < N_LISTS; i++) {
        n *= lists.of[i].n > 0 ? lists.of[i].n : 1;
        if (n > SIZE_CANDIDATE_MOST) {
            return err_set(err, "%s: [size]: more than %d combinations", config->file,
                           SIZE_CANDIDATE_MOST);
        }
    }
    candidates->list = ARENA_NEW(arena, (size_t)n, struct size_candidate);
    for (int64_t i = 0; i < n; i++) {
        candidates->n = (int32_t)i + 1;
        if (read_one(candidates, &lists, i, config, source, arena, err) != 0) {
            return -1;
        }
    }
    look_at_prices(candidates, arena);
    return 0;
}

int64_t size_candidate_nano(const struct size_candidates *candidates, int32_t i,
                            int64_t n)
{
    const struct size_candidate *candidate = &candidates->list[i];
    const struct price *price = &candidate->price;
    if (!candidates->has_prices) {
        return n * candidate->gpus * 1000000000;
    }
    /* what nobody uses of a node costs what its last place does: output/lease.c */
    int64_t n_places = n * candidate->n_ranks;
    int64_t n_committed = n_places < price->n_committed ? n_places : price->n_committed;
    int64_t n_full = n_places / price->unit_places;
    int64_t n_full_committed = n_committed / price->unit_places;
    int64_t idle_gpus = price->unit_gpus - price->unit_places * price->gpus;
    int64_t rest = n_places - n_full * price->unit_places;
    int64_t nano = (n_committed * price->committed_nano +
                    (n_places - n_committed) * price->gpu_nano) *
                   price->gpus;
    nano += (n_full_committed * price->committed_nano +
             (n_full - n_full_committed) * price->gpu_nano) *
            idle_gpus;
    if (rest > 0) {
        nano += price_gpu_nano(price, n_places - 1) *
                (price->unit_gpus - rest * price->gpus);
    }
    return nano;
}
