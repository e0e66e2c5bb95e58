#include "engine/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/rng.h"
#include "engine/boot.h"
#include "engine/fail_state.h"
#include "engine/fleet.h"
#include "engine/lockstep.h"

/* The `k`-th time of its kind for a unit: a function of these and the run's seed. */
static int64_t draw(const struct sim *sim, const char *what, int32_t unit, int64_t k,
                    int64_t mean_ns)
{
    char name[80];
    struct rng rng;
    snprintf(name, sizeof name, "fail %s %" PRId32 " %" PRId64, what, unit, k);
    rng_init(&rng, sim->config->seed, name);
    int64_t ns = rng_exponential(&rng, mean_ns);
    rng_free(&rng);
    return ns;
}

/* A timer that is so far away that no run comes to it is not set. */
static void set_in(struct sim *sim, struct timer *timer, int64_t ns)
{
    if (ns <= SIM_MOST_NS) {
        timer_set(&sim->timers, timer, sim->now_ns + ns);
    }
}

static void come_back(struct sim *sim, struct timer *timer)
{
    struct replica *replica = fail_state_replica(sim, timer);
    struct fail_place *place = fail_state_place(sim, replica);
    if (place->gone) {
        place->gone = false;
        place->noticed = false;
        place->gone_ns += sim->now_ns - place->gone_since_ns;
    }
    sim->cause = "repair";
    boot_start(sim, replica, boot_ns(replica->pool));
    sim->cause = "";
}

/* One that is down already stays so for the longer of the two times. */
static void stay_down(struct sim *sim, struct fail_place *place, int64_t duration_ns)
{
    if (duration_ns == FAIL_FOR_EVER) {
        timer_cancel(&sim->timers, &place->back);
    } else if (timer_is_set(&place->back) &&
               place->back.at_ns < sim->now_ns + duration_ns) {
        set_in(sim, &place->back, duration_ns);
    }
}

static void break_down(struct sim *sim, struct replica *replica, int64_t duration_ns)
{
    struct fail_place *place = fail_state_place(sim, replica);
    enum life_state before = replica->life.state;
    if (before == LIFE_OFF || before == LIFE_ASLEEP) {
        return;
    }
    if (before == LIFE_FAILED) {
        stay_down(sim, place, duration_ns);
        return;
    }
    replica->tally.n_failures++;
    boot_cancel(sim, replica);
    fail_lose_take(&sim->fail->lose, sim, replica, LIFE_FAILED);
    if (before == LIFE_DRAINING && !place->noticed && !replica->sleeps) {
        fleet_life(sim, replica, LIFE_OFF); /* where it was to be */
    } else if (duration_ns != FAIL_FOR_EVER) {
        set_in(sim, &place->back, duration_ns);
    }
}

static void unit_fails(struct sim *sim, struct timer *timer)
{
    const struct fail_place *place =
        fail_state_place(sim, fail_state_replica(sim, timer));
    const struct fail_unit *unit = place->unit;
    int64_t repair_ns =
        draw(sim, "repair", place->number, unit->n_drawn, sim->fail->config->mttr_ns);
    sim->cause = fail_config_kind_name(FAIL_CRASH);
    for (int32_t i = unit->first; i < unit->end; i += unit->n_ranks) {
        break_down(sim, &sim->replicas[i], repair_ns);
    }
    fail_lose_end(&sim->fail->lose, sim, REASON_REPLICA_FAILED, false);
    sim->cause = "";
}

/* The time is up. */
static void taken(struct sim *sim, struct timer *timer)
{
    struct replica *replica = fail_state_replica(sim, timer);
    struct fail_place *place = fail_state_place(sim, replica);
    timer_cancel(&sim->timers, &place->back);
    sim->cause = fail_config_kind_name(FAIL_RECLAIM);
    if (life_serves(&replica->life)) {
        fail_lose_take(&sim->fail->lose, sim, replica, LIFE_OFF);
    } else if (replica->life.state == LIFE_FAILED ||
               replica->life.state == LIFE_STARTING) { /* repaired in the meantime */
        boot_cancel(sim, replica);
        fleet_life(sim, replica, LIFE_OFF);
    }
    if (place->wanted) {
        set_in(sim, &place->back, place->replace_ns);
    } else {
        place->noticed = false;
    }
    fail_lose_end(&sim->fail->lose, sim, REASON_RECLAIMED, false);
    sim->cause = "";
}

