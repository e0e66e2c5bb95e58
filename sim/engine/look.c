#include "engine/look.h"

#include "engine/replica.h"

/* Those who had come by then stand in the queue. */
static void see_until(struct replica *replica, int64_t until_ns, int64_t now_ns)
{
    replica->visible_until_ns = until_ns;
    for (struct request *first;
         (first = replica->arrived.first) != NULL && first->enqueued_ns <= until_ns;) {
        request_list_remove(&replica->arrived, first);
        replica_queue(replica, first, false, now_ns);
    }
    if (replica->moving.landed.n > 0) {
        transfer_side_enter(replica, until_ns);
    }
}

void look_now(struct replica *replica, int64_t now_ns)
{
    if (replica->poll_steps <= 1 && !replica->async) { /* mostly */
        see_until(replica, now_ns, now_ns);
        return;
    }
    int64_t steps = replica->sums.work.steps;
    if (replica->waited) { /* with no step to run it does nothing but look */
        replica->looked_at_step = steps;
        see_until(replica, now_ns, now_ns);
        return;
    }
    int64_t since = steps - replica->looked_at_step;
    int64_t every = replica->poll_steps > 1 ? replica->poll_steps : 1;
    int64_t over = since % every;
    if (since > 0 && replica->poll_steps > 1 &&
        replica->span.counts.prefill_tokens > 0) {
        over = 0; /* of the step that has just ended */
        since = every;
    }
    if (since >= every) {
        replica->looked_at_step = steps - over;
        if (over == 0) {
            see_until(replica, replica->async ? replica->last_start_ns : now_ns,
                      now_ns);
        }
    }
    if (replica->running.n == 0 && replica->queue.n + replica->swap.requests.n == 0) {
        replica->looked_at_step = steps;
        see_until(replica, now_ns, now_ns);
    }
}

bool look_hides(const struct replica *replica)
{
    return replica->arrived.n > 0;
}

int64_t look_steps_left(const struct replica *replica)
{
    int64_t since = replica->sums.work.steps - replica->looked_at_step;
    return replica->poll_steps > since ? replica->poll_steps - since : 1;
}
