#include "engine/fail.h"
#include "engine/fail_state.h"

void fail_sum(const struct sim *sim, struct fail_totals *totals)
{
    int64_t end_ns = sim->totals.end_ns;
    *totals = (struct fail_totals){0};
    if (sim->fail != NULL) {
        totals->n_retried = sim->fail->lose.n_retried;
        totals->n_migrated = sim->fail->lose.n_migrated;
    }
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        const struct replica_tally *tally = &replica->tally;
        const struct replica_aborted *aborted = &replica->sums.aborted;
        totals->n_failures += tally->n_failures;
        totals->n_reclaims += tally->n_reclaims;
        totals->n_lost_attempts += tally->n_lost_attempts;
        totals->lost_tokens += tally->lost_tokens;
        totals->lost_outputs += tally->lost_outputs;
        totals->lost_pj += tally->broken_pj;
        totals->lost_usd_ns += (wide)tally->broken_ns * replica->usd_per_hour_nano;
        totals->aborted_tokens += aborted->prefill_tokens + aborted->decode_tokens;
        if (lockstep_first(replica) != i) {
            continue; /* ranks are there as one replica */
        }
        totals->up_ns += life_on_ns(&replica->life, end_ns);
        totals->wanted_ns += life_paid_ns(&replica->life, end_ns);
        if (sim->fail != NULL) {
            const struct fail_place *place = &sim->fail->places[i];
            int64_t since_ns = place->gone ? end_ns - place->gone_since_ns : 0;
            totals->wanted_ns += place->gone_ns + since_ns;
        }
    }
}
