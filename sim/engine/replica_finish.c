#include "base/check.h"
#include "engine/record.h"
#include "engine/replica.h"
#include "engine/resend.h"
#include "engine/router.h"
#include "engine/sim.h"
#include "engine/sums.h"

static void stop_waiting(struct replica *replica, struct request *request)
{
    if (request->place == REQUEST_SWAPPED) {
        swap_take(replica, request, false);
    } else if (request->queued) {
        replica_queue_leave(replica, request);
    } else {
        request_list_remove(&replica->arrived, request);
    }
    replica->view->n_waiting--;
}

void replica_finish_take_out(struct replica *replica, struct request *request,
                             int64_t now_ns)
{
    sums_state(replica, now_ns);
    if (request->place == REQUEST_MOVING) { /* it was on its way, and is nowhere */
        return;
    }
    if (request->place == REQUEST_RUNNING) {
        replica_leave(replica, request, now_ns);
        request_list_remove(&replica->running, request);
        replica->view->n_running--;
        leave_add(&replica->leaving, &replica->kv, request,
                  replica->ops->blocks_go_with_the_last);
    } else {
        stop_waiting(replica, request);
    }
    router_left(replica->router, replica->index, request->prompt_tokens);
}

void replica_finish_blocks(struct replica *replica)
{
    if (replica->running.n == 0 || !replica->ops->blocks_go_with_the_last) {
        leave_all(&replica->leaving, &replica->kv);
    }
}

/* What computing its prompt and fetching were given, here or where its prompt was
 * computed for this replica. */
static void tally_parts(struct replica *replica, const struct request *request)
{
    int64_t fetch_ns = request->fetch_paid_ns;
    int64_t prefill_ns = request->prefill_paid_ns;
    if (request->prefill_replica >= 0) {
        struct replica *there = replica - replica->index + request->prefill_replica;
        int64_t left_ns = request->carried_paid_ns;
        int64_t carried_ns = fetch_ns < left_ns ? fetch_ns : left_ns;
        there->tally.fetch_paid_ns += carried_ns;
        fetch_ns -= carried_ns;
        left_ns -= carried_ns;
        carried_ns = prefill_ns < left_ns ? prefill_ns : left_ns;
        there->tally.prefill_paid_ns += carried_ns;
        prefill_ns -= carried_ns;
    }
    replica->tally.fetch_paid_ns += fetch_ns;
    replica->tally.prefill_paid_ns += prefill_ns;
}

/* Those who computed its prompt for others learn what became of it. */
static void tally_carried(const struct replica *replica, const struct request *request,
                          bool is_done)
{
    if (request->prefill_replica < 0) {
        return;
    }
    struct replica_tally *tally = &replica->all[request->prefill_replica].tally;
    *(is_done ? &tally->paid_ns : &tally->lost_ns) += request->carried_paid_ns;
    *(is_done ? &tally->energy_pj : &tally->lost_pj) += request->carried_energy_pj;
}

void replica_finish(struct replica *replica, struct request *request,
                    enum request_status status, int64_t now_ns)
{
    bool is_again = status != REQUEST_COMPLETED && resend_would(replica->sim, request);
    struct prefix_chain *prompt = NULL; /* the blocks take the other one with them */
    if (is_again && request->chain != NULL) {
        prompt = prefix_chain_copy(request->chain);
    }
    replica_finish_take_out(replica, request, now_ns);
    if (status == REQUEST_COMPLETED) {
        CHECK(request->n_emitted == request->output_tokens);
        replica->tally.paid_ns += request->paid_ns;
        tally_parts(replica, request);
        replica->tally.energy_pj += request->energy_pj;
    } else {
        replica->tally.discarded_tokens +=
            request->computed_tokens - request->cached_tokens;
        replica->tally.discarded_outputs += request->n_emitted;
        replica->tally.lost_ns += request->paid_ns;
        replica->tally.lost_pj += request->energy_pj;
    }
    tally_carried(replica, request, status == REQUEST_COMPLETED);
    if (is_again) {
        prefix_chain_free(request->chain);
        request->chain = prompt;
        request->held_blocks = 0;
        resend_later(replica->sim, request);
        return;
    }
    request_alive_remove(replica->alive, request);
    record_tell(replica->probe, replica, request, status, now_ns);
    request_release(replica->store, request);
}

void replica_finish_grants(struct replica *replica, int64_t now_ns)
{
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        struct request *request = grant->request;
        if (replica_grant_joins(grant)) {
            replica_join(replica, request);
        } else if (replica_grant_moves(replica, grant)) {
            transfer_side_hand_over(replica, request, now_ns);
        } else if (!request->given_up && !request->in_group &&
                   request->n_emitted == request->output_tokens) {
            replica_finish(replica, request, REQUEST_COMPLETED, now_ns);
        }
    }
    for (int64_t i = 0; i < replica->n_given_up; i++) {
        replica_finish(replica, replica->given_up[i], REQUEST_TIMED_OUT, now_ns);
    }
}
