#include "base/wide.h"
#include "policy/policy.h"

static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    (void)state;
    (void)query;
    int32_t best = group->ready[0];
    struct route_share least = route_blocks(group, best);
    for (int32_t i = 1; i < group->n_ready; i++) {
        struct route_share share = route_blocks(group, group->ready[i]);
        if ((wide)share.part * least.whole < (wide)least.part * share.whole) {
            best = group->ready[i];
            least = share;
        }
    }
    return best;
}

const struct route_ops route_least_kv = {
    .name = "least_kv",
    .help = "sends a request to the replica with the smallest share of its KV cache in "
            "use",
    .looks_at_kv = true,
    .pick = pick,
};
