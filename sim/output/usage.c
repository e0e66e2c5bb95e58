#include "output/usage.h"

#include <stdlib.h>

#include "base/memory.h"
#include "engine/lockstep.h"
#include "engine/sums.h"
#include "output/usage_columns.h"

static const int64_t second_ns = 1000000000;
static const wide hour_ns = (wide)3600 * 1000000000;

int usage_timeline_open(struct usage_timeline *timeline, const char *folder,
                        int32_t n_pools, struct err *err)
{
    timeline->n_pools = n_pools;
    timeline->before_ns = 0;
    timeline->before = memory_new((size_t)n_pools, sizeof *timeline->before);
    if (text_open(&timeline->text, folder, "timeline.csv", err) != 0) {
        free(timeline->before);
        return -1;
    }
    columns_write_header(&timeline->text, &usage_columns_timeline);
    return 0;
}

/* a - b, of every sum that a row of the timeline needs. */
static struct replica_sums difference(const struct replica_sums *a,
                                      const struct replica_sums *b)
{
    struct replica_sums d = *a;
    d.busy_pj -= b->busy_pj;
    d.flops -= b->flops;
    d.bytes -= b->bytes;
    d.busy_ns -= b->busy_ns;
    d.paid_ns -= b->paid_ns;
    d.usd_ns -= b->usd_ns;
    d.on_ns -= b->on_ns;
    d.starting_ns -= b->starting_ns;
    d.failed_ns -= b->failed_ns;
    for (int i = 0; i < N_BOUNDS; i++) {
        d.bound_fs[i] -= b->bound_fs[i];
    }
    d.prefill_tokens -= b->prefill_tokens;
    d.decode_tokens -= b->decode_tokens;
    d.token_ns -= b->token_ns;
    d.block_ns -= b->block_ns;
    d.running_ns -= b->running_ns;
    d.waiting_ns -= b->waiting_ns;
    return d;
}

/* A comma and numerator / denominator half up. */
static void put_ratio(struct text *text, wide numerator, wide denominator, int decimals)
{
    text_string(text, ",");
    if (denominator > 0) {
        text_wide(text, wide_ratio(numerator, denominator, decimals), decimals);
    }
}

/* FLOPs and bytes that the pool's GPUs could have done in `ns` of one replica. */
static wide peak_flops(const struct pool *pool, wide ns)
{
    const struct pool_config *config = pool->config;
    int64_t peak = power_peak_flop_per_s(&config->accelerator, &config->llm);
    return ns * layout_rank_gpus(&config->layout) * peak / second_ns;
}

static wide peak_bytes(const struct pool *pool, wide ns)
{
    const struct pool_config *config = pool->config;
    return ns * layout_rank_gpus(&config->layout) *
           config->accelerator.memory_bytes_per_s / second_ns;
}

/* MFU and MBU over `ns` of replica time; empty where the hardware is not known. */
static void put_utilisation(struct text *text, const struct pool *pool,
                            const struct replica_sums *sums, wide ns)
{
    put_ratio(text, sums->flops, pool->has_hardware ? peak_flops(pool, ns) : 0, 6);
    put_ratio(text, sums->bytes, pool->has_hardware ? peak_bytes(pool, ns) : 0, 6);
}

static const char *bound_name(const struct replica_sums *sums)
{
    enum bound most = BOUND_COMPUTE;
    wide sum = 0;
    for (int i = 0; i < N_BOUNDS; i++) {
        sum += sums->bound_fs[i];
        if (sums->bound_fs[i] > sums->bound_fs[most]) {
            most = (enum bound)i;
        }
    }
    return sum > 0 ? cost_bound_name(most) : "idle";
}

/* Energy of the time in which `sums` were done, in pJ; what has failed draws none. */
static wide energy_pj(const struct pool *pool, const struct replica_sums *sums)
{
    wide idle_ns = sums->paid_ns - sums->failed_ns - sums->busy_ns;
    return sums->busy_pj + pool->power.idle_mw * idle_ns;
}

