#include "output/summary_transfers.h"

#include "engine/transfer_net.h"

void summary_transfers_metrics(const struct sim *sim, struct metrics *metrics)
{
    const struct transfer_tally *tally = &sim->transfers.tally;
    const wide ms = 1000000;
    if (!sim->transfers.on) {
        return;
    }
    wide busy_ns;
    wide all_ns;
    int64_t most_ns;
    transfer_net_busy(sim, &busy_ns, &all_ns, &most_ns);
    metrics_integer(metrics, "transfers", tally->n, "");
    metrics_ratio(metrics, "transferred", tally->bytes, 1000000000, 9, "GB");
    metrics_ratio(metrics, "mean_transfer_ms", tally->sum_ns, tally->n * ms, 6, "ms");
    metrics_ratio(metrics, "max_transfer_ms", tally->most_ns, tally->n > 0 ? ms : 0, 6,
                  "ms");
    metrics_ratio(metrics, "mean_decode_admission_wait_ms", tally->wait_ns,
                  tally->n * ms, 6, "ms");
    metrics_ratio(metrics, "link_busy", busy_ns, all_ns, 6, "");
    metrics_ratio(metrics, "busiest_link_busy", most_ns,
                  all_ns > 0 ? sim->totals.end_ns : 0, 6, "");
}
