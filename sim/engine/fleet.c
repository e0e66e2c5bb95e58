#include "engine/fleet.h"

#include "base/check.h"
#include "engine/fail.h"
#include "engine/intake.h"
#include "engine/lockstep.h"
#include "engine/record.h"
#include "engine/resend.h"
#include "engine/scaler.h"
#include "engine/sums.h"
#include "engine/transfer_route.h"

void fleet_mark(struct sim *sim, struct replica *replica)
{
    int32_t index = replica->index;
    if (!sim->is_idle[index]) {
        sim->is_idle[index] = true;
        sim->idle[sim->n_idle++] = index;
    }
}

void fleet_reconsider(struct sim *sim, struct replica *replica)
{
    bool was_busy = replica->busy;
    if (replica_interrupt(replica, sim->now_ns)) {
        if (was_busy) {
            event_heap_remove(&sim->steps, replica->index);
        }
        fleet_mark(sim, replica);
    } else {
        event_heap_set(&sim->steps, replica->index, replica->span.end_ns);
    }
}

bool fleet_is_empty(const struct replica *replica)
{
    const struct replica *first = replica - replica->index + lockstep_first(replica);
    for (int32_t i = 0; i < lockstep_n(replica); i++) {
        const struct replica *rank = &first[i];
        if (rank->running.n + replica_n_waiting(rank) + rank->frontend.requests.n +
                rank->moving.n_from + transfer_side_n_in(&rank->moving) >
            0) {
            return false;
        }
    }
    return true;
}

/* Nobody could take it for too long. */
static void stop_holding(struct sim *sim, struct timer *timer)
{
    struct request *request = request_of_timer(timer);
    request_list_remove(&sim->held, request);
    sim->held_ns += sim->now_ns;
    fleet_finish(sim, request, REQUEST_FAILED, REASON_NO_CAPACITY);
}

static void hold(struct sim *sim, struct request *request)
{
    request->place = REQUEST_HELD;
    request->replica = -1;
    request_list_append(&sim->held, request);
    sim->n_held++;
    sim->held_ns -= sim->now_ns;
    sim->sleep_due = sim->sleep_due || sim->sleepers != NULL;
    request->timer.phase = TIMER_CLOCKS;
    request->timer.order = request->id;
    request->timer.fire = stop_holding;
    if (sim->config->hold_timeout_ns > 0) {
        timer_set(&sim->timers, &request->timer,
                  sim->now_ns + sim->config->hold_timeout_ns);
    }
    if (sim->scalers != NULL) {
        request->wanted = transfer_route_wanted(sim, request);
        scaler_held(sim, request);
    }
}

int32_t fleet_pick(struct sim *sim, const struct request *request, uint64_t pools,
                   bool decodes)
{
    const struct route_query query = {.session = request->session,
                                      .adapter = request->adapter,
                                      .prompt_tokens = request->prompt_tokens,
                                      .chain = request->chain};
    return router_pick(&sim->router,
                       decodes ? sim->config->decode_route : sim->config->route, pools,
                       &query, sim->now_ns);
}

/* Nobody who was ever given anything is shed. */
static bool sheds_late(const struct sim *sim, const struct request *request)
{
    const struct admit_config *config = sim->admit.config;
    return config != NULL && config->shed_late != 0 &&
           request->first_scheduled_ns == REQUEST_NEVER;
}

/* Who could take the request takes it, or it is shed; false if nobody can. */
static bool send(struct sim *sim, struct request *request)
{
    if (request->spare_chain != NULL) {
        request->chain = request->spare_chain;
        request->spare_chain = NULL;
    }
    int32_t picked = sim->transfers.on
                         ? transfer_route_first(sim, request)
                         : fleet_pick(sim, request, request->pools, false);
    if (picked < 0) {
        return false;
    }
    struct replica *replica = &sim->replicas[picked];
    CHECK(replica->life.state == LIFE_READY);
    if (sheds_late(sim, request) && admit_late(replica, request, sim->now_ns)) {
        fleet_finish(sim, request, REQUEST_SHED, REASON_DEADLINE);
        return true;
    }
    request->replica = picked;
    request->moves = sim->transfers.on && replica->pool->config->role == POOL_PREFILL;
    request->max_new_tokens =
        request->moves ? request->n_emitted + 1
                       : pool_max_new_tokens(replica->pool, request->output_tokens);
    if (request->chain != NULL &&
        replica->pool->config->scheduler.enable_prefix_caching == 0) {
        request->spare_chain = request->chain;
        request->chain = NULL;
    }
    scaler_sent(sim->scalers, replica->pool->index);
    router_sent(&sim->router, picked, request->prompt_tokens);
    if (frontend_push(sim, replica, request)) {
        fleet_enqueue(sim, replica, request);
    }
    return true;
}

