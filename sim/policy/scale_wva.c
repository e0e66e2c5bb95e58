/* The saturation rule of llm-d's workload variant autoscaler.
 *
 * A replica is saturated with 80 % of its KV blocks in use or 5 requests waiting.  What
 * the others have to spare below that, in the mean, decides: less than 10 % of KV or 3
 * requests calls for one more; if those left would still have as much with one less, one
 * may go.  While replicas boot nothing is decided, for what they will take is not seen yet.
 * `target` and the like have no meaning here.
 */
#include "policy/policy.h"

enum {
    SATURATED_PERCENT = 80,
    SATURATED_WAITING = 5,
    SPARE_PERCENT = 10,
    SPARE_WAITING = 3,
};

struct spare {
    int64_t n;    /* replicas that are not saturated */
    wide used;    /* blocks of theirs */
    wide total;   /* likewise; all replicas have as many */
    wide waiting; /* at them */
};

/* Whether `n` replicas have enough to spare if they have all that load. */
static bool has_spare(const struct spare *spare, int64_t n)
{
    if (n <= 0) {
        return false;
    }
    wide one = spare->total / spare->n; /* blocks of a replica */
    return one * n * SATURATED_PERCENT - spare->used * 100 >= one * n * SPARE_PERCENT &&
           n * SATURATED_WAITING - spare->waiting >= n * SPARE_WAITING;
}

static int64_t desired(const struct scale_view *view, const struct scale_config *config)
{
    (void)config;
    struct spare spare = {0};
    int64_t current = scale_current(view);
    if (view->n_starting > 0) {
        return current;
    }
    for (int64_t i = 0; i < view->n_ready; i++) {
        const struct scale_replica *replica = &view->ready[i];
        if ((wide)replica->used_blocks * 100 <
                (wide)replica->total_blocks * SATURATED_PERCENT &&
            replica->n_waiting < SATURATED_WAITING) {
            spare.n++;
            spare.used += replica->used_blocks;
            spare.total += replica->total_blocks;
            spare.waiting += replica->n_waiting;
        }
    }
    if (view->n_held > 0 || !has_spare(&spare, spare.n)) {
        return current + 1;
    }
    bool all_have = spare.n == view->n_ready; /* else the load of some is not in it */
    return all_have && has_spare(&spare, spare.n - 1) ? current - 1 : current;
}

const struct scale_ops scale_wva = {
    .name = "wva",
    .help =
        "one more when replicas have little to spare below 80 % of KV and 5 waiting, "
        "one less when the rest would have enough (llm-d)",
    .desired = desired,
};
