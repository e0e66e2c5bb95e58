#include "engine/fail_lose.h"

#include <stdlib.h>

#include "base/memory.h"
#include "engine/fleet.h"
#include "engine/lockstep.h"
#include "engine/record.h"
#include "engine/resend.h"

struct loss {
    struct sim *sim;
    struct replica *replica;
    enum request_reason reason;
    bool planned;
    struct fail_lose *tally;
};

/* What the attempt computed, emitted and paid is lost; `keeps`: all but its output. */
static void book(struct replica *replica, const struct request *request, bool keeps)
{
    struct replica_tally *tally = &replica->tally;
    int64_t computed = request->computed_tokens;
    int64_t cached = request->cached_tokens;
    int64_t known = cached < computed ? cached : computed;
    tally->n_lost_attempts++;
    tally->lost_tokens += computed - known;
    /* the rest had given way, and is among what is recomputed; who keeps its output is
     * counted as one who found `cached` tokens to the end */
    tally->recomputed_tokens += known - (keeps ? 0 : cached);
    tally->lost_outputs += keeps ? 0 : request->n_emitted;
    tally->lost_ns += request->paid_ns;
    tally->lost_pj += request->energy_pj;
    tally->broken_ns += request->paid_ns;
    tally->broken_pj += request->energy_pj;
    if (request->prefill_replica >= 0) { /* its prompt was computed elsewhere */
        tally = &replica->all[request->prefill_replica].tally;
        tally->lost_ns += request->carried_paid_ns;
        tally->lost_pj += request->carried_energy_pj;
        tally->broken_ns += request->carried_paid_ns;
        tally->broken_pj += request->carried_energy_pj;
    }
}

static void leave(struct loss *loss, struct request *request,
                  enum request_reason reason)
{
    struct sim *sim = loss->sim;
    request->reason = reason;
    if (resend_would(sim, request)) {
        resend_later(sim, request);
        return;
    }
    request_alive_remove(&sim->alive, request);
    record_tell(&sim->probe, loss->replica, request, REQUEST_FAILED, sim->now_ns);
    request_release(&sim->store, request);
}

/* The most tokens that the request ever had computed at once. */
static int64_t most_computed(const struct request *request)
{
    int64_t most = request->most_computed;
    if (request->recompute_since_ns != REQUEST_NEVER &&
        request->recompute_to_tokens > most) {
        most = request->recompute_to_tokens;
    }
    return request->computed_tokens > most ? request->computed_tokens : most;
}

/* A new attempt begins, which has paid nothing yet. */
static void write_off(struct request *request)
{
    request->paid_ns = 0;
    request->prefill_paid_ns = 0;
    request->fetch_paid_ns = 0;
    request->energy_pj = 0;
    request->carried_paid_ns = 0;
    request->carried_energy_pj = 0;
    request->prefill_replica = -1;
    request->granted = false;
    request->attempts++;
}

void fail_lose_start_again(struct request *request)
{
    write_off(request);
    int64_t most = most_computed(request);
    request->most_computed = most;
    request->computed_tokens = 0;
    request->cached_tokens = 0;
    request->n_emitted = 0;
    request->first_token_ns = REQUEST_NEVER;
    request->first_answer_ns = REQUEST_NEVER;
    request->max_gap_ns = 0;
    request->prefill_ns = 0;
    request->decode_ns = 0;
    request->transfer_ns = 0;
    request->recompute_ns = 0;
    request->recompute_since_ns = request->first_scheduled_ns;
    int64_t to = most < request->prompt_tokens ? most : request->prompt_tokens;
    request->recompute_to_tokens = to - 1; /* it ends where this is passed */
}

/* As after a preemption. */
static void move(struct request *request, int64_t now_ns)
{
    if (request->recompute_since_ns == REQUEST_NEVER) {
        request->recompute_since_ns = now_ns;
        request->recompute_to_tokens = 0;
    }
    if (request->computed_tokens > request->recompute_to_tokens) {
        request->recompute_to_tokens = request->computed_tokens;
    }
    request->most_computed = most_computed(request);
    request->computed_tokens = 0;
}