void fleet_send(struct sim *sim, struct request *request)
{
    if (!send(sim, request)) {
        hold(sim, request);
    }
}

void fleet_send_away(struct sim *sim, struct request *request, int64_t at_ns,
                     void (*fire)(struct sim *sim, struct timer *timer))
{
    request->place = REQUEST_AWAY;
    request->replica = -1;
    request_list_append(&sim->away, request);
    request->timer.phase = TIMER_CLOCKS;
    request->timer.order = request->id;
    request->timer.fire = fire;
    timer_set(&sim->timers, &request->timer, at_ns);
}

static void come_back(struct sim *sim, struct timer *timer)
{
    struct request *request = request_of_timer(timer);
    request_list_remove(&sim->away, request);
    fleet_send(sim, request);
}

void fleet_send_later(struct sim *sim, struct request *request, int64_t at_ns)
{
    if (at_ns <= sim->now_ns) {
        fleet_send(sim, request);
        return;
    }
    fleet_send_away(sim, request, at_ns, come_back);
}

/* A replica has become ready: those who were held may go. */
static void release_held(struct sim *sim)
{
    struct request *next;
    for (struct request *r = sim->held.first; r != NULL; r = next) {
        next = r->next;
        bool is_timed = timer_is_set(&r->timer);
        int64_t until_ns = r->timer.at_ns;
        request_list_remove(&sim->held, r);
        timer_cancel(&sim->timers, &r->timer);
        if (send(sim, r)) {
            sim->held_ns += sim->now_ns;
            continue;
        }
        /* nobody can: it stays where it was */
        request_list_insert(&sim->held, r, next);
        if (is_timed) {
            timer_set(&sim->timers, &r->timer, until_ns);
        }
    }
}

void fleet_enqueue(struct sim *sim, struct replica *replica, struct request *request)
{
    if (!request->is_shared) {
        request->is_shared = true;
        shares_arrive(&sim->shares, request->tenant, request->weight_nano,
                      request->arrival_ns);
    }
    replica_enqueue(replica, request, sim->now_ns);
    if (!replica->busy) {
        fleet_mark(sim, replica);
    } else if (!replica->closed) {
        fleet_reconsider(sim, replica);
    }
}

void fleet_finish(struct sim *sim, struct request *request, enum request_status status,
                  enum request_reason reason)
{
    request->replica = -1;
    request->reason = reason;
    sim->totals.discarded_tokens += request->computed_tokens - request->cached_tokens;
    sim->totals.discarded_outputs += request->n_emitted;
    timer_cancel(&sim->timers, &request->timer);
    if (resend_would(sim, request)) {
        resend_later(sim, request);
        return;
    }
    request_alive_remove(&sim->alive, request);
    record_tell(&sim->probe, NULL, request, status, sim->now_ns);
    request_release(&sim->store, request);
}

void fleet_give_up(struct sim *sim, struct request *request)
{
    request->reason = REASON_CLIENT_TIMEOUT;
    switch (request->place) {
    case REQUEST_HELD:
        request_list_remove(&sim->held, request);
        sim->held_ns += sim->now_ns;
        break;
    case REQUEST_AWAY:
        request_list_remove(&sim->away, request);
        break;
    case REQUEST_FRONTEND:
        frontend_leave(sim, &sim->replicas[request->replica], request);
        sim->replicas[request->replica].view->n_waiting--;
        if (sim->replicas[request->replica].life.state == LIFE_DRAINING ||
            sim->replicas[request->replica].sleeps) { /* it may be empty now */
            fleet_mark(sim, &sim->replicas[request->replica]);
        }
        router_left(&sim->router, request->replica, request->prompt_tokens);
        break;
    case REQUEST_MOVING:
    case REQUEST_LANDED:
        transfer_give_up(sim, request);
        return;
    case REQUEST_WAITING:
    case REQUEST_RUNNING:
    case REQUEST_SWAPPED:
        fleet_reconsider(sim, &sim->replicas[request->replica]);
        replica_give_up(&sim->replicas[request->replica], request, sim->now_ns);
        return;
    }
    fleet_finish(sim, request, REQUEST_TIMED_OUT, REASON_CLIENT_TIMEOUT);
}

