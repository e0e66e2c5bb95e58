#include "base/check.h"
#include "engine/lockstep.h"
#include "engine/replica.h"
#include "engine/router.h"
#include "engine/slice.h"
#include "engine/span.h"
#include "engine/sums.h"

/* What the step in progress took until now is lost; no token of it counts. */
static void abort_step(struct replica *replica, int64_t now_ns)
{
    if (!replica->stepwise) {
        span_advance(replica, now_ns);
    }
    CHECK(replica->span.steps_left > 0 && replica->span.start_ns <= now_ns);
    if (replica->probe->step != NULL) {
        replica_tell_abort(replica, now_ns);
    }
    if (replica->kv.prefix != NULL) {
        prefix_take(replica->kv.prefix,
                    0); /* the step had come: its blocks are taken */
    }
    if (replica->probe->slice != NULL && now_ns > replica->span.start_ns) {
        slice_tell(replica, lockstep_is_dummy(replica) ? PROBE_DUMMY : PROBE_ABORTED,
                   now_ns);
    }
    int64_t used = kv_used(&replica->kv);
    if (used > replica->tally.most_blocks) {
        replica->tally.most_blocks = used;
    }
    wide pj = sums_abort(replica, now_ns);
    int64_t elapsed_ns = now_ns - replica->span.start_ns;
    if (replica->lockstep != NULL) {
        lockstep_abort(replica, elapsed_ns);
    }
    replica->tally.lost_pj += pj;
    replica->tally.lost_ns += elapsed_ns;
    replica->tally.broken_pj += pj;
    replica->tally.broken_ns += elapsed_ns;
    replica->span.steps_left = 0;
    replica->busy = false;
    if (replica->moving.on) {
        transfer_side_end(replica, now_ns);
    }
}

/* Whether it was to decode by itself in the step that was aborted: it had been left out,
 * and though a member by now, the group's gap is not its own. */
static bool decodes_alone(const struct replica *replica, const struct request *request)
{
    for (int64_t i = 0; i < replica->n_grants; i++) {
        if (replica->grants[i].request == request) {
            return replica->grants[i].decode;
        }
    }
    return false;
}

/* It stops to run: members of the group got their last token at the end of the last step,
 * `boundary_ns`. */
static void stop_running(struct replica *replica, struct request *request,
                         int64_t boundary_ns)
{
    int64_t last_token_ns = request->last_token_ns;
    bool alone = decodes_alone(replica, request);
    replica_leave(replica, request, boundary_ns);
    if (alone) {
        request->last_token_ns = last_token_ns;
    }
    request_list_remove(&replica->running, request);
    replica->view->n_running--;
    router_left(replica->router, replica->index, request->prompt_tokens);
    kv_give(&replica->kv, request->held_blocks, request->chain);
    request->held_blocks = 0;
}

/* Back to what it was before the replica got it, except for what it has computed and
 * emitted. */
static void come_out(struct request *request)
{
    request->place = REQUEST_WAITING;
    request->next = request->before = NULL;
    request->given_up = false;
    request->delayed = false;
    request->promoted_tokens = REQUEST_NEVER;
    prefix_chain_forget(request->chain);
}

static void forget_cache(struct replica *replica)
{
    leave_all(&replica->leaving, &replica->kv);
    prefix_free(replica->kv.prefix);
    replica->kv.prefix = NULL;
    replica->kv.free_blocks = replica->kv.total_blocks;
}

/* As a server that has just started, but for what was counted, and what replica_reset()
 * is for. */
static void forget_all(struct replica *replica)
{
    CHECK(replica->running.n == 0 && replica_n_waiting(replica) == 0);
    CHECK(replica->group.n == 0 && replica->n_partials == 0 && replica->late.n == 0);
    CHECK(replica->swap.host_blocks == 0);
    forget_cache(replica);
    replica->rank = (struct rank){0};
    replica->has_hits = false;
    replica->span = (struct replica_span){0};
    replica->n_grants = 0;
    replica->n_given_up = 0;
    replica->n_preempted = 0;
    replica->group_granted = false;
    replica->closed = false;
    replica->waited = false;
    replica->swap.moved = 0;
    replica->looked_at_step = replica->sums.work.steps;
}

int64_t replica_fail(struct replica *replica, int64_t now_ns, struct request **all)
{
    sums_state(replica, now_ns);
    int64_t boundary_ns = now_ns;
    if (!replica_interrupt(replica, now_ns)) {
        abort_step(replica, now_ns);
        boundary_ns = replica->span.start_ns;
    }
    if (replica->moving.on) {
        transfer_side_settle(replica, now_ns);
    }
    replica_divide(replica);
    for (int64_t i = 0; i < replica->n_given_up; i++) {
        replica_finish(replica, replica->given_up[i], REQUEST_TIMED_OUT, now_ns);
    }
    int64_t n = 0;
    struct request *request;
    while ((request = replica->running.first) != NULL) {
        stop_running(replica, request, boundary_ns);
        all[n++] = request;
    }
    while ((request = replica->swap.requests.first) != NULL ||
           (request = queue_first(&replica->queue)) != NULL ||
           (request = replica->arrived.first) != NULL) {
        replica_finish_take_out(replica, request, now_ns);
        all[n++] = request;
    }
    for (int64_t i = 0; i < n; i++) {
        come_out(all[i]);
    }
    forget_all(replica);
    return n;
}
