#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/sim.h"
#include "input/clients.h"
#include "input/workload.h"
#include "policy/policy.h"
#include "study/observed.h"
#include "study/run.h"

/* Counters of the whole run up to a moment. */
struct counters {
    double generation_tokens;
    double n_preemptions;
    double itl_ns;
    double n_itl;
};

/* Sums of what happened to requests in an interval. */
struct sums {
    double ttft_ns;
    double e2e_ns;
    int64_t n_first_tokens;
};

struct player {
    const struct observed *observed;
    struct workload workload;
    bool is_open;
    bool cut; /* the trace goes on after the observation */
    struct measured_interval *played;
    struct counters *counters; /* by row */
    struct sums *sums;         /* by row */
    int64_t next_row;          /* the first whose time has not come */
    struct counters before;    /* at the last boundary, before_ns */
    int64_t before_ns;
};

/* Requests that come after the last row are of no interest. */
static int next_arrival(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct player *player = state;
    const struct observed *observed = player->observed;
    player->cut |= player->next_row > observed->n;
    int got = player->cut ? 0 : workload_next(&player->workload, arrival, err);
    if (got > 0 && player->is_open &&
        arrival->arrival_ns > observed->rows[observed->n].t_ns) {
        free(arrival->labels);
        free(arrival->parts);
        player->cut = true;
        return 0;
    }
    return got;
}

/* The row of the interval in which the moment lies; beyond the last one: NULL. */
static struct measured_interval *row_at(const struct player *player, int64_t at_ns)
{
    const struct observed *observed = player->observed;
    int64_t low = 1;
    int64_t high = observed->n + 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (observed->rows[middle].t_ns < at_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low <= observed->n ? &player->played[low] : NULL;
}

static void on_finish(void *state, struct probe_record *record)
{
    struct player *player = state;
    free(record->labels);
    struct measured_interval *row = NULL;
    if (record->first_scheduled_ns != REQUEST_NEVER &&
        (row = row_at(player, record->first_scheduled_ns)) != NULL) {
        row->prefix_query_tokens += record->prompt_tokens;
        row->prefix_hit_tokens += record->cached_tokens;
    }
    if (record->first_token_ns != REQUEST_NEVER &&
        (row = row_at(player, record->first_token_ns)) != NULL) {
        struct sums *sums = &player->sums[row - player->played];
        row->prompt_tokens += record->prompt_tokens;
        sums->ttft_ns += (double)(record->first_token_ns - record->arrival_ns);
        sums->n_first_tokens++;
    }
    if (record->status == REQUEST_COMPLETED &&
        (row = row_at(player, record->finish_ns)) != NULL) {
        player->sums[row - player->played].e2e_ns +=
            (double)(record->finish_ns - record->arrival_ns);
        row->n_requests++;
    }
}

/* Running, waiting and the KV cache as they are now. */
static void look(const struct sim *sim, struct measured_interval *row)
{
    int64_t used = 0;
    int64_t total = 0;
    row->running_nano = 0;
    row->waiting_nano = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        row->running_nano += replica->running.n * 1000000000;
        row->waiting_nano += replica_n_waiting(replica) * 1000000000;
        used += kv_used(&replica->kv);
        total += replica->kv.total_blocks;
    }
    row->kv_used_nano = llround(1e9 * (double)used / (double)total);
}

static struct counters mix(const struct counters *a, const struct counters *b,
                           double share)
{
    return (struct counters){
        a->generation_tokens + share * (b->generation_tokens - a->generation_tokens),
        a->n_preemptions + share * (b->n_preemptions - a->n_preemptions),
        a->itl_ns + share * (b->itl_ns - a->itl_ns),
        a->n_itl + share * (b->n_itl - a->n_itl),
    };
}

/* Rows that lie between two boundaries get the counters in between. */
static void on_tick(void *state, struct sim *sim, int64_t at_ns)
{
    struct player *player = state;
    const struct observed *observed = player->observed;
    struct replica_sums sums;
    sim_pool_sums(sim, 0, at_ns, &sums); /* brings the gaps up to date, too */
    struct counters now = {.generation_tokens = (double)sums.work.emissions,
                           .itl_ns = (double)sim->itl.sum,
                           .n_itl = (double)sim->itl.n};
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        now.generation_tokens -= (double)draft_rejected(&sim->replicas[i].draft);
        now.n_preemptions += (double)sim->replicas[i].tally.n_preemptions;
    }
    for (; player->next_row <= observed->n &&
           observed->rows[player->next_row].t_ns <= at_ns;
         player->next_row++) {
        int64_t t_ns = observed->rows[player->next_row].t_ns;
        double share =
            (double)(t_ns - player->before_ns) / (double)(at_ns - player->before_ns);
        player->counters[player->next_row] = mix(&player->before, &now, share);
        look(sim, &player->played[player->next_row]);
    }
    player->before = now;
    player->before_ns = at_ns;
}

/* A boundary at every row if their times have a common measure that is not too small. */
static int64_t tick_of(const struct observed *observed)
{
    int64_t common_ns = 0;
    int64_t shortest_ns = INT64_MAX;
    int64_t end_ns = observed->rows[observed->n].t_ns;
    for (int64_t i = 1; i <= observed->n; i++) {
        int64_t b = observed->rows[i].t_ns;
        int64_t length_ns = b - observed->rows[i - 1].t_ns;
        shortest_ns = length_ns < shortest_ns ? length_ns : shortest_ns;
        while (b != 0) {
            int64_t rest = common_ns % b;
            common_ns = b;
            b = rest;
        }
    }
    /* few enough boundaries for a run that takes much longer than the observation */
    if (common_ns > shortest_ns / 100 && common_ns >= end_ns / 1000000) {
        return common_ns;
    }
    int64_t fine_ns = shortest_ns / 100 + 1;
    return end_ns / 100000 > fine_ns ? end_ns / 100000 : fine_ns;
}

