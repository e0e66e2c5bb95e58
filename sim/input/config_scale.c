#include "input/config_scale.h"

#include <inttypes.h>
#include <string.h>

#include "policy/policy.h"

static const char prefix[] = "scale.";

/* One section while it is read. */
struct section {
    const char *name;
    const struct settings *settings;
    struct pool_config *pool;
    struct scale_config *scale;
};

static struct pool_config *find_pool(const struct config *config, const char *name)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (strcmp(config->pools[i].name, name) == 0) {
            return &config->pools[i];
        }
    }
    return NULL;
}

/* Refuses the value of a key, with the place that gave it, if any did. */
static int refuse(const struct settings *settings, const char *section, const char *key,
                  const char *reason, struct err *err)
{
    const struct settings_entry *entry = settings_find(settings, section, key);
    if (entry != NULL) {
        return settings_refuse(entry, reason, err);
    }
    return err_set(err, "%s: [%s] %s: %s", settings->file, section, key, reason);
}

static int check_target(const struct section *at, const struct scale_ops *ops,
                        int64_t attainment_nano, struct err *err)
{
    struct scale_config *scale = at->scale;
    char reason[200];
    bool may_have = ops->needs_target || ops->needs_slo;
    if (scale->target_nano > 0 && !may_have) {
        snprintf(reason, sizeof reason, "has no meaning with policy = %s", ops->name);
        return refuse(at->settings, at->name, "target", reason, err);
    }
    if (scale->target_nano == 0 && ops->needs_slo) {
        scale->target_nano = attainment_nano;
    }
    if (scale->target_nano == 0 && may_have) {
        snprintf(reason, sizeof reason, "must be given, above 0, with policy = %s",
                 ops->name);
        return refuse(at->settings, at->name, "target", reason, err);
    }
    if (scale->target_nano > 1000000000 && ops->is_share) {
        snprintf(reason, sizeof reason,
                 "policy = %s wants a share, which is not above 1", ops->name);
        return refuse(at->settings, at->name, "target", reason, err);
    }
    return 0;
}

static int check_window(const struct section *at, const struct scale_ops *ops,
                        struct err *err)
{
    const int64_t most_intervals = 100000;
    struct scale_config *scale = at->scale;
    char reason[200];
    if (scale->window_ns > 0 && !ops->has_window) {
        snprintf(reason, sizeof reason, "has no meaning with policy = %s", ops->name);
        return refuse(at->settings, at->name, "window", reason, err);
    }
    if (!ops->has_window) {
        return 0;
    }
    if (scale->window_ns == 0) {
        scale->window_ns = scale->interval_ns;
    }
    if (scale->window_ns % scale->interval_ns != 0) {
        return refuse(at->settings, at->name, "window",
                      "is not a whole number of intervals", err);
    }
    if (scale->window_ns / scale->interval_ns > most_intervals) {
        return refuse(at->settings, at->name, "window", "is more than 100000 intervals",
                      err);
    }
    return 0;
}

static int check_schedule(const struct section *at, const struct scale_ops *ops,
                          struct arena *arena, struct err *err)
{
    struct scale_config *scale = at->scale;
    struct err reason;
    char text[200];
    bool is_given = scale->schedule_text[0] != '\0';
    if (is_given != ops->needs_schedule) {
        snprintf(text, sizeof text, "%s with policy = %s",
                 is_given ? "has no meaning" : "must be given", ops->name);
        return refuse(at->settings, at->name, "schedule", text, err);
    }
    if (is_given && timetable_read(&scale->schedule, scale->schedule_text,
                                   scale->period_ns, arena, &reason) != 0) {
        return refuse(at->settings, at->name, "schedule", reason.text, err);
    }
    return 0;
}

static int check_limits(const struct section *at, struct err *err)
{
    struct scale_config *scale = at->scale;
    char reason[200];
    int64_t planned = timetable_most(&scale->schedule);
    if (scale->max_replicas == 0) {
        int64_t most = at->pool->n_replicas;
        scale->max_replicas = planned > most ? planned : most;
    }
    if (scale->min_replicas > scale->max_replicas) {
        snprintf(reason, sizeof reason,
                 "'%" PRId64 "' is more than the max of %" PRId64, scale->min_replicas,
                 scale->max_replicas);
        return refuse(at->settings, at->name, "min", reason, err);
    }
    for (int32_t i = 0; i < scale->schedule.n; i++) {
        int64_t n = scale->schedule.points[i].n_replicas;
        if (n < scale->min_replicas || n > scale->max_replicas) {
            snprintf(reason, sizeof reason,
                     "%" PRId64 " replicas are not within the min of %" PRId64
                     " and the max of %" PRId64,
                     n, scale->min_replicas, scale->max_replicas);
            return refuse(at->settings, at->name, "schedule", reason, err);
        }
    }
    return 0;
}

