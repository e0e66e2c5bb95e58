#include "input/clients.h"

#include "input/workload_wait.h"

struct sim_source clients_init(struct clients *clients, const struct workload *workload,
                               const struct sim_source *requests, uint64_t seed)
{
    const struct config_workload *config = workload->config;
    *clients = (struct clients){
        .is_closed = config->mode == CONFIG_CLOSED,
        .follows = workload_wait_follows(workload),
    };
    if (clients->is_closed) {
        const struct closed_think think = {
            .mean_ns = config->think_ns,
            .is_exponential = config->think_distribution == CONFIG_EXPONENTIAL,
            .seed = seed,
        };
        closed_init(&clients->closed, requests, config->concurrency, config->warmup_ns,
                    &think);
        return closed_source(&clients->closed);
    }
    if (clients->follows) {
        bool skips =
            config->from_ns > 0 || config->on_bad_row != 0 || workload->draw != NULL;
        follow_init(&clients->follow, requests, workload, skips);
        return follow_source(&clients->follow);
    }
    return *requests;
}

void clients_free(struct clients *clients)
{
    if (clients->is_closed) {
        closed_free(&clients->closed);
    }
    if (clients->follows) {
        follow_free(&clients->follow);
    }
}
