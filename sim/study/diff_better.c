#include "study/diff_better.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A `*` at an end of a name stands for anything; the first that fits counts. */
static const struct {
    const char *name;
    int better;
} names[] = {
    {"std_*", 0},
    {"*_ttft_ms", -1},
    {"*_tpot_ms", -1},
    {"*_itl_ms", -1},
    {"*_e2el_ms", -1},
    {"*_queue_ms", -1},
    {"*_wait_ms", -1},
    {"*_hold_ms", -1},
    {"*_transfer_ms", -1},
    {"queue_growth", -1},
    {"rejected", -1},
    {"timed_out", -1},
    {"shed", -1},
    {"failed", -1},
    {"all_rejected_requests", -1},
    {"all_timed_out_requests", -1},
    {"all_shed_requests", -1},
    {"all_failed_requests", -1},
    {"held_requests", -1},
    {"preemptions", -1},
    {"computed_tokens_recomputed", -1},
    {"computed_tokens_discarded", -1},
    {"computed_tokens_lost", -1},
    {"padding_tokens", -1},
    {"usd_per_*", -1},
    {"*_usd_per_million_tokens", -1},
    {"total_cost_usd", -1},
    {"idle_cost_usd", -1},
    {"lost_cost_usd", -1},
    {"failure_cost_usd", -1},
    {"joules_per_*", -1},
    {"total_energy_j", -1},
    {"idle_energy_j", -1},
    {"lost_energy_j", -1},
    {"failure_energy_j", -1},
    {"facility_energy_j", -1},
    {"facility_kwh", -1},
    {"carbon_g", -1},
    {"electricity_usd", -1},
    {"throttled_share", -1},
    {"downtime_s", -1},
    {"time_above_slo", -1},
    {"time_to_recover", -1},
    {"overload_episodes", -1},
    {"lost_attempts", -1},
    {"completed", 1},
    {"all_completed_requests", 1},
    {"*_throughput", 1},
    {"request_goodput", 1},
    {"slo_met_requests", 1},
    {"slo_attainment", 1},
    {"prefix_cache_hit_rate", 1},
    {"estimated_capacity", 1},
    {"mfu", 1},
    {"mbu", 1},
    {"tokens_per_usd", 1},
    {"output_tokens_per_usd", 1},
    {"commitment_used_share", 1},
    {"acceptance_rate", 1},
    {"mean_accepted_length", 1},
    {"availability", 1},
    {"jain_fairness", 1},
};

static bool fits(const char *pattern, const char *name)
{
    size_t length = strlen(pattern);
    size_t n = strlen(name);
    if (pattern[0] == '*') {
        return n >= length - 1 && strcmp(name + n - (length - 1), pattern + 1) == 0;
    }
    if (pattern[length - 1] == '*') {
        return strncmp(name, pattern, length - 1) == 0;
    }
    return strcmp(name, pattern) == 0;
}

int diff_better(const char *metric)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (fits(names[i].name, metric)) {
            return names[i].better;
        }
    }
    return 0;
}
