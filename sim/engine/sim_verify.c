/* The invariants that engine/sim.h numbers, looked up in the plain state of everything. */
#include "base/check.h"
#include "base/memory.h"
#include "engine/fleet.h"
#include "engine/lockstep.h"
#include "engine/sim.h"
#include "engine/transfer_verify.h"

#include <stdlib.h>

struct seen {
    int64_t n_decoding;
    int64_t n_counted;
    int64_t context;
    int64_t held_blocks; /* shared ones once for each that holds them */
    int64_t n_shares;
};

static void verify_running(const struct replica *replica, const struct request *request,
                           int64_t *residue, struct seen *seen)
{
    const struct group *group = &replica->group;
    int64_t computed = replica_computed(replica, request);
    CHECK(request->place == REQUEST_RUNNING);
    seen->n_shares += request->chain != NULL ? prefix_chain_shares(request->chain) : 0;
    CHECK(request->arrival_ns <= request->first_scheduled_ns);
    CHECK(computed <= request->prompt_tokens + request->output_tokens - 1);
    if (!request->in_group) {
        CHECK(request->held_blocks >= kv_blocks(&replica->kv, computed));
        seen->held_blocks += request->held_blocks;
        return;
    }
    CHECK(request->decoding && request->first_token_ns != REQUEST_NEVER);
    CHECK(group->finishers[request->heap_at].request == request);
    CHECK(group->finishers[request->heap_at].last_step > group->step);
    int64_t at = (computed - group->step) % group->block_tokens;
    residue[at < 0 ? at + group->block_tokens : at] += !group->reserved;
    seen->n_decoding++;
    seen->n_counted += request->counted;
    seen->context += computed + 1;
    seen->held_blocks +=
        group->reserved ? request->held_blocks : kv_blocks(&replica->kv, computed);
}

/* Blocks that the step in progress has taken for the decoding group. */
static int64_t due_blocks(const struct replica *replica)
{
    if (replica->stepwise || !replica->busy || !replica->group_granted ||
        replica->span.steps_left == 0) {
        return 0;
    }
    return group_new_blocks(&replica->group);
}

static void verify_waiter(const struct request *request)
{
    CHECK(request->held_blocks == 0 && !request->decoding && !request->in_group);
    CHECK(request->chain == NULL || request->chain->n_known == 0);
}

static void verify_waiting(const struct replica *replica)
{
    int64_t n = 0;
    int64_t on_host = 0;
    for (const struct request *r = replica->arrived.first; r != NULL;
         r = r->next, n++) {
        CHECK(r->place == REQUEST_WAITING && !r->queued && r->computed_tokens == 0);
        verify_waiter(r);
    }
    const struct request_list *swapped = &replica->swap.requests;
    for (const struct request *r = swapped->first; r != NULL; r = r->next, n++) {
        CHECK(r->place == REQUEST_SWAPPED && r->chain == NULL);
        on_host += kv_blocks(&replica->kv, r->computed_tokens);
        verify_waiter(r);
    }
    CHECK(on_host == replica->swap.host_blocks && on_host <= replica->swap.most_blocks);
    int64_t n_queued = 0;
    for (int32_t i = 0; i < replica->queue.n_lanes; i++) {
        const struct queue_lane *lane = &replica->queue.lanes[i];
        for (int64_t j = 0; j < lane->n; j++, n_queued++) {
            const struct request *r = lane->entries[j].request;
            CHECK(r->place == REQUEST_WAITING && r->queued && r->queue_at == j);
            CHECK(r->computed_tokens == 0);
            verify_waiter(r);
        }
        for (const struct request *r = lane->list.first; r != NULL; r = r->next) {
            CHECK(r->place == REQUEST_WAITING && r->queued && r->computed_tokens == 0);
            verify_waiter(r);
            n_queued++;
        }
    }
    CHECK(n_queued == replica->queue.n);
    CHECK(replica->queue.ops->tokens_left == NULL ||
          replica->queue.entered.n <= n_queued);
    n += n_queued;
    CHECK(n == replica_n_waiting(replica));
    CHECK(n + replica->frontend.requests.n + transfer_side_n_in(&replica->moving) ==
          replica->view->n_waiting);
    bool has_work = replica->running.n + n > 0;
    bool may_run = has_work || lockstep_is_dummy(replica);
    CHECK(replica->busy ? may_run
                        : !has_work || replica->wake_ns > 0 ||
                              transfer_side_holds(&replica->moving));
}

