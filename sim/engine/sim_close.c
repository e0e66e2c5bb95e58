#include "base/check.h"
#include "engine/sim.h"

int sim_close(struct sim *sim, struct err *err)
{
    struct sim_totals *totals = &sim->totals;
    if (sim->now_ns > totals->end_ns) {
        totals->end_ns = sim->now_ns;
    }
    if (sim_tick(sim, totals->end_ns, err) != 0) {
        return -1;
    }
    int64_t last_tick_ns =
        sim->config->tick_ns > 0 ? sim->tick_at_ns - sim->config->tick_ns : 0;
    if (totals->end_ns > last_tick_ns) {
        sim->config->probe->tick(sim->config->probe->state, sim, totals->end_ns);
    }
    int64_t computed = 0; /* tokens, of all steps */
    int64_t emitted = 0;
    int64_t thrown = totals->discarded_tokens;
    int64_t discarded = totals->discarded_outputs;
    int64_t rejected = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        CHECK(replica->running.n == 0 && replica_n_waiting(replica) == 0);
        CHECK(!replica->busy && replica->swap.host_blocks == 0);
        CHECK(kv_used(&replica->kv) == 0);
        computed += replica->sums.work.tokens - replica->sums.work.padding_tokens;
        emitted += replica->sums.work.emissions;
        thrown += replica->tally.recomputed_tokens + replica->tally.discarded_tokens +
                  replica->tally.lost_tokens;
        discarded += replica->tally.discarded_outputs + replica->tally.lost_outputs;
        rejected += draft_rejected(&replica->draft);
        totals->n_steps += replica->n_steps;
        totals->sequence_steps += replica->tally.sequence_steps;
    }
    CHECK(sim->n_in_system == 0);
    CHECK(totals->area == totals->sojourn);
    CHECK(computed == totals->computed_tokens_completed + thrown + rejected);
    CHECK(emitted == totals->output_tokens_completed + discarded + rejected);
    return 0;
}
