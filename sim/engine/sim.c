#include "engine/sim.h"

#include <inttypes.h>

#include "base/check.h"
#include "engine/fail.h"
#include "engine/fleet.h"
#include "engine/intake.h"
#include "engine/lockstep.h"
#include "engine/scaler.h"
#include "engine/sums.h"

/* Brings the area under the number of requests in the system up to now. */
static void sum_area(struct sim *sim)
{
    sim->totals.area += (wide)sim->n_in_system * (sim->now_ns - sim->area_until_ns);
    sim->area_until_ns = sim->now_ns;
}

void sim_enter(struct sim *sim)
{
    sum_area(sim);
    sim->n_in_system++;
}

/* Every request passes here on its way out. */
void sim_finished(void *state, struct probe_record *record)
{
    struct sim *sim = state;
    struct sim_totals *totals = &sim->totals;
    totals->n_by_status[record->status]++;
    totals->sojourn += record->finish_ns - record->arrival_ns;
    if (record->status == REQUEST_COMPLETED) {
        totals->output_tokens_completed += record->output_tokens;
        totals->computed_tokens_completed +=
            record->prompt_tokens - record->cached_tokens + record->output_tokens - 1;
    }
    CHECK(record->first_scheduled_ns == REQUEST_NEVER ||
          record->first_scheduled_ns >= record->arrival_ns);
    CHECK(record->first_token_ns == REQUEST_NEVER ||
          (record->first_token_ns >= record->first_scheduled_ns &&
           record->first_token_ns <= record->finish_ns));
    CHECK((record->first_answer_ns != REQUEST_NEVER) ==
          (record->n_emitted > record->reasoning_tokens));
    CHECK(record->first_answer_ns == REQUEST_NEVER ||
          (record->first_answer_ns >= record->first_token_ns &&
           record->first_answer_ns <= record->finish_ns));
    if (record->is_shared) {
        bool is_done = record->status == REQUEST_COMPLETED;
        int64_t service = record->prompt_tokens + 2 * record->output_tokens;
        shares_leave(&sim->shares, record->tenant, is_done ? service : 0,
                     record->finish_ns);
    }
    if (sim->scalers != NULL && record->status != REQUEST_REJECTED) {
        scaler_finished(sim, record);
    }
    sim->left_in_plan = true;
    sum_area(sim);
    sim->n_in_system--;
    if (sim->source->finished != NULL) {
        sim->source->finished(sim->source->state, record);
    }
    sim->config->probe->finish(sim->config->probe->state, record);
}

