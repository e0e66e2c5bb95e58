#include "policy/policy.h"

struct state {
    int32_t next;
};

static int32_t pick(void *state, const struct route_view *views, int32_t n_views)
{
    struct state *turn = state;
    int32_t picked = turn->next;
    while (!views[picked].is_candidate) {
        picked = picked + 1 < n_views ? picked + 1 : 0;
    }
    turn->next = picked + 1 < n_views ? picked + 1 : 0;
    return picked;
}

const struct route_ops route_round_robin = {
    .name = "round_robin",
    .help = "sends requests to the replicas in turn",
    .state_size = sizeof(struct state),
    .pick = pick,
};
