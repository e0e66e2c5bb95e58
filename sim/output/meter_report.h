/* meter_report: what the meter says of a run: energy, power, carbon, electricity.
 *
 * Fleet power is IT power, GPUs and their hosts, of all replicas together.  Its peak and
 * its 99th percentile are over the means of the timeline's intervals, weighted with their
 * lengths (the last one is shorter).  Limits of power stretch steps: throttled_share is
 * the part of the time of steps that is there for no other reason.
 *
 * Energy of prefill is what was charged to tokens of prompts: a step with decodes charges
 * what these would have taken alone to them, the rest to its prompts.  joules_per_input_token
 * divides it by the input tokens of completed requests; idle energy is in neither.
 */
#ifndef SERVESIM_OUTPUT_METER_REPORT_H
#define SERVESIM_OUTPUT_METER_REPORT_H

#include <stdint.h>

#include "base/wide.h"
#include "engine/sim.h"
#include "output/metrics.h"

/* Mean power in an interval. */
struct meter_report_interval {
    int64_t length_ns;
    int64_t power_uw;
};

struct meter_report {
    int64_t before_ns; /* the boundary before ... */
    wide before_pj;    /* ... and the fleet's energy up to there */
    struct meter_report_interval *intervals;
    int64_t n;
    int64_t room;
};

/* A boundary of the timeline was reached. */
void meter_report_tick(struct meter_report *report, struct sim *sim, int64_t at_ns);

/* Adds the rows to the summary; `input_tokens` are those of all completed requests. */
void meter_report_metrics(struct meter_report *report, struct sim *sim,
                          int64_t input_tokens, struct metrics *metrics);

void meter_report_free(struct meter_report *report);

#endif
