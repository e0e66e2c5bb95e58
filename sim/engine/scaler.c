#include "engine/scaler.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/boot.h"
#include "engine/fail.h"
#include "engine/fleet.h"
#include "engine/lockstep.h"
#include "engine/slo.h"
#include "engine/sums.h"

/* Before every time of a run, however long a cool-down is. */
static const int64_t never_ns = INT64_MIN / 4;

static int64_t n_held(const struct sim *sim, int32_t pool)
{
    int64_t n = 0;
    for (const struct request *r = sim->held.first; r != NULL; r = r->next) {
        n += (r->wanted >> pool & 1) != 0;
    }
    for (const struct request *r = sim->transfers.unplaced.first; r != NULL;
         r = r->next) {
        n += (r->wanted >> pool & 1) != 0;
    }
    return n;
}

/* What there is of a replica, with all ranks that step together. */
static struct scale_replica sum_ranks(struct sim *sim, int32_t first)
{
    struct scale_replica sum = {0};
    for (int32_t i = first; i < first + lockstep_n(&sim->replicas[first]); i++) {
        struct replica *rank = &sim->replicas[i];
        sum.n_waiting += rank->view->n_waiting;
        sum.n_running += rank->view->n_running;
        sum.used_blocks += sums_used_blocks(rank, sim->now_ns);
        sum.total_blocks += rank->pool->usable_blocks;
    }
    return sum;
}

static void look(struct sim *sim, struct scaler *scaler, struct scale_view *view)
{
    const struct scale_config *config = scaler->config;
    *view = (struct scale_view){
        .now_ns = sim->now_ns,
        .ready = scaler->ready,
        .n_held = n_held(sim, scaler->pool),
        .window_ns = sim->now_ns < config->window_ns ? sim->now_ns : config->window_ns,
        .n_sent = scaler->sum.n_sent,
        .n_finished = scaler->sum.n_finished,
        .n_met = scaler->sum.n_met,
    };
    for (int32_t i = sim->first_of_pool[scaler->pool];
         i < sim->first_of_pool[scaler->pool + 1]; i += scaler->n_ranks) {
        enum life_state state = sim->replicas[i].life.state;
        view->n_starting += state == LIFE_STARTING;
        if (state == LIFE_READY) {
            scaler->ready[view->n_ready++] = sum_ranks(sim, i);
        }
    }
}

/* The interval that ends now goes into the window, and the oldest out of it. */
static void move_window(struct scaler *scaler)
{
    struct scaler_counts *oldest = &scaler->before[scaler->next];
    scaler->sum.n_sent += scaler->now.n_sent - oldest->n_sent;
    scaler->sum.n_finished += scaler->now.n_finished - oldest->n_finished;
    scaler->sum.n_met += scaler->now.n_met - oldest->n_met;
    *oldest = scaler->now;
    scaler->now = (struct scaler_counts){0};
    scaler->next = (scaler->next + 1) % scaler->n_before;
}

static int64_t within_steps(const struct scaler *scaler, int64_t now_ns,
                            int64_t current, int64_t wanted)
{
    const struct scale_config *config = scaler->config;
    int64_t last_ns = scaler->last_up_ns > scaler->last_down_ns ? scaler->last_up_ns
                                                                : scaler->last_down_ns;
    if (wanted > current) {
        int64_t most = config->up_step > 0 ? current + config->up_step : wanted;
        bool must_wait = now_ns - scaler->last_up_ns < config->up_cooldown_ns;
        return must_wait ? current : wanted < most ? wanted : most;
    }
    if (wanted < current) {
        int64_t least = config->down_step > 0 ? current - config->down_step : wanted;
        bool must_wait = now_ns - last_ns < config->down_cooldown_ns;
        return must_wait ? current : wanted > least ? wanted : least;
    }
    return wanted;
}

static int64_t bounded(const struct scaler *scaler, const struct scale_view *view,
                       int64_t wanted)
{
    const struct scale_config *config = scaler->config;
    if (!scaler->ops->is_plain) {
        if (wanted < 1 && scale_n_waiting(view) + scale_n_running(view) > 0) {
            wanted = 1;
        }
        wanted = within_steps(scaler, view->now_ns, scale_current(view), wanted);
    }
    if (wanted < config->min_replicas) {
        wanted = config->min_replicas;
    }
    return wanted < config->max_replicas ? wanted : config->max_replicas;
}

/* Takes back who drains, then boots who is off: up to `n`, as many as there are. */
static void add(struct sim *sim, struct scaler *scaler, int64_t n)
{
    int32_t first = sim->first_of_pool[scaler->pool];
    int32_t end = sim->first_of_pool[scaler->pool + 1];
    int64_t left = n;
    for (int32_t i = first; i < end && left > 0; i += scaler->n_ranks) {
        struct replica *replica = &sim->replicas[i];
        if (replica->life.state == LIFE_DRAINING && !fail_holds(sim, replica)) {
            fleet_life(sim, replica, LIFE_READY);
            left--;
        }
    }
    for (int32_t i = first; i < end && left > 0; i += scaler->n_ranks) {
        struct replica *replica = &sim->replicas[i];
        if (replica->life.state == LIFE_OFF && !fail_holds(sim, replica)) {
            boot_start(sim, replica, boot_ns(replica->pool));
            left--;
        }
    }
    if (left < n) {
        scaler->last_up_ns = sim->now_ns;
        scaler->n_ups++;
    }
}

