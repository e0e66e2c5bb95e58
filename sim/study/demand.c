#include "study/demand.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "input/workload.h"

/* Years of seconds; more than anybody looks at, less than memory has. */
static const int64_t most_intervals = INT64_C(1) << 26;

static void grow(struct demand *demand, int64_t n)
{
    if (n > demand->room) {
        int64_t room = demand->room * 2 > n ? demand->room * 2 : n;
        demand->intervals =
            memory_grow(demand->intervals, (size_t)room, sizeof *demand->intervals);
        memset(&demand->intervals[demand->room], 0,
               (size_t)(room - demand->room) * sizeof *demand->intervals);
        demand->room = room;
    }
    demand->n_intervals = n;
}

static void add(struct demand_interval *to, int64_t prompt_tokens,
                int64_t output_tokens)
{
    to->n_requests++;
    to->prompt_tokens += prompt_tokens;
    to->output_tokens += output_tokens;
}

void demand_add(struct demand *demand, int64_t arrival_ns, int64_t prompt_tokens,
                int64_t output_tokens)
{
    CHECK(arrival_ns >= 0 && demand->interval_ns > 0);
    int64_t interval = arrival_ns / demand->interval_ns;
    if (interval >= demand->n_intervals) {
        grow(demand, interval + 1);
    }
    bool is_first = demand->sum.n_requests == 0;
    if (is_first || arrival_ns < demand->first_ns) {
        demand->first_ns = arrival_ns;
    }
    if (is_first || arrival_ns > demand->last_ns) {
        demand->last_ns = arrival_ns;
    }
    add(&demand->intervals[interval], prompt_tokens, output_tokens);
    add(&demand->sum, prompt_tokens, output_tokens);
}

void demand_free(struct demand *demand)
{
    free(demand->intervals);
}

static int read_all(struct demand *demand, struct workload *workload,
                    struct bound_mix *mix, struct err *err)
{
    struct sim_arrival arrival;
    int got;
    while ((got = workload_next(workload, &arrival, err)) > 0) {
        bool shares = arrival.parts != NULL;
        free(arrival.labels);
        free(arrival.parts);
        if (arrival.arrival_ns / demand->interval_ns >= most_intervals) {
            return err_at(err, arrival.file, arrival.line,
                          "the arrival is after %" PRId64 " intervals of %" PRId64
                          " ns: expected a longer interval",
                          most_intervals, demand->interval_ns);
        }
        demand_add(demand, arrival.arrival_ns, arrival.prompt_tokens,
                   arrival.output_tokens);
        if (mix != NULL) {
            bound_mix_add(mix, arrival.prompt_tokens, arrival.output_tokens, shares);
        }
    }
    return got;
}

int demand_read(struct demand *demand, const struct config_workload *config,
                uint64_t seed, struct bound_mix *mix, struct err *err)
{
    struct workload workload;
    if (workload_open(&workload, config, seed, NULL, err) != 0) {
        return -1;
    }
    int status = read_all(demand, &workload, mix, err);
    workload_close(&workload);
    return status;
}

static double seconds_of(const struct demand *demand)
{
    return (double)demand->interval_ns * 1e-9;
}

double demand_rps(const struct demand *demand, int64_t interval)
{
    return (double)demand->intervals[interval].n_requests / seconds_of(demand);
}

double demand_peak_rps(const struct demand *demand)
{
    double peak = 0;
    for (int64_t i = 0; i < demand->n_intervals; i++) {
        peak = fmax(peak, demand_rps(demand, i));
    }
    return peak;
}

double demand_mean_rps(const struct demand *demand)
{
    double seconds = (double)demand->n_intervals * seconds_of(demand);
    return seconds > 0 ? (double)demand->sum.n_requests / seconds : 0;
}

int64_t demand_replicas(const struct demand *demand, int64_t interval,
                        double capacity_rps, int64_t least)
{
    CHECK(capacity_rps > 0);
    int64_t n = (int64_t)ceil(demand_rps(demand, interval) / capacity_rps);
    return n > least ? n : least;
}

struct demand_fleet demand_follow(const struct demand *demand, double capacity_rps,
                                  int64_t least, int64_t gpus)
{
    struct demand_fleet fleet = {.peak_replicas = least};
    int64_t sum = 0;
    for (int64_t i = 0; i < demand->n_intervals; i++) {
        int64_t n = demand_replicas(demand, i, capacity_rps, least);
        fleet.peak_replicas = n > fleet.peak_replicas ? n : fleet.peak_replicas;
        sum += n;
    }
    double hours = seconds_of(demand) / 3600 * (double)gpus;
    fleet.mean_replicas =
        demand->n_intervals > 0 ? (double)sum / (double)demand->n_intervals : 0;
    fleet.ideal_gpu_hours = (double)sum * hours;
    fleet.static_gpu_hours =
        (double)fleet.peak_replicas * (double)demand->n_intervals * hours;
    return fleet;
}
