#include "policy/policy.h"

static int32_t pick(void *state, const struct route_view *views, int32_t n_views)
{
    (void)state;
    int32_t best = -1;
    for (int32_t i = 0; i < n_views; i++) {
        if (views[i].is_candidate &&
            (best < 0 || views[i].n_waiting + views[i].n_running <
                             views[best].n_waiting + views[best].n_running)) {
            best = i; /* the lowest index wins a tie */
        }
    }
    return best;
}

const struct route_ops route_least_requests = {
    .name = "least_requests",
    .help =
        "sends a request to the replica with the fewest waiting and running requests",
    .pick = pick,
};