static void tell_life(struct sim *sim, const struct replica *replica,
                      enum life_state before)
{
    const struct probe *probe = sim->config->probe;
    bool was_on = before == LIFE_READY || before == LIFE_DRAINING;
    if (lockstep_first(replica) == replica->index) {
        sim->n_on += life_serves(&replica->life) - was_on;
        sim->most_on = sim->n_on > sim->most_on ? sim->n_on : sim->most_on;
    }
    if (probe->life != NULL) {
        struct probe_life life = {.at_ns = sim->now_ns,
                                  .replica = replica->index,
                                  .from = before,
                                  .to = replica->life.state,
                                  .detail = sim->cause};
        probe->life(probe->state, replica, &life);
    }
}

static void set_life(struct sim *sim, struct replica *replica, enum life_state state)
{
    enum life_state before = replica->life.state;
    sums_state(replica, sim->now_ns);
    life_set(&replica->life, state, sim->now_ns);
    tell_life(sim, replica, before);
    if (!life_serves(&replica->life) &&
        (before == LIFE_READY || before == LIFE_DRAINING)) {
        if (replica->moving.on) {
            transfer_side_settle(replica, sim->now_ns);
        }
        replica_reset(replica);
    }
    router_set_ready(&sim->router, replica->index, state == LIFE_READY);
}

void fleet_life(struct sim *sim, struct replica *replica, enum life_state state)
{
    struct replica *first = &sim->replicas[lockstep_first(replica)];
    enum life_state before = first->life.state;
    for (int32_t i = 0; i < lockstep_n(replica); i++) {
        CHECK(first[i].life.state == before);
        set_life(sim, &first[i], state);
    }
    CHECK(life_serves(&first->life) || fleet_is_empty(first));
    fail_live(sim, first, before);
    if (state == LIFE_READY) {
        sim->sleep_due = sim->sleepers != NULL;
        release_held(sim);
        transfer_ready(sim);
    } else if (state == LIFE_DRAINING) {
        fleet_mark(sim, first);
    }
}

/* Requests of the whole fleet that wait. */
static int64_t count_waiting(const struct sim *sim)
{
    int64_t n = sim->held.n;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        n += sim->router.views[i].n_waiting;
    }
    return n;
}

/* Whether the gateway turned the request away. */
static bool is_shed(struct sim *sim, struct request *request)
{
    int64_t n_waiting = admit_counts(&sim->admit) ? count_waiting(sim) : 0;
    enum request_reason reason =
        admit_check(&sim->admit, request, n_waiting, sim->now_ns);
    if (reason == REASON_NONE) {
        return false;
    }
    fleet_finish(sim, request, REQUEST_SHED, reason);
    return true;
}

void fleet_knock(struct sim *sim, struct request *request)
{
    if (sim->config->client_timeout_ns > 0) {
        fleet_patience_start(sim, request);
    }
    if (!is_shed(sim, request)) {
        fleet_send(sim, request);
    }
}

void fleet_arrive(struct sim *sim)
{
    const struct sim_arrival *arrival = &sim->next;
    struct request *request = request_new(&sim->store);
    request->id = sim->next_id++;
    request->labels = arrival->labels;
    request->source_key = arrival->key;
    request->counted = arrival->counted;
    request->priority = arrival->priority;
    request->tenant = arrival->tenant;
    request->weight_nano = arrival->weight_nano > 0 ? arrival->weight_nano : 1000000000;
    request->has_acceptance = arrival->has_acceptance;
    request->acceptance_nano = arrival->acceptance_nano;
    request->model = arrival->model;
    request->klass = arrival->klass;
    request->adapter = arrival->adapter;
    request->session = arrival->session;
    request->pools = sim->next_pools;
    request->deadline_ns = arrival->deadline_ns >= 0
                               ? arrival->arrival_ns + arrival->deadline_ns
                               : INT64_MAX;
    request->predicted_tokens = sim->next_predicted;
    request->prompt_tokens = arrival->prompt_tokens;
    request->output_tokens = arrival->output_tokens;
    request->reasoning_tokens = arrival->reasoning_tokens;
    request->arrival_ns = arrival->arrival_ns;
    request->first_scheduled_ns = REQUEST_NEVER;
    request->first_token_ns = REQUEST_NEVER;
    request->first_answer_ns = REQUEST_NEVER;
    request->recompute_since_ns = REQUEST_NEVER;
    request->promoted_tokens = REQUEST_NEVER;
    request->attempts = 1;
    request->prefill_replica = -1;
    request->chain = intake_chain(sim, arrival);
    sim_enter(sim);
    fleet_knock(sim, request);
}
