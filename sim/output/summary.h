/* summary: what a run comes to: summary.csv.
 *
 * Names as `vllm bench serve` prints them.  Latencies, tokens and throughput are of the
 * requests inside the measurement window, throughput from their first arrival to their
 * last finish; money, energy, occupancy and the conservation counters are of the whole
 * run, [0, last event].
 */
#ifndef SERVESIM_OUTPUT_SUMMARY_H
#define SERVESIM_OUTPUT_SUMMARY_H

#include <stdint.h>

#include "engine/probe.h"
#include "engine/sim.h"
#include "engine/slo.h"
#include "output/metrics.h"
#include "output/quantiles.h"

struct summary {
    struct slo slo;
    int64_t n_by_status[N_REQUEST_STATUSES]; /* inside the window */
    int64_t prompt_tokens;                   /* of the completed */
    int64_t cached_tokens; /* of their prompts, found in the KV cache */
    int64_t output_tokens;
    int64_t wanted_prompt_tokens; /* of all that were not rejected */
    int64_t wanted_output_tokens;
    int64_t n_met;
    int64_t first_arrival_ns;
    int64_t last_arrival_ns;
    int64_t last_finish_ns;
    struct quantiles ttft;
    struct quantiles tpot;
    struct quantiles e2e;
    struct quantiles queue;
    int64_t
        reasoning_tokens; /* 0: nobody reasoned so far, and what comes next is empty */
    struct quantiles ttfat; /* first answer token - arrival, of all completed */
    int64_t origin_ns;      /* of the line through (arrival, queue) */
    wide sum_x;
    wide sum_y;
    wide sum_xx;
    wide sum_xy;
};

void summary_init(struct summary *summary, const struct slo *slo);
void summary_free(struct summary *summary);

/* A request left; whether slo_met(). */
void summary_add(struct summary *summary, const struct probe_record *record, bool met);

/* The list of metrics, once the run is over. */
void summary_metrics(struct summary *summary, const struct sim *sim,
                     int64_t attainment_nano, struct metrics *metrics);

/* By how many seconds the wait before the first step, and on the way to a decode replica,
 * grew per second of arrivals: the slope of the line through all requests.  Above 0 for good only when work comes faster
 * than it is done. */
double summary_queue_growth(const struct summary *summary);

#endif