/* Who arrives now.  Somebody who has left in this instant may be followed by another. */
static int arrive_all(struct sim *sim, struct err *err)
{
    if (!sim->next_is_read && sim->source->finished != NULL &&
        intake_next(sim, err) < 0) {
        return -1;
    }
    while (sim->has_next && sim->next_at_ns <= sim->now_ns) {
        fleet_arrive(sim);
        if (intake_next(sim, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The earliest moment at which something other than a replica's own steps happens. */
static int64_t next_outside(const struct sim *sim)
{
    int64_t at_ns = sim->has_next ? sim->next_at_ns : INT64_MAX;
    int64_t timer_ns = timer_first_ns(&sim->timers);
    return timer_ns < at_ns ? timer_ns : at_ns;
}

/* The earliest moment at which something from outside may concern the next span.  With
 * one replica the next arrival is its own, with many it is likely another's. */
static int64_t horizon(const struct sim *sim)
{
    if (sim->n_replicas > 1) {
        return INT64_MAX;
    }
    int64_t timer_ns = timer_first_ns(&sim->timers);
    int64_t at_ns = sim->has_next
                        ? frontend_earliest_ns(&sim->replicas[0], sim->next_at_ns)
                        : INT64_MAX;
    return timer_ns < at_ns ? timer_ns : at_ns;
}

/* After a plan: when to look at the replica again; false if nothing says when. */
static bool await(struct sim *sim, const struct replica *replica, bool runs)
{
    int64_t at_ns = runs ? replica->span.end_ns : replica->wake_ns;
    if (!runs && at_ns <= sim->now_ns) {
        event_heap_remove(&sim->steps, replica->index);
        return false;
    }
    event_heap_set(&sim->steps, replica->index, at_ns);
    return true;
}

/* Plans a replica, or all ranks of it; whether something is to be awaited. */
static bool plan(struct sim *sim, struct replica *replica, int64_t horizon_ns)
{
    struct lockstep *lockstep = replica->lockstep;
    if (lockstep == NULL) {
        bool runs = replica_plan(replica, sim->now_ns, horizon_ns);
        bool awaits = await(sim, replica, runs);
        if (!awaits) {
            transfer_pull_again(sim, replica);
        }
        return awaits;
    }
    bool awaits = false;
    bool runs = lockstep_plan(lockstep, sim->now_ns);
    for (int32_t i = 0; i < lockstep->n; i++) {
        struct replica *rank = &lockstep->ranks[i];
        sim->is_idle[rank->index] = false;
        if (await(sim, rank, runs)) {
            awaits = true;
        } else {
            transfer_pull_again(sim, rank);
        }
    }
    return awaits;
}

/* Plans every idle replica, in index order. */
static void plan_idle(struct sim *sim)
{
    int64_t horizon_ns = horizon(sim);
    for (int32_t i = 1; i < sim->n_idle; i++) { /* mostly one or two: insertion sort */
        int32_t replica = sim->idle[i];
        int32_t at = i;
        for (; at > 0 && sim->idle[at - 1] > replica; at--) {
            sim->idle[at] = sim->idle[at - 1];
        }
        sim->idle[at] = replica;
    }
    for (int32_t i = 0; i < sim->n_idle; i++) {
        struct replica *replica = &sim->replicas[sim->idle[i]];
        if (!sim->is_idle[sim->idle[i]]) {
            continue; /* planned with its first rank */
        }
        sim->is_idle[sim->idle[i]] = false;
        if (replica->busy) {
            continue;
        }
        if (plan(sim, replica, horizon_ns)) {
            continue;
        }
        if (replica->sleeps) {
            sim->sleep_due = true;
        } else if (replica->life.state == LIFE_DRAINING && fleet_is_empty(replica)) {
            fleet_life(sim, replica, LIFE_OFF);
        }
    }
    sim->n_idle = 0;
    sim->router.planned_ns = sim->now_ns;
}

static void end_step(struct sim *sim)
{
    struct replica *replica = &sim->replicas[event_heap_pop(&sim->steps).replica];
    if (replica->busy) { /* else it only wanted to plan again now */
        replica_end(replica, sim->now_ns);
    }
    fleet_mark(sim, replica);
}

/* The boundaries of the timeline and what routers see of replicas, both as of before
 * anything of `now_ns` happens.  Neither may look back behind the other. */
static int look_back(struct sim *sim, int64_t now_ns, struct err *err)
{
    if (sim->router.snapshot_ns <= now_ns) {
        int64_t at_ns = router_snapshot_ns(&sim->router, now_ns);
        if (sim_tick(sim, at_ns - 1, err) != 0) {
            return -1;
        }
        router_snapshot(&sim->router, at_ns);
    }
    return sim_tick(sim, now_ns, err);
}

/* Moves the clock; -1 if the run is to stop. */
static int set_clock(struct sim *sim, int64_t now_ns, struct err *err)
{
    const volatile sig_atomic_t *interrupted = sim->config->interrupted;
    CHECK(now_ns >= sim->now_ns);
    if (interrupted != NULL && *interrupted) {
        return err_set(err, "interrupted: nothing was written");
    }
    if (now_ns > SIM_MOST_NS) {
        return err_set(err,
                       "the run has come to second %" PRId64 " (%" PRId64
                       " years): it can go no further",
                       now_ns / 1000000000, now_ns / 1000000000 / 31557600);
    }
    if (look_back(sim, now_ns, err) != 0) {
        return -1;
    }
    sim->now_ns = now_ns;
    return 0;
}

int sim_run(struct sim *sim, const struct sim_config *config,
            const struct sim_source *source, struct err *err)
{
    sim_init(sim, config, source);
    if (fail_start(sim, err) != 0 || intake_next(sim, err) < 0) {
        return -1;
    }
    while (sim->has_next || sim->n_in_system > 0) {
        int64_t now_ns = next_outside(sim);
        if (sim->steps.n > 0 && sim->steps.events[0].at_ns < now_ns) {
            now_ns = sim->steps.events[0].at_ns;
        }
        CHECK(now_ns < INT64_MAX); /* else those in the system would never leave it */
        if (set_clock(sim, now_ns, err) != 0) {
            return -1;
        }
        while (sim->steps.n > 0 && sim->steps.events[0].at_ns == now_ns) {
            end_step(sim);
        }
        transfer_begin(sim);
        do { /* whoever a plan sheds may be followed by another at once */
            while (timer_first_ns(&sim->timers) == now_ns) {
                struct timer *timer = timer_pop(&sim->timers);
                timer->fire(sim, timer);
            }
            if (arrive_all(sim, err) < 0) {
                return -1;
            }
            transfer_pull(sim);
            sim->left_in_plan = false;
            plan_idle(sim);
            if (sim->sleep_due) {
                sleep_look(sim);
            }
        } while (sim->left_in_plan || sim->n_idle > 0 || sim->transfers.n_due > 0 ||
                 timer_first_ns(&sim->timers) == now_ns);
        if (config->verify) {
            sim_verify(sim);
        }
    }
    return sim_close(sim, err);
}

void sim_pool_sums(struct sim *sim, int32_t pool, int64_t at_ns,
                   struct replica_sums *sums)
{
    *sums = (struct replica_sums){0};
    for (int32_t i = sim->first_of_pool[pool]; i < sim->first_of_pool[pool + 1]; i++) {
        struct replica_sums one;
        sums_at(&sim->replicas[i], at_ns, &one);
        sums_add(sums, &one);
    }
}