static void verify_replica(const struct replica *replica)
{
    const struct group *group = &replica->group;
    int64_t *residue = memory_new((size_t)group->block_tokens, sizeof *residue);
    struct seen seen = {0};
    int64_t n = 0;
    for (const struct request *r = replica->running.first; r != NULL;
         r = r->next, n++) {
        verify_running(replica, r, residue, &seen);
    }
    CHECK(n == replica->running.n && n == replica->view->n_running);
    CHECK(n <= replica->limits.max_num_seqs);
    verify_waiting(replica);
    for (int64_t i = 0; i < replica->leaving.n; i++) { /* the batch they were in runs */
        const struct leave_entry *left = &replica->leaving.entries[i];
        CHECK(replica->ops->blocks_go_with_the_last && replica->running.n > 0);
        seen.held_blocks += left->held_blocks;
        seen.n_shares += left->chain != NULL ? prefix_chain_shares(left->chain) : 0;
    }
    transfer_verify_replica(replica, &seen.held_blocks, &seen.n_shares);
    tier_verify(&replica->tier);
    lora_verify(replica);
    if (replica->kv.prefix != NULL) {
        int64_t n_held;
        int64_t n_shares;
        prefix_verify(replica->kv.prefix, replica->kv.free_blocks, &n_held, &n_shares);
        CHECK(n_shares == seen.n_shares);
        seen.held_blocks -= n_shares - n_held;
    }
    if (!replica->stepwise) {
        CHECK(seen.n_decoding == group->n && seen.n_counted == group->n_counted);
        CHECK(seen.context == group->context);
        for (int64_t i = 0; i < group->block_tokens; i++) {
            CHECK(residue[i] == group->residue[i]);
        }
        int64_t used = seen.held_blocks + due_blocks(replica);
        CHECK(kv_used(&replica->kv) == used);
    } else {
        CHECK(kv_used(&replica->kv) == seen.held_blocks);
    }
    CHECK(replica->kv.free_blocks >= 0);
    free(residue);
}

/* Requests that are with no scheduler yet, and are to be looked at again some time. */
static void verify_outside(const struct sim *sim)
{
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct frontend *frontend = &sim->replicas[i].frontend;
        const struct request *r = frontend->requests.first;
        CHECK(timer_is_set(&frontend->timer) == (r != NULL));
        CHECK(r == NULL || frontend->timer.at_ns == r->through_ns);
        for (; r != NULL; r = r->next) {
            CHECK(r->place == REQUEST_FRONTEND && r->replica == i);
            CHECK(r->through_ns > sim->now_ns && r->held_blocks == 0);
        }
    }
    for (const struct request *r = sim->held.first; r != NULL; r = r->next) {
        CHECK(r->place == REQUEST_HELD && r->replica == -1 && r->held_blocks == 0);
    }
}

void sim_verify(const struct sim *sim)
{
    int64_t n = sim->held.n + sim->away.n + sim->transfers.unplaced.n;
    transfer_verify_run(sim);
    int32_t n_on = 0;
    verify_outside(sim);
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        verify_replica(replica);
        n += replica_n_waiting(replica) + replica->running.n +
             replica->frontend.requests.n + transfer_side_n_in(&replica->moving);
        CHECK(life_serves(&replica->life) || fleet_is_empty(replica));
        CHECK(life_paid_ns(&replica->life, sim->now_ns) <= sim->now_ns);
        CHECK(replica->life.state == LIFE_STARTING || !timer_is_set(&replica->boot));
        CHECK(replica->life.state != LIFE_DRAINING || replica->sleeps ||
              !fleet_is_empty(replica));
        n_on += life_serves(&replica->life) && lockstep_first(replica) == i;
    }
    for (int32_t i = 0; i < sim->n_locksteps; i++) {
        lockstep_verify(&sim->locksteps[i]);
    }
    CHECK(n_on == sim->n_on && n_on <= sim->most_on);
    sleep_verify(sim);
    CHECK(n == sim->n_in_system);
    router_verify(&sim->router);
    int64_t done = 0;
    for (int i = 0; i < N_REQUEST_STATUSES; i++) {
        done += sim->totals.n_by_status[i];
    }
    CHECK(n + done + sim->next_is_read == sim->totals.n_injected);
}
