#include "base/check.h"
#include "engine/look.h"
#include "engine/promote.h"
#include "engine/replica.h"
#include "engine/span.h"
#include "engine/stepwise.h"
#include "engine/sums.h"

static int64_t key_of(void *state, struct request *request)
{
    return replica_order_key(state, request);
}

/* What is found for those who wait may have changed since the last plan. */
static void look_up_hits(struct replica *replica)
{
    bool few = replica->queue.n <= ORDER_MOST_HITS;
    if (replica->queue.ops->by_hits && (few || replica->has_hits)) {
        queue_rekey(&replica->queue, replica, key_of);
        replica->has_hits = few;
    }
}

static bool has_step(const struct replica *replica)
{
    return replica->n_grants > 0 || (replica->group_granted && replica->group.n > 0);
}

/* The discipline says what the next step holds; false: nothing.  Where somebody gave way
 * and yet nobody got anything, the one who asked having been the victim, it is asked again
 * at once, as a server's loop would. */
static bool plan(struct replica *replica, int64_t now_ns)
{
    int64_t n_before;
    do {
        n_before = replica->n_preempted;
        replica->n_yielded = n_before;
        replica->group_granted = false;
        look_up_hits(replica);
        if (replica->stepwise) {
            replica->ops->plan(replica, now_ns);
        } else {
            replica->ops->plan_grouped(replica, now_ns);
        }
    } while (!has_step(replica) && replica->n_preempted > n_before);
    if (replica->kv.prefix != NULL) {
        prefix_settle(replica->kv.prefix);
    }
    CHECK(has_step(replica) || replica->wake_ns > now_ns || replica->queue.n == 0 ||
          transfer_side_holds(&replica->moving));
    return has_step(replica);
}

bool replica_plan_choose(struct replica *replica, int64_t now_ns)
{
    replica->waited = replica->wake_ns != REQUEST_NEVER;
    replica->wake_ns = REQUEST_NEVER;
    if (replica->moving.on) {
        transfer_side_settle(replica, now_ns);
    }
    if (replica->running.n + replica_n_waiting(replica) + replica->moving.landed.n ==
        0) {
        return false;
    }
    sums_state(replica, now_ns);
    replica->budget = replica_full_budget(replica);
    replica->n_grants = 0;
    replica->n_preempted = 0;
    replica->divided = false;
    replica->group_granted = false;
    replica->swap.moved = 0;
    replica->tier.fetch_fs = 0;
    lora_plan(&replica->lora);
    do { /* a scheduler that waits, or has shed all it knew of, looks again at once */
        look_now(replica, now_ns);
        promote_due(replica, now_ns);
        draft_choose(replica);
        if (plan(replica, now_ns)) {
            return true;
        }
        if (replica->arrived.n == 0 &&
            (replica->moving.landed.n == 0 ||
             (replica->waited && replica->running.n > 0)) &&
            (replica->wake_ns > now_ns || replica_n_waiting(replica) == 0 ||
             transfer_side_holds(&replica->moving))) {
            return false;
        }
        replica->waited = true;
        replica->wake_ns = REQUEST_NEVER;
    } while (true);
}

void replica_plan_started(struct replica *replica, int64_t now_ns)
{
    replica->busy = true;
    replica->planned_ns = now_ns;
    if (replica->running.n > replica->tally.most_running) {
        replica->tally.most_running = replica->running.n;
    }
    if (replica->probe->step != NULL) {
        replica_tell_step(replica);
    }
    replica->n_steps++;
}

bool replica_plan(struct replica *replica, int64_t now_ns, int64_t horizon_ns)
{
    if (!replica_plan_choose(replica, now_ns)) {
        return false;
    }
    if (replica->stepwise) {
        stepwise_start(replica, now_ns);
    } else {
        span_plan(replica, now_ns, horizon_ns);
    }
    replica_plan_started(replica, now_ns);
    return true;
}
