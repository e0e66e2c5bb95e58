#include <stddef.h>

#include "engine/batch.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t batch_serve_wanted(const struct replica *replica, const struct request *request)
{
    int64_t missing = batch_missing(replica, request);
    return least(missing, batch_limits(replica)->long_prefill_token_threshold);
}

/* Gives a running request its tokens, at the expense of the last ones; false if it had to
 * give way itself. */
static bool serve(struct replica *replica, struct request *request, int64_t now_ns)
{
    int64_t tokens = least(batch_serve_wanted(replica, request), batch_budget(replica));
    while (!batch_grant(replica, request, tokens, now_ns)) {
        struct request *victim = batch_last_running(replica);
        batch_preempt(replica, victim, now_ns);
        if (victim == request) {
            return false;
        }
    }
    return true;
}

void batch_serve_each(struct replica *replica, int64_t now_ns)
{
    struct request *request = batch_first_running(replica);
    while (request != NULL && batch_budget(replica) > 0) {
        if (!serve(replica, request, now_ns)) {
            break;
        }
        request = batch_next(request);
    }
}

/* What a running request takes, given what those before it leave of the budget. */
static int64_t partial_tokens(const struct replica *replica, int64_t i, int64_t *budget)
{
    int64_t tokens =
        least(batch_serve_wanted(replica, batch_partial(replica, i)), *budget);
    *budget -= tokens;
    return tokens;
}

/* KV blocks that all running requests need in this step. */
static int64_t demand(const struct replica *replica)
{
    int64_t budget = batch_budget(replica) - batch_n_grouped(replica);
    int64_t n_blocks = batch_group_new_blocks(replica);
    for (int64_t i = 0; i < batch_n_partial(replica); i++) {
        int64_t tokens = partial_tokens(replica, i, &budget);
        n_blocks += batch_new_blocks(replica, batch_partial(replica, i), tokens);
    }
    return n_blocks;
}

/* Going through the running requests in order, somebody fails exactly while what those
 * that are left need, all together, is more than what is free; then the last one goes.
 * And the budget only ever cuts the last one: when a request was admitted, all before it
 * had taken what they wanted, and what they want never grows afterwards; so nobody runs
 * without a token. */
void batch_serve_grouped(struct replica *replica, int64_t now_ns)
{
    while (demand(replica) > batch_free_blocks(replica)) {
        batch_preempt(replica, batch_last_running(replica), now_ns);
    }
    batch_grant_group(replica);
    int64_t n_partial = batch_n_partial(replica);
    for (int64_t i = 0, done = 0; done < n_partial; done++) {
        struct request *request = batch_partial(replica, i);
        int64_t tokens =
            least(batch_serve_wanted(replica, request), batch_budget(replica));
        batch_grant(replica, request, tokens, now_ns);
        /* one whose last missing token this is has left the partials for the group */
        i += i < batch_n_partial(replica) && batch_partial(replica, i) == request;
    }
}