/* Replicas that serve new requests now; ranks that step together are one. */
static int64_t count_ready(const struct sim *sim, int32_t pool)
{
    int64_t n = 0;
    int32_t first = sim->first_of_pool[pool];
    int32_t n_ranks = lockstep_n(&sim->replicas[first]);
    for (int32_t i = first; i < sim->first_of_pool[pool + 1]; i += n_ranks) {
        n += sim->replicas[i].life.state == LIFE_READY;
    }
    return n;
}

static void put_row(struct text *text, const struct pool *pool, int64_t n_ready,
                    const struct replica_sums *sums, int64_t at_ns, int64_t length_ns)
{
    text_decimal(text, at_ns, 9);
    text_printf(text, ",%s", pool->config->name);
    text_comma_integer(text, n_ready);
    put_ratio(text, sums->running_ns, length_ns, 6);
    put_ratio(text, sums->waiting_ns, length_ns, 6);
    put_ratio(text, sums->block_ns, length_ns, 6);
    text_comma_integer(text, pool->usable_blocks * layout_ranks(&pool->config->layout) *
                                 n_ready);
    put_ratio(text, sums->block_ns, sums->on_ns * pool->usable_blocks, 6);
    put_ratio(text, sums->token_ns, length_ns, 6);
    put_ratio(text, sums->prefill_tokens * second_ns, length_ns, 6);
    put_ratio(text, sums->decode_tokens * second_ns, length_ns, 6);
    put_utilisation(text, pool, sums, sums->on_ns);
    text_printf(text, ",%s", bound_name(sums));
    put_ratio(text, energy_pj(pool, sums), (wide)length_ns * 1000, 6);
    put_ratio(text, sums->usd_ns, (wide)length_ns * second_ns, 6);
    text_string(text, "\n");
}

void usage_timeline_tick(struct usage_timeline *timeline, struct sim *sim,
                         int64_t at_ns)
{
    for (int32_t i = 0; i < timeline->n_pools; i++) {
        struct replica_sums now;
        sim_pool_sums(sim, i, at_ns, &now);
        struct replica_sums row = difference(&now, &timeline->before[i]);
        put_row(&timeline->text, &sim->config->pools[i], count_ready(sim, i), &row,
                at_ns, at_ns - timeline->before_ns);
        timeline->before[i] = now;
    }
    timeline->before_ns = at_ns;
}

int usage_timeline_close(struct usage_timeline *timeline, struct err *err)
{
    free(timeline->before);
    timeline->before = NULL;
    return text_close(&timeline->text, err);
}

static void put_replica(struct text *text, struct replica *replica, int64_t end_ns)
{
    const struct pool *pool = replica->pool;
    struct replica_sums at_end;
    sums_at(replica, end_ns, &at_end);
    const struct replica_sums *sums = &at_end;
    const struct replica_tally *tally = &replica->tally;
    wide fs = 0;
    text_printf(text, "%d,%s,", replica->index, pool->config->name);
    text_wide(text, sums->busy_ns, 9);
    text_string(text, ",");
    text_wide(text, sums->on_ns - sums->busy_ns, 9);
    text_string(text, ",");
    text_wide(text, sums->starting_ns, 9);
    text_string(text, ",");
    text_wide(text, sums->failed_ns, 9);
    text_string(text, ",");
    text_wide(text, sums->work.steps, 0);
    text_string(text, ",");
    text_wide(text, sums->prefill_tokens, 0);
    text_string(text, ",");
    text_wide(text, sums->decode_tokens, 0);
    put_ratio(text, sums->running_ns, sums->busy_ns, 6);
    text_comma_integer(text, tally->most_running);
    put_ratio(text, sums->block_ns, sums->on_ns * pool->usable_blocks, 6);
    put_ratio(text, tally->most_blocks, pool->usable_blocks, 6);
    text_comma_integer(text, tally->n_preemptions);
    put_utilisation(text, pool, sums, sums->on_ns);
    for (int i = 0; i < N_BOUNDS; i++) {
        fs += sums->bound_fs[i];
    }
    for (int i = 0; i < N_BOUNDS; i++) {
        put_ratio(text, sums->bound_fs[i], fs, 6);
    }
    put_ratio(text, energy_pj(pool, sums), (wide)1000000000000, 6);
    put_ratio(text, sums->usd_ns, hour_ns * second_ns, 12);
    text_string(text, "\n");
}

