/* Iteration-level batching over slots, without paging (Orca, Yu et al., OSDI 2022).
 *
 * In every step all who run decode, and waiting requests join them with their whole prompts,
 * in the queue's order, while there is a place and room for all that their outputs may come
 * to.  Nothing bounds a step's tokens and nobody ever gives way: `preempt = none`.  Mirrors
 * Vidur's orca_replica_scheduler.py, which reserves max_tokens at admission as Orca does;
 * blocks stand for Orca's slots.
 */
#include "policy/policy.h"

static void plan(struct replica *replica, int64_t now_ns)
{
    batch_serve_decodes_each(replica, now_ns);
    batch_serve_whole(replica, now_ns);
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    batch_serve_decodes_grouped(replica, now_ns);
    batch_serve_whole(replica, now_ns);
}

/* Blocks and places come back only when somebody finishes. */
static bool newcomer_waits(const struct replica *replica)
{
    return (batch_first_waiting(replica) != NULL && batch_is_fcfs(replica)) ||
           batch_n_running(replica) >= batch_limits(replica)->max_num_seqs;
}

const struct batch_ops batching_orca = {
    .name = "orca",
    .help = "Orca: whole prompts join the decodes in any step, outputs are reserved",
    .plan = plan,
    .plan_grouped = plan_grouped,
    .newcomer_waits = newcomer_waits,
    .reserves = true,
    .unbudgeted = true,
};
