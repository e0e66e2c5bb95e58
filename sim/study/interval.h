/* interval: how sure a run is of its numbers.
 *
 * What presets know of a deployment that was not measured is log-normal: `tpot_sd` is the
 * standard deviation of log(measured / predicted TPOT), which is taken for one factor on
 * all its steps.  The same trace is run with that factor at the lower and the upper
 * quantile, and a metric's interval is from the least to the greatest of the three runs.
 * Times to first token also vary by what is before and beside the steps: where `ttft_sd`
 * alone is wider, it counts.
 */
#ifndef SERVESIM_STUDY_INTERVAL_H
#define SERVESIM_STUDY_INTERVAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "input/config.h"
#include "output/metrics.h"
#include "study/run.h"

struct interval {
    int percent;
    bool is_known; /* false: no preset says how far off it is, only `middle` was run */
    double ttft_factor; /* its quantile, of the pool that is least sure */
    struct metrics fast;
    struct metrics middle; /* the run itself */
    struct metrics slow;
};

/* Runs the configuration and, if its engines say how far off they are, its two ends, of
 * which no file tells.  `interval` is large: not for the stack. */
int interval_run(struct interval *interval, int percent, const struct config *config,
                 const struct run_options *options, struct err *err);

/* The main metrics as "23.10 (80 %: 19.40 - 28.00)". */
void interval_print(FILE *out, const struct interval *interval,
                    const struct config *config);

#endif
