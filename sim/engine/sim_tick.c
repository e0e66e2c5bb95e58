#include <inttypes.h>

#include "engine/sim.h"

int sim_tick(struct sim *sim, int64_t until_ns, struct err *err)
{
    const struct sim_config *config = sim->config;
    const int64_t most_ticks = 10000000;
    if (sim->tick_at_ns > until_ns) {
        return 0;
    }
    if (config->tick_ns > 0 && until_ns / config->tick_ns > most_ticks) {
        return err_set(err,
                       "[output] interval: the timeline would have more than %" PRId64
                       " rows: raise it (the run has come to second %" PRId64 ")",
                       most_ticks, until_ns / 1000000000);
    }
    while (sim->tick_at_ns <= until_ns) {
        config->probe->tick(config->probe->state, sim, sim->tick_at_ns);
        sim->tick_at_ns += config->tick_ns;
    }
    return 0;
}