static int check(const struct config *config, const struct section *at,
                 struct arena *arena, struct err *err)
{
    struct scale_config *scale = at->scale;
    const struct config_slo *slo = &config->slo;
    const struct scale_ops *ops = policy_scale(scale->policy);
    if (strcmp(scale->policy, "none") == 0) {
        static const struct scale_ops none = {.name = "none"};
        return check_target(at, &none, 0, err) != 0 ||
                       check_window(at, &none, err) != 0 ||
                       check_schedule(at, &none, arena, err) != 0
                   ? -1
                   : 0;
    }
    if (ops == NULL) {
        char known[POLICY_NAMES];
        char reason[600];
        policy_scale_names(known);
        snprintf(reason, sizeof reason,
                 "'%.100s' is not known (expected one of none, %s)", scale->policy,
                 known);
        return refuse(at->settings, at->name, "policy", reason, err);
    }
    if (ops->needs_slo && !config_has_bounds(slo)) {
        return refuse(at->settings, at->name, "policy",
                      "slo needs a bound in [slo] that can be met", err);
    }
    if (check_target(at, ops, slo->attainment_nano, err) != 0 ||
        check_window(at, ops, err) != 0 || check_schedule(at, ops, arena, err) != 0 ||
        check_limits(at, err) != 0) {
        return -1;
    }
    at->pool->most_replicas = scale->max_replicas;
    return 0;
}

static int read_section(struct config *config, struct settings *settings,
                        const struct settings_section *section, struct arena *arena,
                        struct err *err)
{
    struct pool_config *pool = find_pool(config, section->name + strlen(prefix));
    if (pool == NULL) {
        char reason[200];
        snprintf(reason, sizeof reason, "there is no [pool.%.80s] that it could scale",
                 section->name + strlen(prefix));
        if (section->line == 0) {
            return settings_refuse(section->first, reason, err);
        }
        return err_set(err, "%s:%" PRId64 ": [%s]: %s", settings->file, section->line,
                       section->name, reason);
    }
    struct section at = {.name = section->name,
                         .settings = settings,
                         .pool = pool,
                         .scale = &pool->scale};
    if (settings_apply(settings, section->name, &scale_table, 1, &pool->scale, arena,
                       err) != 0) {
        return -1;
    }
    settings_use_section(settings, section->name);
    pool->scale.is_given = true;
    return check(config, &at, arena, err);
}

static int read_shared(struct config *config, const struct settings *settings,
                       struct err *err)
{
    char section[80];
    char reason[300];
    for (int32_t i = 0; i < config->n_pools; i++) {
        struct pool_config *pool = &config->pools[i];
        const struct pool_config *other = find_pool(config, pool->shares_with);
        if (pool->shares_with[0] == '\0') {
            continue;
        }
        snprintf(section, sizeof section, "pool.%.60s", pool->name);
        if (other == NULL || other >= pool || other->shares_with[0] != '\0') {
            snprintf(reason, sizeof reason,
                     "'%.80s' is not a pool above this one with GPUs of its own",
                     pool->shares_with);
            return refuse(settings, section, "shares_gpus_with", reason, err);
        }
        if (other->n_replicas != pool->n_replicas ||
            layout_gpus(&other->layout) != layout_gpus(&pool->layout)) {
            snprintf(reason, sizeof reason,
                     "[pool.%.60s] has %" PRId64 " replicas of %" PRId64
                     " GPUs and this one %" PRId64 " of %" PRId64,
                     other->name, other->n_replicas, layout_gpus(&other->layout),
                     pool->n_replicas, layout_gpus(&pool->layout));
            return refuse(settings, section, "shares_gpus_with", reason, err);
        }
        if (other->most_replicas > 0 || pool->most_replicas > 0) {
            return refuse(settings, section, "shares_gpus_with",
                          "pools that share their GPUs cannot be scaled", err);
        }
        pool->shares_pool = 1 + (int32_t)(other - config->pools);
        config->has_sleep = true;
    }
    return 0;
}

static int read_sleep(struct config *config, struct settings *settings,
                      struct arena *arena, struct err *err)
{
    field_defaults(&sleep_table, &config->sleep, arena);
    const struct settings_section *section =
        settings_next(settings, sleep_table.name, NULL);
    if (!config->has_sleep && section != NULL &&
        strcmp(section->name, sleep_table.name) == 0) {
        static const char reason[] = "no pool has shares_gpus_with";
        return section->line == 0
                   ? settings_refuse(section->first, reason, err)
                   : err_set(err, "%s:%" PRId64 ": [%s]: %s", settings->file,
                             section->line, section->name, reason);
    }
    return settings_apply(settings, sleep_table.name, &sleep_table, 1, &config->sleep,
                          arena, err);
}

int config_scale_read(struct config *config, struct settings *settings,
                      struct arena *arena, struct err *err)
{
    const struct settings_section *at = NULL;
    for (int32_t i = 0; i < config->n_pools; i++) {
        field_defaults(&scale_table, &config->pools[i].scale, arena);
    }
    while ((at = settings_next(settings, prefix, at)) != NULL) {
        if (read_section(config, settings, at, arena, err) != 0) {
            return -1;
        }
    }
    if (read_shared(config, settings, err) != 0) {
        return -1;
    }
    return read_sleep(config, settings, arena, err);
}

void config_scale_print(const struct config *config, FILE *out)
{
    if (config->has_sleep) {
        fprintf(out, "\n[%s]\n", sleep_table.name);
        settings_print(out, &sleep_table, &config->sleep);
    }
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (config->pools[i].scale.is_given) {
            fprintf(out, "\n[%s%s]\n", prefix, config->pools[i].name);
            settings_print(out, &scale_table, &config->pools[i].scale);
        }
    }
}