/* Counters and sums become what a scrape would have told. */
static void close_rows(struct player *player)
{
    for (int64_t i = player->next_row; i <= player->observed->n; i++) {
        player->counters[i] = player->before; /* all was over */
    }
    for (int64_t i = 1; i <= player->observed->n; i++) {
        struct measured_interval *row = &player->played[i];
        const struct counters *now = &player->counters[i];
        const struct counters *then = &player->counters[i - 1];
        const struct sums *sums = &player->sums[i];
        double n_itl = now->n_itl - then->n_itl;
        row->t_ns = player->observed->rows[i].t_ns;
        row->generation_tokens =
            llround(now->generation_tokens) - llround(then->generation_tokens);
        row->n_preemptions = llround(now->n_preemptions) - llround(then->n_preemptions);
        row->itl_mean_ns =
            n_itl > 0 ? llround((now->itl_ns - then->itl_ns) / n_itl) : MEASURED_NONE;
        row->ttft_mean_ns = sums->n_first_tokens > 0
                                ? llround(sums->ttft_ns / (double)sums->n_first_tokens)
                                : MEASURED_NONE;
        row->e2e_mean_ns = row->n_requests > 0
                               ? llround(sums->e2e_ns / (double)row->n_requests)
                               : MEASURED_NONE;
    }
}

/* The last row whose interval the server was busy in. */
static int64_t last_busy(const struct observed *observed)
{
    int64_t i = observed->n;
    while (i > 1 && observed->rows[i].running_nano <= 0 &&
           observed->rows[i].generation_tokens <= 0 &&
           observed->rows[i].prompt_tokens <= 0) {
        i--;
    }
    return i;
}

/* A server that works twice as long as all of the trace takes had another trace. */
static int check_end(const struct player *player, const struct config *config,
                     int64_t end_ns, struct err *err)
{
    const struct observed *observed = player->observed;
    int64_t busy = last_busy(observed);
    if (player->cut || observed->rows[busy - 1].t_ns <= 2 * end_ns) {
        return 0;
    }
    return err_at(err, observed->file, observed->lines[busy],
                  "t_s: the server still worked after %.3f s, but all of %s is served "
                  "after %.3f s: it is not the trace that was replayed",
                  (double)observed->rows[busy].t_ns * 1e-9, config->workload.trace,
                  (double)end_ns * 1e-9);
}

static int simulate(struct player *player, const struct config *config,
                    const struct pool *pool, const volatile sig_atomic_t *interrupted,
                    struct err *err)
{
    struct batch_policy policy = policy_of(&pool->config->scheduler);
    struct probe probe = {.state = player, .finish = on_finish, .tick = on_tick};
    struct sim_config sim_config = {
        .pools = pool,
        .policies = &policy,
        .seed = (uint64_t)config->run.seed,
        .n_pools = 1,
        .route = policy_route(config->route.policy),
        .decode_route = policy_route(config->route.decode_policy),
        .disaggregate = &config->disaggregate,
        .routing = &config->route,
        .client_timeout_ns = config->workload.client_timeout_ns,
        .reject_unservable = config->workload.unservable == CONFIG_REJECT,
        .want_itl = true,
        .tick_ns = tick_of(player->observed),
        .interrupted = interrupted,
        .probe = &probe,
    };
    struct clients clients;
    const struct sim_source requests = {.state = player, .next = next_arrival};
    struct sim_source source = clients_init(&clients, &player->workload, &requests,
                                            (uint64_t)config->run.seed);
    struct sim sim;
    int status = sim_run(&sim, &sim_config, &source, err);
    if (status == 0) {
        close_rows(player);
        status = check_end(player, config, sim.totals.end_ns, err);
    }
    sim_free(&sim);
    clients_free(&clients);
    return status;
}

/* Steps of that pool that take `factor` times as long. */
static void stretch(struct cost_config *cost, double factor)
{
    int64_t *const coefficients[] = {&cost->scale_nano, &cost->base_fs,
                                     &cost->prefill_token_fs, &cost->decode_seq_fs,
                                     &cost->context_token_fs};
    for (size_t i = 0; i < sizeof coefficients / sizeof coefficients[0]; i++) {
        *coefficients[i] = llround((double)*coefficients[i] * factor);
    }
}

int observed_play(const struct observed *observed, const struct config *config,
                  double step_factor, const volatile sig_atomic_t *interrupted,
                  struct measured_interval *played, struct err *err)
{
    size_t n = (size_t)observed->n + 1;
    struct config replay = *config;
    struct pool_config pool_config = config->pools[0];
    struct pool *pool = memory_new(1, sizeof *pool);
    struct player player = {
        .observed = observed,
        .is_open = config->workload.mode == CONFIG_OPEN,
        .played = played,
        .counters = memory_new(n, sizeof *player.counters),
        .sums = memory_new(n, sizeof *player.sums),
        .next_row = 1,
    };
    memset(played, 0, n * sizeof *played);
    replay.pools = &pool_config;
    replay.workload.warmup_ns = 0; /* a server counts from its start */
    replay.workload.cooldown_ns = 0;
    stretch(&pool_config.cost, step_factor);
    int status = run_pools(&replay, pool, err);
    if (status == 0) {
        status = workload_open(&player.workload, &replay.workload,
                               (uint64_t)replay.run.seed, interrupted, err);
        if (status == 0) {
            status = simulate(&player, &replay, pool, interrupted, err);
            workload_close(&player.workload);
        }
    }
    run_free_pools(&replay, pool);
    free(player.counters);
    free(player.sums);
    return status;
}