/* The provider says that it will take the replica back. */
static void notice(struct sim *sim, struct replica *replica, int64_t notice_ns,
                   int64_t replace_ns)
{
    struct fail_place *place = fail_state_place(sim, replica);
    enum life_state before = replica->life.state;
    if (place->noticed || before == LIFE_OFF || before == LIFE_ASLEEP) {
        return;
    }
    replica->tally.n_reclaims++;
    place->noticed = true;
    place->wanted = before != LIFE_DRAINING;
    place->replace_ns = replace_ns;
    set_in(sim, &place->taken, notice_ns);
    if (before == LIFE_STARTING) {
        boot_cancel(sim, replica);
        fleet_life(sim, replica, LIFE_OFF);
    } else if (notice_ns > 0 && before != LIFE_FAILED) {
        if (sim->fail->config->on_failure == FAIL_MIGRATE) {
            fail_lose_take(&sim->fail->lose, sim, replica, LIFE_OFF);
            fail_lose_end(&sim->fail->lose, sim, REASON_RECLAIMED, true);
        } else if (before == LIFE_READY) {
            fleet_life(sim, replica, LIFE_DRAINING);
        }
    }
}

static void spot_ends(struct sim *sim, struct timer *timer)
{
    const struct fail_config *config = sim->fail->config;
    sim->cause = fail_config_kind_name(FAIL_RECLAIM);
    notice(sim, fail_state_replica(sim, timer), config->notice_ns,
           config->spot_replace_ns);
    sim->cause = "";
}

/* From the next step on. */
static void set_pace(struct sim *sim, struct replica *first, int64_t factor_nano)
{
    for (int32_t i = 0; i < lockstep_n(first); i++) {
        if (first[i].busy) {
            fleet_reconsider(sim, &first[i]);
        }
        slow_set(&sim->slow, &first[i], factor_nano);
    }
}

static void become_slow(struct sim *sim, struct replica *replica,
                        const struct fail_event *event)
{
    struct fail_place *place = fail_state_place(sim, replica);
    set_pace(sim, replica, slow_times(place->own_nano, event->factor_nano));
    timer_cancel(&sim->timers, &place->fast);
    if (event->duration_ns != FAIL_FOR_EVER) {
        set_in(sim, &place->fast, event->duration_ns);
    }
}

static void become_fast(struct sim *sim, struct timer *timer)
{
    struct replica *replica = fail_state_replica(sim, timer);
    set_pace(sim, replica, fail_state_place(sim, replica)->own_nano);
}

static void happen(struct sim *sim, const struct fail_event *event)
{
    int32_t pool_first = sim->first_of_pool[event->pool];
    int32_t n_ranks = lockstep_n(&sim->replicas[pool_first]);
    sim->cause = fail_config_kind_name(event->kind);
    for (int32_t i = event->first; i < event->end; i++) {
        struct replica *replica = &sim->replicas[pool_first + i * n_ranks];
        switch (event->kind) {
        case FAIL_CRASH:
            break_down(sim, replica, event->duration_ns);
            break;
        case FAIL_RECLAIM:
            notice(sim, replica, event->notice_ns, event->duration_ns);
            break;
        case FAIL_SLOW:
            become_slow(sim, replica, event);
            break;
        case N_FAIL_KINDS:
            CHECK(false);
        }
    }
    fail_lose_end(&sim->fail->lose, sim, REASON_REPLICA_FAILED, false);
    sim->cause = "";
}

static void events_happen(struct sim *sim, struct timer *timer)
{
    const struct fail_events *failures = &sim->config->failures;
    int64_t *next = &sim->fail->next_event;
    while (*next < failures->n && failures->events[*next].at_ns <= sim->now_ns) {
        happen(sim, &failures->events[(*next)++]);
    }
    if (*next < failures->n) {
        timer_set(&sim->timers, timer, failures->events[*next].at_ns);
    }
}

