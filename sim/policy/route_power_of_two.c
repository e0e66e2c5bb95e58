#include "policy/policy.h"

/* Mitzenmacher, "The power of two choices in randomized load balancing", 2001.  The two are
 * different, and which is drawn first says nothing. */
static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    (void)state;
    (void)query;
    if (group->n_ready == 1) {
        return group->ready[0];
    }
    int64_t one = rng_below(group->draws, group->n_ready);
    int64_t other = rng_below(group->draws, group->n_ready - 1);
    other += other >= one;
    int32_t low = group->ready[one < other ? one : other];
    int32_t high = group->ready[one < other ? other : one];
    return route_requests(&group->views[high]) < route_requests(&group->views[low])
               ? high
               : low;
}

const struct route_ops route_power_of_two = {
    .name = "power_of_two",
    .help = "sends a request to the one with fewer requests of two replicas drawn",
    .pick = pick,
};
