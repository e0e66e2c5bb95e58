#include "study/size_fleet.h"

#include <stdio.h>
#include <string.h>

#include "input/config_disaggregate.h"

bool size_fleet_same(const struct size_fleet *a, const struct size_fleet *b)
{
    bool same = a->n_parts == b->n_parts && a->disaggregated == b->disaggregated;
    for (int32_t i = 0; same && i < a->n_parts; i++) {
        same = a->candidate[i] == b->candidate[i] && a->replicas[i] == b->replicas[i];
    }
    return same;
}

int64_t size_fleet_nano(const struct size_candidates *candidates,
                        const struct size_fleet *fleet)
{
    int64_t nano = 0;
    for (int32_t i = 0; i < fleet->n_parts; i++) {
        nano +=
            size_candidate_nano(candidates, fleet->candidate[i], fleet->replicas[i]);
    }
    return nano;
}

int64_t size_fleet_gpus(const struct size_candidates *candidates,
                        const struct size_fleet *fleet)
{
    int64_t gpus = 0;
    for (int32_t i = 0; i < fleet->n_parts; i++) {
        gpus += candidates->list[fleet->candidate[i]].gpus * fleet->replicas[i];
    }
    return gpus;
}

bool size_fleet_better(const struct size_candidates *candidates,
                       const struct size_fleet *a, const struct size_fleet *b)
{
    int64_t more = size_fleet_nano(candidates, a) - size_fleet_nano(candidates, b);
    if (more == 0) {
        more = size_fleet_gpus(candidates, a) - size_fleet_gpus(candidates, b);
    }
    if (more == 0) {
        more = a->n_parts - b->n_parts + a->disaggregated - b->disaggregated;
    }
    for (int32_t i = 0; more == 0 && i < a->n_parts; i++) {
        more = a->candidate[i] - b->candidate[i];
    }
    for (int32_t i = 0; more == 0 && i < a->n_parts; i++) {
        more = a->replicas[i] - b->replicas[i];
    }
    return more < 0;
}

void size_fleet_print(const struct size_candidates *candidates,
                      const struct size_fleet *fleet, char text[SIZE_FLEET_TEXT])
{
    size_t used = 0;
    for (int32_t i = 0; i < fleet->n_parts; i++) {
        const char *role = !fleet->disaggregated ? "" : i == 0 ? " prefill" : " decode";
        used += (size_t)snprintf(text + used, SIZE_FLEET_TEXT - used, "%s%d x %.150s%s",
                                 i > 0 ? " + " : "", (int)fleet->replicas[i],
                                 candidates->list[fleet->candidate[i]].label, role);
    }
}

void size_fleet_config(const struct size_candidates *candidates,
                       const struct size_fleet *fleet, struct config *config,
                       struct pool_config pools[SIZE_FLEET_PARTS])
{
    *config = candidates->list[fleet->candidate[0]].config;
    config->pools = pools;
    config->n_pools = fleet->n_parts;
    for (int32_t i = 0; i < fleet->n_parts; i++) {
        struct pool_config *pool = &pools[i];
        *pool = candidates->list[fleet->candidate[i]].config.pools[0];
        pool->n_replicas = fleet->replicas[i];
        pool->most_replicas = 0;
        if (fleet->n_parts > 1) {
            const char *mixed = i == 0 ? "first" : "second";
            const char *apart = i == 0 ? "prefill" : "decode";
            pool->name = fleet->disaggregated ? apart : mixed;
        }
        if (fleet->disaggregated) {
            pool->role = i == 0 ? POOL_PREFILL : POOL_DECODE;
        }
    }
}

int size_fleet_check(const struct size_candidates *candidates,
                     const struct size_fleet *fleet, struct err *err)
{
    struct config config;
    struct pool_config pools[SIZE_FLEET_PARTS];
    const struct settings none = {0};
    size_fleet_config(candidates, fleet, &config, pools);
    return config_disaggregate_check(&config, &none, err);
}
