#include "base/check.h"
#include "engine/record.h"
#include "engine/replica.h"
#include "engine/sums.h"

static void stop_waiting(struct replica *replica, struct request *request)
{
    if (request->place == REQUEST_MOVING) { /* it was on its way, and is nowhere */
        return;
    }
    replica->view->prompt_tokens -= request->prompt_tokens;
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
    if (request->place == REQUEST_RUNNING) {
        replica_leave(replica, request, now_ns);
        request_list_remove(&replica->running, request);
        replica->view->n_running--;
        replica->view->prompt_tokens -= request->prompt_tokens;
        leave_add(&replica->leaving, &replica->kv, request,
                  replica->ops->blocks_go_with_the_last);
    } else {
        stop_waiting(replica, request);
    }
}

void replica_finish_blocks(struct replica *replica)
{
    if (replica->running.n == 0 || !replica->ops->blocks_go_with_the_last) {
        leave_all(&replica->leaving, &replica->kv);
    }
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
    replica_finish_take_out(replica, request, now_ns);
    if (status == REQUEST_COMPLETED) {
        CHECK(request->n_emitted == request->output_tokens);
        replica->tally.paid_ns += request->paid_ns;
        replica->tally.energy_pj += request->energy_pj;
    } else {
        replica->tally.discarded_tokens +=
            request->computed_tokens - request->cached_tokens;
        replica->tally.discarded_outputs += request->n_emitted;
        replica->tally.lost_ns += request->paid_ns;
        replica->tally.lost_pj += request->energy_pj;
    }
    tally_carried(replica, request, status == REQUEST_COMPLETED);
    request_alive_remove(replica->alive, request);
    record_tell(replica->probe, replica, request, status, now_ns);
    request_release(replica->store, request);
}
