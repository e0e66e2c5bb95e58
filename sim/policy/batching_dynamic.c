/* Triton's dynamic batcher: requests wait a little for a batch of a good size.
 *
 * Mirrors triton-inference-server/core src/dynamic_batch_scheduler.cc at 01ea7d90 for a model
 * with one instance, max_batch_size being max_num_seqs.  When nobody runs, the queue is
 * walked in order: the greatest batch of a preferred size goes, unless the oldest has waited
 * for max_queue_delay; then, as when nobody else can come into the batch, all go; else all
 * wait, until the oldest has.  Without a delay nobody waits.
 *
 * Triton knows nothing of outputs; here a batch then runs to its end as in batching_static.c,
 * and who finds no blocks for his whole output beside those before him is to Triton's walk
 * what one too many is.
 *
 * Who has been queued for longer than queue_timeout when the walk comes to him is shed, or,
 * once, put behind all others.  (Triton's queue policy looks only then, too.)
 */
#include "policy/policy.h"

/* What the walk found: how many may go, with the blocks, tokens and age that they have
 * together; how many of these are best. */
struct walk {
    int64_t n;
    int64_t n_best; /* 0: no number of them is */
    int64_t n_blocks;
    int64_t n_tokens;
    int64_t oldest_ns; /* when the first of them came */
    int64_t late_ns;   /* when one of them has waited too long */
    bool full;         /* nobody else can come with them */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_preferred(const struct replica *replica, int64_t n)
{
    const char *at = batch_settings(replica)->preferred_batch_sizes;
    for (int64_t size; (size = pool_scheduler_next_size(&at)) > 0;) {
        if (size == n) {
            return true;
        }
    }
    return false;
}

static int64_t most_preferred(const struct replica *replica)
{
    const char *at = batch_settings(replica)->preferred_batch_sizes;
    int64_t most = 0;
    for (int64_t size; (size = pool_scheduler_next_size(&at)) > 0;) {
        most = size > most ? size : most;
    }
    return most > 0 ? most : batch_limits(replica)->max_num_seqs;
}

/* Whether the request comes too late for the walk; then it stands elsewhere, if at all. */
static bool is_late(struct replica *replica, struct request *request, int64_t now_ns)
{
    const struct pool_scheduler *settings = batch_settings(replica);
    if (settings->queue_timeout_ns == 0 || request->delayed ||
        now_ns - request->enqueued_ns <= settings->queue_timeout_ns) {
        return false;
    }
    if (settings->queue_timeout_action == POOL_DELAY) {
        batch_walk_delay(replica, request);
    } else {
        batch_shed(replica, request, now_ns);
    }
    return true;
}

/* Adds a request to those who may go; false if it cannot come with them. */
static bool add(struct replica *replica, const struct request *request,
                struct walk *walk)
{
    const struct pool_scheduler *settings = batch_settings(replica);
    int64_t need = request->prompt_tokens + batch_max_new(request) - 1;
    int64_t block = batch_block_tokens(replica);
    walk->n_blocks += (need + block - 1) / block;
    walk->n_tokens += request->prompt_tokens;
    if (walk->n == settings->max_num_seqs || walk->n_tokens > BATCH_MOST_TOKENS ||
        walk->n_blocks > batch_total_blocks(replica)) {
        return false;
    }
    walk->n++;
    if (is_preferred(replica, walk->n)) {
        walk->n_best = walk->n;
    }
    walk->oldest_ns = least(walk->oldest_ns, request->enqueued_ns);
    if (settings->queue_timeout_ns > 0 && !request->delayed) {
        walk->late_ns =
            least(walk->late_ns, request->enqueued_ns + settings->queue_timeout_ns + 1);
    }
    return true;
}

/* Sets those who may go aside, in order. */
static struct walk walk_queue(struct replica *replica, int64_t now_ns)
{
    struct walk walk = {.oldest_ns = INT64_MAX, .late_ns = INT64_MAX};
    int64_t most = most_preferred(replica);
    for (struct request *r; (r = batch_first_waiting(replica)) != NULL;) {
        if (is_late(replica, r, now_ns)) {
            continue;
        }
        if (walk.n + 1 > most && walk.n_best == 0) {
            walk.n_best = walk.n;
        }
        if (!add(replica, r, &walk)) {
            walk.full = true;
            break;
        }
        batch_walk_aside(replica);
    }
    return walk;
}

/* How many are to go now; 0: they wait for more. */
static int64_t decide(struct replica *replica, const struct walk *walk, int64_t now_ns)
{
    int64_t delay_ns = batch_settings(replica)->max_queue_delay_ns;
    bool overdue = delay_ns > 0 && now_ns - walk->oldest_ns >= delay_ns;
    if (walk->n_best > 0 && !overdue) {
        return walk->n_best;
    }
    if (overdue || walk->full || walk->n >= most_preferred(replica) || delay_ns == 0) {
        return walk->n;
    }
    batch_wait_until(replica, least(walk->oldest_ns + delay_ns, walk->late_ns));
    return 0;
}

static void form(struct replica *replica, int64_t now_ns)
{
    struct walk walk = walk_queue(replica, now_ns);
    int64_t n = walk.n > 0 ? decide(replica, &walk, now_ns) : 0;
    for (struct request *r; (r = batch_walk_back(replica)) != NULL; n--) {
        if (n > 0) { /* the walk saw to its room */
            batch_admit(replica, r, batch_missing(replica, r), 0, now_ns);
        }
    }
}

static void plan(struct replica *replica, int64_t now_ns)
{
    if (batch_n_running(replica) > 0) {
        batch_serve_decodes_each(replica, now_ns);
    } else {
        form(replica, now_ns);
    }
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    if (batch_n_running(replica) > 0) {
        batch_serve_decodes_grouped(replica, now_ns);
    } else {
        form(replica, now_ns);
    }
}

static bool newcomer_waits(const struct replica *replica)
{
    (void)replica;
    return true; /* for the last of those who run */
}

const struct batch_ops batching_dynamic = {
    .name = "dynamic",
    .help =
        "Triton's dynamic batcher: requests wait a little for a batch of a good size",
    .plan = plan,
    .plan_grouped = plan_grouped,
    .newcomer_waits = newcomer_waits,
    .reserves = true,
    .unbudgeted = true,
    .blocks_go_with_the_last = true,
    .pads = true,
};