/* It begins to serve: its lifetimes begin. */
static void begin_life(struct sim *sim, struct replica *replica)
{
    const struct fail_config *config = sim->fail->config;
    struct fail_place *place = fail_state_place(sim, replica);
    struct fail_unit *unit = place->unit;
    if (unit->n_serving++ == 0 && config->mtbf_ns > 0) {
        int64_t mean_ns = config->mtbf_ns / unit->n_nodes;
        set_in(
            sim, &unit->timer,
            draw(sim, "life", fail_state_number(sim, unit), ++unit->n_drawn, mean_ns));
    }
    if (config->spot_mtbf_ns > 0) {
        set_in(
            sim, &place->spot,
            draw(sim, "spot", place->number, ++place->n_drawn, config->spot_mtbf_ns));
    }
}

static void end_life(struct sim *sim, struct replica *replica)
{
    struct fail_place *place = fail_state_place(sim, replica);
    if (--place->unit->n_serving == 0) {
        timer_cancel(&sim->timers, &place->unit->timer);
    }
    timer_cancel(&sim->timers, &place->spot);
}

void fail_live(struct sim *sim, struct replica *replica, enum life_state before)
{
    if (sim->fail == NULL) {
        return;
    }
    struct fail_place *place = fail_state_place(sim, replica);
    bool served = before == LIFE_READY || before == LIFE_DRAINING;
    bool serves = life_serves(&replica->life);
    if (serves && !served) {
        begin_life(sim, replica);
    } else if (served && !serves) {
        end_life(sim, replica);
    }
    if (replica->life.state == LIFE_OFF && place->noticed && place->wanted) {
        place->gone = true;
        place->gone_since_ns = sim->now_ns;
    }
}

bool fail_holds(const struct sim *sim, const struct replica *replica)
{
    return sim->fail != NULL && fail_state_place(sim, replica)->noticed;
}

static struct timer timer_of(enum timer_phase phase, int64_t order,
                             void (*fire)(struct sim *, struct timer *))
{
    return (struct timer){.phase = phase, .order = order, .fire = fire};
}

void fail_set_timers(struct sim *sim)
{
    struct fail *fail = sim->fail;
    fail->events = timer_of(TIMER_FAILURES, -1, events_happen);
    for (int32_t i = 0; i < fail->n_units; i++) {
        struct fail_unit *unit = &fail->units[i];
        int64_t order = (int64_t)unit->first * FAIL_STATE_ORDERS;
        unit->timer = timer_of(TIMER_FAILURES, order + FAIL_STATE_UNIT, unit_fails);
    }
    for (int32_t i = 0; i < sim->n_replicas; i += lockstep_n(&sim->replicas[i])) {
        struct fail_place *place = &fail->places[i];
        int64_t order = (int64_t)i * FAIL_STATE_ORDERS;
        place->taken = timer_of(TIMER_FAILURES, order + FAIL_STATE_TAKEN, taken);
        place->spot = timer_of(TIMER_FAILURES, order + FAIL_STATE_SPOT, spot_ends);
        place->back = timer_of(TIMER_FAILURES, order + FAIL_STATE_BACK, come_back);
        place->fast = timer_of(TIMER_FAILURES, order + FAIL_STATE_FAST, become_fast);
        if (life_serves(&sim->replicas[i].life)) {
            begin_life(sim, &sim->replicas[i]);
        }
    }
    if (sim->config->failures.n > 0) {
        timer_set(&sim->timers, &fail->events, sim->config->failures.events[0].at_ns);
    }
}

void fail_free(struct sim *sim)
{
    slow_free(&sim->slow);
    if (sim->fail != NULL) {
        fail_lose_free(&sim->fail->lose);
        free(sim->fail->units);
        free(sim->fail->places);
        free(sim->fail);
        sim->fail = NULL;
    }
}