int usage_write_replicas(struct sim *sim, const char *folder, struct err *err)
{
    struct text text;
    if (text_open(&text, folder, "replicas.csv", err) != 0) {
        return -1;
    }
    columns_write_header(&text, &usage_columns_replicas);
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        put_replica(&text, &sim->replicas[i], sim->totals.end_ns);
    }
    return text_close(&text, err);
}

struct usage_time usage_time(struct replica *replica, int64_t end_ns)
{
    struct replica_sums sums;
    sums_at(replica, end_ns, &sums);
    return (struct usage_time){
        .busy_ns = sums.busy_ns,
        .idle_ns = sums.on_ns - sums.busy_ns,
        .starting_ns = sums.starting_ns,
        .failed_ns = sums.failed_ns,
        .held_ns = sums.held_ns,
    };
}

struct usage_energy usage_energy(struct replica *replica, int64_t end_ns)
{
    const struct pool *pool = replica->pool;
    const struct replica_tally *tally = &replica->tally;
    struct usage_time time = usage_time(replica, end_ns);
    struct replica_sums sums;
    sums_at(replica, end_ns, &sums);
    wide remainder_pj = sums.busy_pj - tally->energy_pj - tally->lost_pj;
    CHECK(time.busy_ns - tally->paid_ns - tally->lost_ns ==
          replica->group.paid_pot_ns + replica->prefill_pot_ns);
    CHECK(remainder_pj == replica->group.energy_pot_pj + replica->prefill_pot_pj);
    return (struct usage_energy){
        .attributed_pj = tally->energy_pj,
        .lost_pj = tally->lost_pj,
        .remainder_pj = remainder_pj,
        .idle_pj = pool->power.idle_mw * time.idle_ns,
        .starting_pj = pool->power.idle_mw * time.starting_ns,
    };
}

/* Sums over all replicas that the occupancy needs. */
struct fleet {
    struct replica_sums sums;
    wide paid_ns;
    struct usage_energy energy;
    wide flops, peak_flops, bytes, peak_bytes;
    wide block_total_ns; /* usable blocks over time */
};

static void add_energy(struct usage_energy *sum, const struct usage_energy *more)
{
    sum->attributed_pj += more->attributed_pj;
    sum->lost_pj += more->lost_pj;
    sum->remainder_pj += more->remainder_pj;
    sum->idle_pj += more->idle_pj;
    sum->starting_pj += more->starting_pj;
    sum->failed_pj += more->failed_pj;
}

static void add_replica(struct fleet *fleet, struct replica *replica, int64_t end_ns)
{
    const struct pool *pool = replica->pool;
    struct replica_sums at_end;
    sums_at(replica, end_ns, &at_end);
    const struct replica_sums *sums = &at_end;
    struct usage_energy energy = usage_energy(replica, end_ns);
    add_energy(&fleet->energy, &energy);
    CHECK(sums->paid_ns == sums->on_ns + sums->starting_ns + sums->failed_ns);
    fleet->paid_ns += sums->paid_ns;
    fleet->sums.busy_ns += sums->busy_ns;
    fleet->sums.work.steps += sums->work.steps;
    fleet->sums.running_ns += sums->running_ns;
    fleet->sums.waiting_ns += sums->waiting_ns;
    fleet->sums.block_ns += sums->block_ns;
    for (int i = 0; i < N_BOUNDS; i++) {
        fleet->sums.bound_fs[i] += sums->bound_fs[i];
    }
    fleet->block_total_ns += pool->usable_blocks * sums->on_ns;
    if (pool->has_hardware) {
        fleet->flops += sums->flops;
        fleet->peak_flops += peak_flops(pool, sums->on_ns);
        fleet->bytes += sums->bytes;
        fleet->peak_bytes += peak_bytes(pool, sums->on_ns);
    }
}