/* Breaks off boots, then drains who is ready. */
static void take(struct sim *sim, struct scaler *scaler, int64_t n)
{
    int32_t first = sim->first_of_pool[scaler->pool];
    int32_t end = sim->first_of_pool[scaler->pool + 1];
    int64_t left = n;
    for (int32_t i = end - scaler->n_ranks; i >= first && left > 0;
         i -= scaler->n_ranks) {
        struct replica *replica = &sim->replicas[i];
        if (replica->life.state == LIFE_STARTING) {
            boot_cancel(sim, replica);
            fleet_life(sim, replica, LIFE_OFF);
            left--;
        }
    }
    for (int32_t i = end - scaler->n_ranks; i >= first && left > 0;
         i -= scaler->n_ranks) {
        struct replica *replica = &sim->replicas[i];
        if (replica->life.state == LIFE_READY) {
            fleet_life(sim, replica, LIFE_DRAINING);
            left--;
        }
    }
    CHECK(left == 0); /* it was asked to keep at least none */
    scaler->last_down_ns = sim->now_ns;
    scaler->n_downs++;
}

static void decide(struct sim *sim, struct timer *timer)
{
    struct scaler *scaler = &sim->scalers[timer->order + sim->config->n_pools];
    struct scale_view view;
    timer_set(&sim->timers, timer, sim->now_ns + scaler->config->interval_ns);
    move_window(scaler);
    look(sim, scaler, &view);
    int64_t current = scale_current(&view);
    int64_t wanted =
        bounded(scaler, &view, scaler->ops->desired(&view, scaler->config));
    sim->cause = scaler->ops->name;
    if (wanted > current) {
        add(sim, scaler, wanted - current);
    } else if (wanted < current) {
        take(sim, scaler, current - wanted);
    }
    sim->cause = "";
}

static void init(struct sim *sim, struct scaler *scaler, int32_t pool)
{
    const struct scale_config *config = &sim->config->pools[pool].config->scale;
    int32_t n_pools = sim->config->n_pools;
    *scaler = (struct scaler){
        .ops = sim->config->scalers[pool],
        .config = config,
        .pool = pool,
        .n_ranks = (int32_t)layout_ranks(&sim->config->pools[pool].config->layout),
        .last_up_ns = never_ns,
        .last_down_ns = never_ns,
        .n_before = 1};
    if (scaler->ops == NULL) {
        return;
    }
    if (config->window_ns > 0) {
        scaler->n_before = (int32_t)(config->window_ns / config->interval_ns);
    }
    scaler->before = memory_new((size_t)scaler->n_before, sizeof *scaler->before);
    scaler->ready = memory_new((size_t)pool_places(&sim->config->pools[pool]),
                               sizeof *scaler->ready);
    scaler->tick.phase = TIMER_CLOCKS;
    scaler->tick.order = pool - n_pools; /* behind timeouts, before who comes back */
    scaler->tick.fire = decide;
    timer_set(&sim->timers, &scaler->tick, config->interval_ns);
}

struct scaler *scaler_new(struct sim *sim)
{
    int32_t n_pools = sim->config->n_pools;
    bool any = false;
    for (int32_t i = 0; sim->config->scalers != NULL && i < n_pools; i++) {
        any = any || sim->config->scalers[i] != NULL;
    }
    if (!any) {
        return NULL;
    }
    struct scaler *scalers = memory_new((size_t)n_pools, sizeof *scalers);
    for (int32_t i = 0; i < n_pools; i++) {
        init(sim, &scalers[i], i);
    }
    return scalers;
}

void scaler_free(struct scaler *scalers, int32_t n_pools)
{
    for (int32_t i = 0; scalers != NULL && i < n_pools; i++) {
        free(scalers[i].before);
        free(scalers[i].ready);
    }
    free(scalers);
}

/* Replicas of the pool that are ready or will soon be. */
static int64_t n_there(const struct sim *sim, int32_t pool)
{
    int64_t n = 0;
    for (int32_t i = sim->first_of_pool[pool]; i < sim->first_of_pool[pool + 1]; i++) {
        enum life_state state = sim->replicas[i].life.state;
        n += state == LIFE_READY || state == LIFE_STARTING;
    }
    return n;
}

void scaler_held(struct sim *sim, const struct request *request)
{
    struct scaler *first = NULL;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if ((request->wanted >> i & 1) == 0) {
            continue;
        }
        if (n_there(sim, i) > 0) {
            return;
        }
        if (first == NULL && sim->scalers[i].ops != NULL &&
            sim->scalers[i].config->max_replicas > 0) {
            first = &sim->scalers[i];
        }
    }
    if (first != NULL) {
        sim->cause = "held";
        add(sim, first, 1);
        sim->cause = "";
    }
}

/* The pool of that replica; -1 of none. */
static int32_t pool_of(const struct sim *sim, int32_t replica)
{
    return replica >= 0 ? sim->replicas[replica].pool->index : -1;
}

void scaler_finished(struct sim *sim, const struct probe_record *record)
{
    bool met = slo_met(&sim->config->slo, record);
    int32_t pool = pool_of(sim, record->replica);
    int32_t prefill_pool = pool_of(sim, record->prefill_replica);
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if (i == pool || i == prefill_pool || pool < 0) {
            sim->scalers[i].now.n_finished++;
            sim->scalers[i].now.n_met += met;
        }
    }
}
