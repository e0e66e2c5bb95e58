#include "output/meter_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "engine/sums.h"

static const wide joule_pj = 1000000000000;
static const wide kwh_pj = 3600000 * joule_pj;

/* Energy of a pool's replicas, and the hosts' part of it. */
struct energy {
    wide it_pj;
    wide host_pj;
};

/* What has failed or is off draws none. */
static struct energy energy_of(const struct pool *pool, const struct replica_sums *sums)
{
    const struct power *power = &pool->power;
    wide powered_ns = sums->on_ns + sums->starting_ns;
    return (struct energy){
        .it_pj = sums->busy_pj + power->idle_mw * (powered_ns - sums->busy_ns),
        .host_pj =
            power->host_idle_mw * powered_ns + power->host_active_mw * sums->busy_ns,
    };
}

void meter_report_tick(struct meter_report *report, struct sim *sim, int64_t at_ns)
{
    wide pj = 0;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        struct replica_sums sums;
        sim_pool_sums(sim, i, at_ns, &sums);
        pj += energy_of(&sim->config->pools[i], &sums).it_pj;
    }
    if (report->n == report->room) {
        report->room = report->room * 2 + 64;
        report->intervals = memory_grow(report->intervals, (size_t)report->room,
                                        sizeof *report->intervals);
    }
    int64_t length_ns = at_ns - report->before_ns;
    report->intervals[report->n++] = (struct meter_report_interval){
        .length_ns = length_ns,
        /* 1 pJ/ns = 1 mW */
        .power_uw = wide_narrow(wide_ratio(pj - report->before_pj, length_ns, 3)),
    };
    report->before_ns = at_ns;
    report->before_pj = pj;
}

static int by_power(const void *a, const void *b)
{
    const struct meter_report_interval *left = a;
    const struct meter_report_interval *right = b;
    return (left->power_uw > right->power_uw) - (left->power_uw < right->power_uw);
}

/* The least power that was not exceeded for that share of the time. */
static int64_t quantile_uw(const struct meter_report *report, int64_t percent)
{
    wide total_ns = 0;
    wide up_to_ns = 0;
    int64_t i = 0;
    for (int64_t j = 0; j < report->n; j++) {
        total_ns += report->intervals[j].length_ns;
    }
    for (; i < report->n - 1; i++) {
        up_to_ns += report->intervals[i].length_ns;
        if (up_to_ns * 100 >= total_ns * percent) {
            break;
        }
    }
    return report->intervals[i].power_uw;
}

static void put_power(struct meter_report *report, struct metrics *metrics)
{
    if (report->n == 0) {
        metrics_text(metrics, "peak_fleet_power", "", "W");
        metrics_text(metrics, "p99_fleet_power", "", "W");
        return;
    }
    qsort(report->intervals, (size_t)report->n, sizeof *report->intervals, by_power);
    metrics_ratio(metrics, "peak_fleet_power", quantile_uw(report, 100), 1000000, 6,
                  "W");
    metrics_ratio(metrics, "p99_fleet_power", quantile_uw(report, 99), 1000000, 6, "W");
}

static void put_limit(const struct meter_config *config, struct metrics *metrics)
{
    static const char *const names[] = {
        [METER_NO_LIMIT] = "none",
        [METER_POWER_CAP] = "power_cap",
        [METER_THERMAL] = "thermal",
    };
    struct err err;
    enum meter_limit limit;
    struct meter_config shown = {0};
    meter_limit_mw(config, &shown.power_cap_mw, &limit, &err); /* was checked before */
    char watts[256] = "";
    char value[METRICS_VALUE_BYTES];
    for (int i = 0; limit != METER_NO_LIMIT && i < METER_FIELDS; i++) {
        if (meter_fields[i].offset == offsetof(struct meter_config, power_cap_mw)) {
            field_print(&meter_fields[i], &shown, watts);
        }
    }
    snprintf(value, sizeof value, "%s%s%.40s%s", names[limit], watts[0] ? " " : "",
             watts, watts[0] ? " W per GPU" : "");
    metrics_text(metrics, "power_limit", value, "");
}

static void put_energy(const struct meter_config *config, const struct energy *energy,
                       struct metrics *metrics)
{
    wide facility_pj = meter_facility_pj(config, energy->it_pj);
    metrics_ratio(metrics, "gpu_energy_j", energy->it_pj - energy->host_pj, joule_pj, 6,
                  "J");
    metrics_ratio(metrics, "host_energy_j", energy->host_pj, joule_pj, 6, "J");
    metrics_ratio(metrics, "pue", config->pue_nano, 1000000000, 6, "");
    metrics_ratio(metrics, "facility_energy_j", facility_pj, joule_pj, 6, "J");
    metrics_ratio(metrics, "facility_kwh", facility_pj, kwh_pj, 9, "kWh");
    metrics_ratio(metrics, "carbon_g", meter_carbon_nano(config, facility_pj),
                  1000000000, 6, "g");
    metrics_ratio(metrics, "electricity_usd", meter_usd_nano(config, facility_pj),
                  1000000000, 9, "usd");
}

void meter_report_metrics(struct meter_report *report, struct sim *sim,
                          int64_t input_tokens, struct metrics *metrics)
{
    const struct meter_config *config = &sim->config->pools[0].config->meter;
    struct energy fleet = {0};
    wide uncertain = 0; /* pJ x 10^-9 */
    wide prefill_pj = 0;
    wide steps_fs = 0;
    wide limited_fs = 0;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        const struct pool *pool = &sim->config->pools[i];
        struct replica_sums sums;
        sim_pool_sums(sim, i, sim->totals.end_ns, &sums);
        struct energy energy = energy_of(pool, &sums);
        fleet.it_pj += energy.it_pj;
        fleet.host_pj += energy.host_pj;
        uncertain += energy.it_pj * pool->config->accelerator.power_uncertainty_nano;
        limited_fs += sums.limited_fs;
        for (int bound = 0; bound < N_BOUNDS; bound++) {
            steps_fs += sums.bound_fs[bound];
        }
    }
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        prefill_pj += sim->replicas[i].tally.prefill_pj;
    }
    put_energy(config, &fleet, metrics);
    metrics_ratio(metrics, "prefill_energy_j", prefill_pj, joule_pj, 6, "J");
    metrics_ratio(metrics, "joules_per_input_token", prefill_pj,
                  input_tokens * joule_pj, 6, "J");
    put_power(report, metrics);
    put_limit(config, metrics);
    metrics_ratio(metrics, "throttled_share", limited_fs, steps_fs, 6, "");
    metrics_ratio(metrics, "power_uncertainty", uncertain, fleet.it_pj * 1000000000, 3,
                  "");
}

void meter_report_free(struct meter_report *report)
{
    free(report->intervals);
}
