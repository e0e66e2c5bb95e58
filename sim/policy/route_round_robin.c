#include "policy/policy.h"

struct state {
    int32_t next; /* the place after the last one picked */
};

static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    struct state *turn = state;
    (void)query;
    int32_t picked = route_after(group, turn->next - 1);
    turn->next = picked + 1;
    return picked;
}

const struct route_ops route_round_robin = {
    .name = "round_robin",
    .help = "sends requests to the ready replicas in turn",
    .state_size = sizeof(struct state),
    .pick = pick,
};
