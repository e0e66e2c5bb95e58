#include "output/ranks.h"

#include "engine/replica.h"

void ranks_metrics(const struct sim *sim, struct metrics *metrics)
{
    wide busy_ns = 0;
    wide dummy_ns = 0;
    wide straggled_ns = 0;
    int64_t n_dummies = 0;
    if (sim->n_locksteps == 0) {
        return;
    }
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        if (replica->lockstep == NULL) {
            continue;
        }
        busy_ns += replica->sums.busy_ns;
        n_dummies += replica->sums.dummies.steps;
        dummy_ns += replica->tally.dummy_ns;
        straggled_ns += replica->tally.straggled_ns;
    }
    metrics_integer(metrics, "dp_dummy_steps", n_dummies, "steps");
    metrics_ratio(metrics, "dp_dummy_share", dummy_ns, busy_ns, 6, "");
    metrics_ratio(metrics, "dp_straggler_share", straggled_ns, busy_ns, 6, "");
}
