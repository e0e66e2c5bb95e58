#include "policy/policy.h"

static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    (void)state;
    (void)query;
    return route_first(group);
}

const struct route_ops route_least_requests = {
    .name = "least_requests",
    .help =
        "sends a request to the replica with the fewest waiting and running requests",
    .key = route_requests,
    .pick = pick,
};