static void send_again(struct loss *loss, struct request *request, bool keeps)
{
    struct sim *sim = loss->sim;
    const struct fail_config *config = sim->config->fail;
    if (keeps) {
        write_off(request);
        loss->tally->n_migrated += !request->migrated;
        request->migrated = true;
        move(request, sim->now_ns);
        fleet_send(sim, request);
        return;
    }
    loss->tally->n_retried += !request->retried;
    request->retried = true;
    fail_lose_start_again(request);
    int64_t wait_ns = resend_wait_ns(config->backoff_ns, config->backoff_factor_nano,
                                     request->n_lost_attempts);
    fleet_send_later(sim, request, sim->now_ns + wait_ns);
}

static void lose_one(struct loss *loss, struct request *request)
{
    const struct fail_config *config = loss->sim->config->fail;
    bool keeps = config->on_failure == FAIL_MIGRATE;
    if (!request->granted) {
        fleet_send(loss->sim, request);
        return;
    }
    /* who is moved on before it gets any further must not be moved for ever */
    bool gets_on =
        !request->migrated || request->computed_tokens > request->most_computed;
    bool counts = !loss->planned || !gets_on;
    bool was_last = counts && request->n_lost_attempts >= config->max_retries;
    bool leaves = config->on_failure == FAIL_GIVE_UP || was_last;
    book(loss->replica, request, keeps && !leaves);
    if (leaves) {
        bool tried = was_last && config->max_retries > 0;
        leave(loss, request, tried ? REASON_RETRIES : loss->reason);
    } else {
        request->n_lost_attempts += counts;
        send_again(loss, request, keeps);
    }
}

static int by_id(const void *a, const void *b)
{
    const struct request *x = *(struct request *const *)a;
    const struct request *y = *(struct request *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

void fail_lose_free(struct fail_lose *lose)
{
    free(lose->requests);
    *lose = (struct fail_lose){0};
}

/* Empties a replica that steps alone, or a rank. */
static void take_out(struct fail_lose *lose, struct sim *sim, struct replica *replica)
{
    struct request_list *frontend = &replica->frontend.requests;
    int64_t most = lose->n + replica->running.n + replica_n_waiting(replica) +
                   frontend->n + replica->moving.n_from +
                   transfer_side_n_in(&replica->moving);
    if (most >= lose->room) {
        lose->room = 2 * most + 1;
        lose->requests =
            memory_grow(lose->requests, (size_t)lose->room, sizeof(struct request *));
    }
    for (struct request *request; (request = transfer_first_at(replica)) != NULL;) {
        transfer_drop(sim, request);
        lose->requests[lose->n++] = request;
    }
    lose->n += replica_fail(replica, sim->now_ns, lose->requests + lose->n);
    for (struct request *request; (request = frontend->first) != NULL;) {
        frontend_leave(sim, replica, request);
        replica->view->n_waiting--;
        router_left(&sim->router, replica->index, request->prompt_tokens);
        prefix_chain_forget(request->chain);
        lose->requests[lose->n++] = request;
    }
    event_heap_remove(&sim->steps, replica->index);
}

void fail_lose_take(struct fail_lose *lose, struct sim *sim, struct replica *replica,
                    enum life_state next)
{
    struct replica *first = &sim->replicas[lockstep_first(replica)];
    for (int32_t i = 0; i < lockstep_n(replica); i++) {
        take_out(lose, sim, &first[i]);
    }
    fleet_life(sim, first, next);
}

void fail_lose_end(struct fail_lose *lose, struct sim *sim, enum request_reason reason,
                   bool planned)
{
    if (lose->n == 0) {
        return;
    }
    struct loss loss = {
        .sim = sim, .tally = lose, .reason = reason, .planned = planned};
    qsort(lose->requests, (size_t)lose->n, sizeof(struct request *), by_id);
    for (int64_t i = 0; i < lose->n; i++) {
        loss.replica = &sim->replicas[lose->requests[i]->replica];
        lose_one(&loss, lose->requests[i]);
    }
    lose->n = 0;
}
