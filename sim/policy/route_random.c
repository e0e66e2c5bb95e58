#include "policy/policy.h"

static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    (void)state;
    (void)query;
    return route_draw(group);
}

const struct route_ops route_random = {
    .name = "random",
    .help = "sends a request to any ready replica, all equally likely",
    .pick = pick,
};
