/* Static batching, as FasterTransformer serves: a batch runs to its end, nobody joins it.
 *
 * When nobody runs, waiting requests are taken in the queue's order, up to max_num_seqs and
 * while blocks for whole outputs are free; their prompts are one step, and then all decode
 * until the last is done.  Who is done sooner leaves the steps, but the blocks of all come
 * back only at the end.  (Vidur's faster_transformer_replica_scheduler.py means the same and
 * forgets to free the blocks of those who finish early.)
 *
 * `padding = yes`: prompts cost as much as the batch's longest; decodes are not padded.
 */
#include "policy/policy.h"

static void plan(struct replica *replica, int64_t now_ns)
{
    if (batch_n_running(replica) > 0) {
        batch_serve_decodes_each(replica, now_ns);
    } else {
        batch_serve_whole(replica, now_ns);
    }
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    if (batch_n_running(replica) > 0) {
        batch_serve_decodes_grouped(replica, now_ns);
    } else {
        batch_serve_whole(replica, now_ns);
    }
}

static bool newcomer_waits(const struct replica *replica)
{
    (void)replica;
    return true; /* for the last of those who run */
}

const struct batch_ops batching_static = {
    .name = "static",
    .help = "FasterTransformer: a batch runs to its end and nobody joins it",
    .plan = plan,
    .plan_grouped = plan_grouped,
    .newcomer_waits = newcomer_waits,
    .reserves = true,
    .unbudgeted = true,
    .blocks_go_with_the_last = true,
    .pads = true,
};