static void put_joules(struct metrics *metrics, const char *name, wide pj)
{
    metrics_ratio(metrics, name, pj, (wide)1000000000000, 6, "J");
}

static void put_energy(struct metrics *metrics, const struct usage_energy *energy,
                       const struct bill_served *served, int64_t end_ns)
{
    const wide joule = 1000000000000;
    wide total_pj = energy->attributed_pj + energy->lost_pj + energy->remainder_pj +
                    energy->idle_pj + energy->starting_pj + energy->failed_pj;
    put_joules(metrics, "total_energy_j", total_pj);
    put_joules(metrics, "attributed_energy_j", energy->attributed_pj);
    put_joules(metrics, "idle_energy_j", energy->idle_pj);
    put_joules(metrics, "starting_energy_j", energy->starting_pj);
    put_joules(metrics, "lost_energy_j", energy->lost_pj);
    metrics_ratio(metrics, "remainder_energy_j", energy->remainder_pj, joule, 12, "J");
    metrics_ratio(metrics, "joules_per_request", total_pj, served->n_requests * joule,
                  6, "J");
    metrics_ratio(metrics, "joules_per_output_token", total_pj,
                  served->output_tokens * joule, 6, "J");
    metrics_ratio(metrics, "mean_power", total_pj, (wide)end_ns * 1000, 6, "W");
    metrics_text(metrics, "power_model", "uncalibrated", "");
}

void usage_metrics(struct sim *sim, const struct bill *bill, struct metrics *metrics)
{
    static const char *const shares[N_BOUNDS] = {
        [BOUND_COMPUTE] = "compute_bound_share",
        [BOUND_WEIGHT] = "weight_bound_share",
        [BOUND_KV] = "kv_bound_share",
        [BOUND_NETWORK] = "network_bound_share",
        [BOUND_OVERHEAD] = "overhead_bound_share",
    };
    struct fleet fleet = {0};
    int64_t end_ns = sim->totals.end_ns;
    wide fs = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        add_replica(&fleet, &sim->replicas[i], end_ns);
    }
    for (int i = 0; i < N_BOUNDS; i++) {
        fs += fleet.sums.bound_fs[i];
    }
    metrics_ratio(metrics, "simulated_time", end_ns, second_ns, 9, "s");
    metrics_integer(metrics, "steps", fleet.sums.work.steps, "");
    metrics_ratio(metrics, "busy_share", fleet.sums.busy_ns, fleet.paid_ns, 6, "");
    metrics_ratio(metrics, "mean_running", fleet.sums.running_ns, end_ns, 6,
                  "requests");
    metrics_ratio(metrics, "mean_waiting", fleet.sums.waiting_ns, end_ns, 6,
                  "requests");
    metrics_ratio(metrics, "mean_kv_used_fraction", fleet.sums.block_ns,
                  fleet.block_total_ns, 6, "");
    metrics_ratio(metrics, "mfu", fleet.flops, fleet.peak_flops, 6, "");
    metrics_ratio(metrics, "mbu", fleet.bytes, fleet.peak_bytes, 6, "");
    for (int i = 0; i < N_BOUNDS; i++) {
        metrics_ratio(metrics, shares[i], fleet.sums.bound_fs[i], fs, 6, "");
    }
    bill_metrics(bill, metrics);
    put_energy(metrics, &fleet.energy, &bill->served, end_ns);
}
