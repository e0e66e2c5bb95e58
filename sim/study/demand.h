/* demand: what a workload asks for over time, and the fleet that would follow it.
 *
 * The workload is read once and counted by intervals, the first of which begins at time 0:
 * requests, tokens of prompts and of outputs that arrive in each.  All intervals are of one
 * length, the last one included, whatever comes in it.
 *
 * A replica that serves mu requests per second needs lambda / mu of itself in an interval in
 * which lambda arrive per second.  demand_follow() takes that, rounded up, as the fleet of
 * an ideal autoscaler: it knows what comes, starts and stops replicas at once and for
 * nothing, and needs no room for bursts shorter than an interval.  No autoscaler that meets
 * demand within each interval does with less, so its GPU-hours are a lower bound; a static
 * fleet has its peak all the time.  With bound_result's most_rps as mu it is a bound for any
 * policy, with a measured capacity an estimate.
 */
#ifndef SERVESIM_STUDY_DEMAND_H
#define SERVESIM_STUDY_DEMAND_H

#include <stdint.h>

#include "base/err.h"
#include "input/config.h"
#include "study/bound.h"

/* What arrives in an interval. */
struct demand_interval {
    int64_t n_requests;
    int64_t prompt_tokens;
    int64_t output_tokens;
};

/* Zeroed but for `interval_ns` it is empty and ready. */
struct demand {
    int64_t interval_ns;
    struct demand_interval *intervals;
    int64_t n_intervals; /* up to the one of the last arrival */
    int64_t room;
    struct demand_interval sum;
    int64_t first_ns; /* the earliest arrival, and the latest */
    int64_t last_ns;
};

struct demand_fleet {
    int64_t peak_replicas; /* = those of a static fleet */
    double mean_replicas;  /* of the ideal autoscaler */
    double static_gpu_hours;
    double ideal_gpu_hours;
};

/* Adds a request, in any order of arrival. */
void demand_add(struct demand *demand, int64_t arrival_ns, int64_t prompt_tokens,
                int64_t output_tokens);
void demand_free(struct demand *demand);

/* Reads a workload: its requests over time and, unless `mix` is NULL, their lengths.  In
 * closed mode all of them arrive at 0.  -1 for the workload's errors; whatever it returns,
 * demand_free() and bound_mix_free() free. */
int demand_read(struct demand *demand, const struct config_workload *config,
                uint64_t seed, struct bound_mix *mix, struct err *err);

/* Requests per second: in an interval, in the fullest one, in the mean of all. */
double demand_rps(const struct demand *demand, int64_t interval);
double demand_peak_rps(const struct demand *demand);
double demand_mean_rps(const struct demand *demand);

/* Replicas of `capacity_rps` > 0 each that an interval needs, at least `least`. */
int64_t demand_replicas(const struct demand *demand, int64_t interval,
                        double capacity_rps, int64_t least);

/* The fleet over all intervals, of replicas with `gpus` each. */
struct demand_fleet demand_follow(const struct demand *demand, double capacity_rps,
                                  int64_t least, int64_t gpus);

#endif
