/* trial: one fleet at one load, simulated with several seeds: what studies are made of.
 *
 * A trial is told as changes to a configuration, so every one can be repeated by hand with
 * `servesim run`: [workload] rate_rps, limit, repeat, count_from and count_to, [run] seed,
 * a pool's `scale`, and [slo] ttft_ms.  Of n requests the first and the last share ([study]
 * warmup, cooldown) are simulated and not counted.
 *
 * A draw of a deployment is a quantile z of what is known of it: its steps are exp(z
 * tpot_sd) times as long, and its times to first token, which also vary by what is beside the
 * steps, exp(z ttft_sd) times: what their steps do not make longer by themselves is taken
 * from the bounds on them.
 */
#ifndef SERVESIM_STUDY_TRIAL_H
#define SERVESIM_STUDY_TRIAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "input/config.h"
#include "output/metrics.h"
#include "study/goal.h"

/* What stays the same from trial to trial. */
struct trial_spec {
    const struct config *config;
    struct goal goal;
    int32_t n_seeds;    /* 1 where nothing is drawn */
    bool draws_traffic; /* seeds have other requests */
    bool draws;         /* seeds differ in anything */
    int64_t n_requests; /* of each run */
    int64_t n_rows; /* of the workload: it is repeated or drawn on to have n_requests */
    double mean_prompt; /* tokens of its requests */
    double mean_output;
    const char *rate_unit; /* "req/s"; "starts/s" where what starts may be a session */
    int32_t n_threads;     /* for the seeds of one trial; 1 unless it is set */
    const volatile sig_atomic_t *interrupted;
};

/* What changes. */
struct trial {
    double rate_rps; /* 0: as the workload has it */
    double z;        /* steps are exp(z tpot_sd) times as long, tpot_sd each pool's */
    int32_t first_seed; /* 0: from [run] seed on */
    int32_t n_seeds;    /* 0: the spec's */
};

struct trial_result {
    struct goal_verdict verdict;
    double rate_rps;       /* offered, in the spec's unit */
    double requests_per_s; /* the same, each turn of a session counted */
    double tokens_per_s;   /* input and output tokens of the offered requests */
    double output_per_s;
    double usd_per_hour;    /* as paid */
    double usd_per_million; /* tokens, input and output */
    double usd_per_million_output;
    double joules_per_output; /* facility energy over output tokens */
    double mean_ttft_ms;
    double mean_tpot_ms;
    double p99_ttft_ms;
    double p99_tpot_ms;
    double attainment;                     /* NAN without bounds */
    char price_basis[METRICS_VALUE_BYTES]; /* whose prices: as in summary.csv */
};

/* Reads the workload once for its rows and works the spec out. */
int trial_spec_init(struct trial_spec *spec, const struct config *config,
                    const volatile sig_atomic_t *interrupted, struct arena *arena,
                    struct err *err);

/* The configuration of one of its runs: `pools` has room for config->n_pools. */
void trial_config(const struct trial_spec *spec, const struct trial *trial,
                  int32_t seed, struct config *config, struct pool_config *pools);

/* What is taken from bounds on times to first token at that draw: exp(z (ttft_sd -
 * tpot_sd)) of the pool where this is most, 1 where none is less sure of them than of its
 * steps. */
double trial_ttft_factor(const struct config *config, double z);

/* Simulates; safe from several threads at once. */
int trial_run(const struct trial_spec *spec, const struct trial *trial,
              struct trial_result *result, struct err *err);

/* Several of them, `n_threads` at a time; of those that fail the first is told. */
int trial_run_all(const struct trial_spec *const *specs, const struct trial *trials,
                  struct trial_result *results, int32_t n, int32_t n_threads,
                  struct err *err);

/* The i-th of n evenly spaced quantiles of the normal distribution: (i + 1/2) / n. */
double trial_quantile(int32_t i, int32_t n);

#endif
