#include "engine/fleet.h"

/* Clients whose patience ends now. */
static void lose_patience(struct sim *sim, struct timer *timer)
{
    int64_t timeout_ns = sim->config->client_timeout_ns;
    struct request *first;
    while ((first = sim->alive.first) != NULL &&
           first->alive_since_ns + timeout_ns <= sim->now_ns) {
        request_alive_remove(&sim->alive, first);
        fleet_give_up(sim, first);
    }
    if (first != NULL) {
        timer_set(&sim->timers, timer, first->alive_since_ns + timeout_ns);
    }
}

void fleet_patience_start(struct sim *sim, struct request *request)
{
    request->alive_since_ns = sim->now_ns;
    request_alive_append(&sim->alive, request);
    if (!timer_is_set(&sim->patience)) {
        sim->patience.phase = TIMER_CLOCKS;
        sim->patience.order = INT32_MIN; /* before those who scale */
        sim->patience.fire = lose_patience;
        timer_set(&sim->timers, &sim->patience,
                  sim->now_ns + sim->config->client_timeout_ns);
    }
}
