#include "engine/fail_config.h"

#define AT(member) offsetof(struct fail_config, member)

static const int64_t nano = 1000000000;

const struct field fail_config_fields[FAIL_CONFIG_FIELDS] = {
    {"mtbf", FIELD_TIME, AT(mtbf_ns), "s", "0", "0", "1000000000", NULL,
     "mean time a replica or node serves until it fails, exponential; 0: none does"},
    {"mttr", FIELD_TIME, AT(mttr_ns), "s", "0", "0", "1000000000", NULL,
     "mean time until it is repaired and starts again, exponential"},
    {"scope", FIELD_CHOICE, AT(scope), "", "replica", NULL, NULL, "replica|node",
     "what fails at once: a replica, or gpus_per_node GPUs with all replicas on them"},
    {"events", FIELD_TEXT, AT(events), "", "", NULL, NULL, NULL,
     "a CSV file of failures: time_s, kind, pool, replica or node, duration_s, "
     "notice_s, factor"},
    {"spot_mtbf", FIELD_TIME, AT(spot_mtbf_ns), "s", "0", "0", "1000000000", NULL,
     "mean time a replica serves until its provider takes it back, exponential; 0: "
     "never"},
    {"notice", FIELD_TIME, AT(notice_ns), "s", "120", "0", "1000000000", NULL,
     "how long before it is taken back a replica hears of it and drains"},
    {"spot_replace_s", FIELD_TIME, AT(spot_replace_ns), "s", "0", "0", "1000000000",
     NULL, "time from the end of the notice until its replacement starts"},
    {"on_failure", FIELD_CHOICE, AT(on_failure), "", "retry", NULL, NULL,
     "retry|migrate|fail",
     "requests of a replica that fails start again, go on elsewhere with the output "
     "they have, or fail"},
    {"max_retries", FIELD_COUNT, AT(max_retries), "", "3", "0", "1000000", NULL,
     "attempts that a request may lose to failures and be sent again"},
    {"backoff", FIELD_TIME, AT(backoff_ns), "s", "0", "0", "1000000", NULL,
     "wait before a request is sent again, with on_failure = retry"},
    {"backoff_factor", FIELD_NANO, AT(backoff_factor_nano), "", "2", "1", "1000", NULL,
     "how much longer each wait is than the one before"},
};

const char *fail_config_kind_name(enum fail_kind kind)
{
    static const char *const names[N_FAIL_KINDS] = {
        [FAIL_CRASH] = "fail", [FAIL_RECLAIM] = "reclaim", [FAIL_SLOW] = "slow"};
    return names[kind];
}

bool fail_config_node(const struct pool_config *pool, int64_t n_replicas, int64_t node,
                      int32_t *first, int32_t *end)
{
    int64_t node_gpus = pool->accelerator.gpus_per_node;
    int64_t gpus = layout_gpus(&pool->layout);
    if (gpus > node_gpus) {
        int64_t replica = node / ((gpus + node_gpus - 1) / node_gpus);
        *first = (int32_t)(replica < n_replicas ? replica : n_replicas);
        *end = *first + (replica < n_replicas);
        return replica < n_replicas;
    }
    int64_t per_node = node_gpus / gpus;
    if (node >= (n_replicas + per_node - 1) / per_node) {
        return false;
    }
    int64_t last = (node + 1) * per_node;
    *first = (int32_t)(node * per_node);
    *end = (int32_t)(last < n_replicas ? last : n_replicas);
    return true;
}

bool fail_config_is_slow(const struct pool_config *pool, int64_t i)
{
    wide share = pool->slow_share_nano;
    return wide_div_half_up(share * (i + 1), nano) > wide_div_half_up(share * i, nano);
}
