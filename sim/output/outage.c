#include "output/outage.h"

#include "engine/fail.h"

void outage_metrics(const struct sim *sim, struct metrics *metrics)
{
    const wide second = 1000000000;
    const wide usd = (wide)3600 * 1000000000 * 1000000000; /* of ns x nano-$ per hour */
    if (sim->fail == NULL) {
        return;
    }
    struct fail_totals totals;
    fail_sum(sim, &totals);
    metrics_integer(metrics, "failures", totals.n_failures, "");
    metrics_integer(metrics, "reclaims", totals.n_reclaims, "");
    metrics_integer(metrics, "lost_attempts", totals.n_lost_attempts, "");
    metrics_integer(metrics, "restarted_requests", totals.n_retried, "requests");
    metrics_integer(metrics, "migrated_requests", totals.n_migrated, "requests");
    metrics_integer(metrics, "computed_tokens_lost", totals.lost_tokens, "tokens");
    metrics_integer(metrics, "computed_tokens_aborted", totals.aborted_tokens,
                    "tokens");
    metrics_integer(metrics, "emitted_tokens_lost", totals.lost_outputs, "tokens");
    metrics_ratio(metrics, "failure_energy_j", totals.lost_pj, (wide)1000000000000, 6,
                  "J");
    metrics_ratio(metrics, "failure_cost_usd", totals.lost_usd_ns, usd, 9, "usd");
    metrics_ratio(metrics, "availability", totals.up_ns, totals.wanted_ns, 9, "");
    metrics_ratio(metrics, "downtime_s", totals.wanted_ns - totals.up_ns, second, 9,
                  "s");
}
