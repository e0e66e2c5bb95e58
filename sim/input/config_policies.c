#include "input/config_policies.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "policy/policy.h"

/* Refuses a value, with the place that gave it, if that is not one of the files in
 * configs/policies. */
static int refuse(const struct settings *settings, const char *section, const char *key,
                  const char *reason, struct err *err)
{
    const struct settings_entry *entry = settings_find(settings, section, key);
    if (entry != NULL) {
        return settings_refuse(entry, reason, err);
    }
    return err_set(err, "%s: [%s] %s: %s", settings->file, section, key, reason);
}

/* Refuses a policy that is not there. */
static int refuse_name(const struct settings *settings, const char *section,
                       const char *key, const char *name, const char *known,
                       struct err *err)
{
    char reason[600];
    snprintf(reason, sizeof reason, "'%.100s' is not known (expected one of %s)", name,
             known);
    return refuse(settings, section, key, reason, err);
}

/* Keys that mean something to some disciplines only. */
struct meaning {
    const char *key;
    const char *batching; /* names, with a space around each */
};

static const struct meaning meanings[] = {
    {"max_num_partial_prefills", " unified "},
    {"watermark", " prefill_first "},
    {"delay_factor", " prefill_first "},
    {"decode_iterations", " prefill_first "},
    {"padding", " static dynamic "},
    {"preferred_batch_sizes", " dynamic "},
    {"max_queue_delay_us", " dynamic "},
    {"queue_timeout_us", " dynamic "},
    {"queue_timeout_action", " dynamic "},
    {"chunked_prefill_size", " sglang "},
    {"enable_mixed_chunk", " sglang "},
    {"schedule_conservativeness", " sglang "},
    {"clip_max_new_tokens", " sglang "},
    {"chunk_stages", " sarathi "},
    {"chunk_high", " sarathi "},
    {"chunk_low", " sarathi "},
};

static bool names(const char *list, const char *name)
{
    char word[80];
    snprintf(word, sizeof word, " %.70s ", name);
    return strstr(list, word) != NULL;
}

static int64_t integer_at(const struct field *field, const void *base)
{
    int64_t value; /* offsets count bytes */
    memcpy(&value, (const char *)base + field->offset, sizeof value);
    return value;
}

static bool is_default(const struct field *field, const struct pool_scheduler *settings,
                       const struct pool_scheduler *standard)
{
    if (field->type != FIELD_TEXT) {
        return integer_at(field, settings) == integer_at(field, standard);
    }
    const char *text;
    memcpy(&text, (const char *)settings + field->offset, sizeof text);
    return text[0] == '\0';
}

static int check_meanings(const struct config *config, const struct pool_config *pool,
                          struct err *err)
{
    struct pool_scheduler standard;
    struct arena arena = {0};
    int status = 0;
    field_defaults(&pool_scheduler_table, &standard, &arena);
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0] && status == 0; i++) {
        const struct meaning *of = &meanings[i];
        const struct field *field = field_find(&pool_scheduler_table, of->key);
        if (!names(of->batching, pool->scheduler.batching) &&
            !is_default(field, &pool->scheduler, &standard)) {
            status =
                err_set(err,
                        "%s: [pool.%s] %s: means nothing to batching = %s (only "
                        "to%.*s)",
                        config->file, pool->name, of->key, pool->scheduler.batching,
                        (int)strlen(of->batching) - 1, of->batching);
        }
    }
    memory_arena_free(&arena);
    return status;
}

/* What does not go together, and why; NULL if all does. */
static const char *contradiction(const struct pool_scheduler *s)
{
    bool reserves = s->preempt == POOL_NONE;
    const struct order_ops *order = policy_order(s->order);
    if (names(" static dynamic orca ", s->batching) && !reserves) {
        return "preempt: static, dynamic and orca keep blocks for whole outputs: they "
               "need preempt = none";
    }
    if (reserves && s->victim != POOL_LAST) {
        return "victim: nobody ever gives way with preempt = none";
    }
    if (reserves && s->preemptive_order) {
        return "preemptive_order: nobody ever gives way with preempt = none";
    }
    if (s->preemptive_order && !order->ranks_running) {
        return "preemptive_order: the order does not compare running requests with "
               "waiting ones";
    }
    if (order->tokens_left != NULL && reserves) {
        return "order: mlfq takes turns, and nobody gives way with preempt = none, "
               "which "
               "static, dynamic and orca need";
    }
    if (s->preemptive_order && s->victim != POOL_ORDER) {
        return "preemptive_order: needs victim = order: whom it lets in would give way "
               "at once";
    }
    if (order->tokens_left != NULL && !s->preemptive_order) {
        return "order: mlfq takes turns: it needs preemptive_order = yes";
    }
    if (strcmp(s->batching, "sglang") == 0 &&
        (s->preempt != POOL_RECOMPUTE || s->victim != POOL_LAST ||
         s->preemptive_order)) {
        return "preempt: sglang retracts in its own way: it needs preempt = recompute, "
               "victim = last and preemptive_order = no";
    }
    if (s->admission == POOL_FORECAST &&
        (reserves || !names(" unified prefill_first ", s->batching))) {
        return "admission: forecast goes with batching = unified or prefill_first, "
               "where "
               "somebody can give way";
    }
    if (s->delay_factor_nano > 0 && strcmp(s->order, "fcfs") != 0) {
        return "delay_factor: the oldest is only known with order = fcfs";
    }
    if (s->chunk_stages > 1 && (s->chunk_low < 1 || s->chunk_high < s->chunk_low)) {
        return "chunk_stages: needs chunk_high and chunk_low, and the first is not "
               "less";
    }
    return NULL;
}

/* Whether the sizes of batches to wait for are sizes that batches can have. */
static int check_sizes(const struct settings *settings, const char *section,
                       const struct pool_scheduler *scheduler, struct err *err)
{
    char reason[300];
    const char *at = scheduler->preferred_batch_sizes;
    for (int64_t size; (size = pool_scheduler_next_size(&at)) != 0;) {
        if (size < 0 || size > scheduler->max_num_seqs) {
            snprintf(reason, sizeof reason,
                     "'%.100s' is not a list of numbers from 1 to %lld (max_num_seqs), "
                     "such as 4 8",
                     scheduler->preferred_batch_sizes,
                     (long long)scheduler->max_num_seqs);
            return refuse(settings, section, "preferred_batch_sizes", reason, err);
        }
    }
    return 0;
}

static int check_pool(const struct config *config, const struct settings *settings,
                      struct pool_config *pool, struct err *err)
{
    char known[POLICY_NAMES];
    char section[100];
    snprintf(section, sizeof section, "pool.%.80s", pool->name);
    if (policy_batching(pool->scheduler.batching) == NULL) {
        policy_batching_names(known);
        return refuse_name(settings, section, "batching", pool->scheduler.batching,
                           known, err);
    }
    if (policy_order(pool->scheduler.order) == NULL) {
        policy_order_names(known);
        return refuse_name(settings, section, "order", pool->scheduler.order, known,
                           err);
    }
    policy_settle(&pool->scheduler);
    const char *reason = contradiction(&pool->scheduler);
    if (reason != NULL) {
        return err_set(err, "%s: [%s] %s", config->file, section, reason);
    }
    if (check_meanings(config, pool, err) != 0) {
        return -1;
    }
    return check_sizes(settings, section, &pool->scheduler, err);
}

int config_policies_check(struct config *config, const struct settings *settings,
                          struct err *err)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (check_pool(config, settings, &config->pools[i], err) != 0) {
            return -1;
        }
    }
    return 0;
}
