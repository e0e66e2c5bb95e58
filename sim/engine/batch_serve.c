#include "engine/batch_serve.h"

#include "engine/replica.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t batch_serve_wanted(const struct replica *replica, const struct request *request)
{
    int64_t missing = batch_missing(replica, request);
    return least(missing + batch_drafts(replica, request),
                 batch_limits(replica)->long_prefill_token_threshold);
}

struct request *batch_serve_fewest_outputs(const struct replica *replica)
{
    struct request *fewest = batch_first_running(replica);
    int64_t n_fewest = batch_n_emitted(replica, fewest);
    for (struct request *r = batch_next(fewest); r != NULL; r = batch_next(r)) {
        int64_t n = batch_n_emitted(replica, r);
        if (n < n_fewest ||
            (n == n_fewest && r->prompt_tokens >= fewest->prompt_tokens)) {
            fewest = r;
            n_fewest = n;
        }
    }
    return fewest;
}

int64_t batch_serve_to_come(const struct replica *replica, int64_t most)
{
    if (!replica->stepwise && replica->n_partials == 0 &&
        replica->group.most_new <= most) {
        return replica->group.to_come;
    }
    int64_t tokens = 0;
    for (const struct request *r = batch_first_running(replica); r != NULL;
         r = batch_next(r)) {
        int64_t left = batch_max_new(r) - batch_n_emitted(replica, r);
        tokens += batch_decodes(replica, r) ? least(left, most) : 0;
    }
    return tokens;
}

static struct request *victim_of(struct replica *replica)
{
    switch ((enum pool_victim)batch_settings(replica)->victim) {
    case POOL_LAST:
        return batch_last_running(replica);
    case POOL_ORDER:
        return rank_last(replica);
    case POOL_FEWEST_OUTPUTS:
        return batch_serve_fewest_outputs(replica);
    case POOL_VICTIM_AUTO: /* policy_settle() has dealt with it */
        break;
    }
    return NULL;
}

/* Tokens that a running request is to get; 0: none in this kind of step. */
static int64_t tokens_of(const struct replica *replica, const struct request *request,
                         bool only_decodes, int64_t budget)
{
    if (only_decodes) { /* its own token, whatever the budget is */
        int64_t drafts = least(batch_drafts(replica, request), budget - 1);
        return batch_decodes(replica, request) ? 1 + (drafts > 0 ? drafts : 0) : 0;
    }
    return least(batch_serve_wanted(replica, request), budget);
}

bool batch_serve_one(struct replica *replica, struct request *request, int64_t tokens,
                     int64_t now_ns)
{
    while (!batch_grant(replica, request, tokens, now_ns)) {
        struct request *victim = victim_of(replica);
        batch_preempt(replica, victim, now_ns);
        if (victim == request) {
            return false;
        }
    }
    return true;
}

/* Nobody who was admitted at or after this number gets anything in this step. */
static void leave_out_from(struct replica *replica, int64_t admission, int64_t now_ns)
{
    struct request *request = batch_first_running(replica);
    for (; request != NULL; request = batch_next(request)) {
        if (request->admission >= admission) {
            batch_leave_out(replica, request, now_ns);
        }
    }
}

static void serve_each(struct replica *replica, bool only_decodes, int64_t now_ns)
{
    struct request *request = batch_first_running(replica);
    while (request != NULL) {
        int64_t tokens =
            tokens_of(replica, request, only_decodes, batch_budget(replica));
        int64_t admission = request->admission;
        if (tokens > 0 && !batch_serve_one(replica, request, tokens, now_ns)) {
            leave_out_from(replica, admission, now_ns);
            return;
        }
        request = batch_next(request);
    }
}

/* How a grouped plan stands once somebody gave way.  Whoever asked was promised what the
 * budget held then; victims behind whose backs it was given more come too late. */
struct shortage {
    bool only_decodes;
    int64_t cut; /* those admitted at or after this number get nothing */
    const struct request *promised;
    int64_t tokens;
    int64_t
        taken_blocks; /* whose contents are forgotten, for those before whoever asked */
};

static int64_t promised_to(const struct replica *replica, const struct request *request,
                           const struct shortage *shortage, int64_t budget)
{
    return request == shortage->promised
               ? shortage->tokens
               : tokens_of(replica, request, shortage->only_decodes, budget);
}

/* KV blocks that all of them need in this step. */
static int64_t demand(const struct replica *replica, const struct shortage *shortage)
{
    int64_t budget = batch_budget(replica) - batch_n_grouped(replica);
    int64_t n_blocks = batch_group_new_blocks(replica);
    for (int64_t i = 0; i < batch_n_partial(replica); i++) {
        const struct request *request = batch_partial(replica, i);
        int64_t tokens = promised_to(replica, request, shortage, budget);
        budget -= tokens;
        n_blocks += tokens > 0 ? batch_new_blocks(replica, request, tokens) : 0;
    }
    return n_blocks;
}

/* A victim that had been served in this step gives back blocks that it took from the cache,
 * which remembers them no more. */
static void forget_taken(struct replica *replica, struct shortage *shortage,
                         int64_t taken_blocks, int64_t of_victim)
{
    struct prefix *prefix = replica->kv.prefix;
    if (prefix != NULL && of_victim > 0) {
        prefix_take(prefix, taken_blocks - shortage->taken_blocks);
        prefix_give(prefix, of_victim);
        shortage->taken_blocks = taken_blocks - of_victim;
    }
}

/* Finds the first in order of admission for whom blocks lack; somebody must. */
static void find_short(struct replica *replica, const struct request *victim,
                       struct shortage *shortage)
{
    int64_t budget = batch_budget(replica);
    int64_t free_blocks = batch_free_blocks(replica);
    int64_t of_victim = 0;
    struct request *request = batch_first_running(replica);
    for (;; request = batch_next(request)) {
        int64_t tokens = promised_to(replica, request, shortage, budget);
        if (tokens == 0) {
            continue;
        }
        budget -= tokens;
        int64_t n_blocks = batch_new_blocks(replica, request, tokens);
        if (n_blocks > free_blocks) {
            shortage->promised = request;
            shortage->tokens = tokens;
            forget_taken(replica, shortage, batch_free_blocks(replica) - free_blocks,
                         of_victim);
            return;
        }
        free_blocks -= n_blocks;
        of_victim = request == victim ? n_blocks : of_victim;
    }
}

static void give_way(struct replica *replica, struct shortage *shortage, int64_t now_ns)
{
    struct request *victim = victim_of(replica);
    struct request *rest = batch_next(victim);
    if (rest !=
        NULL) { /* else it does not matter who asked: nobody is behind the victim */
        find_short(replica, victim, shortage);
        if (shortage->promised == victim) {
            shortage->cut = victim->admission;
        }
    }
    batch_preempt(replica, victim, now_ns);
    for (; shortage->cut != INT64_MAX && rest != NULL; rest = batch_next(rest)) {
        batch_leave_out(replica, rest, now_ns);
    }
}

/* Somebody fails, when one goes through the running requests in order, exactly while what
 * they need all together is more than what is free; the victim does not depend on who.
 * And the budget only ever cuts the last one: when a request was admitted, all before it
 * had taken what they wanted, and what they want never grows afterwards; so nobody runs
 * without a token. */
static void serve_grouped(struct replica *replica, bool only_decodes, int64_t now_ns)
{
    struct shortage shortage = {.only_decodes = only_decodes, .cut = INT64_MAX};
    while (shortage.cut == INT64_MAX &&
           demand(replica, &shortage) > batch_free_blocks(replica)) {
        give_way(replica, &shortage, now_ns);
    }
    if (shortage.taken_blocks > 0) {
        prefix_put_back(replica->kv.prefix, shortage.taken_blocks);
    }
    batch_grant_group(replica);
    int64_t n_partial = batch_n_partial(replica);
    for (int64_t i = 0, done = 0; done < n_partial; done++) {
        struct request *request = batch_partial(replica, i);
        int64_t tokens =
            promised_to(replica, request, &shortage, batch_budget(replica));
        if (tokens > 0 && request->admission < shortage.cut) {
            batch_grant(replica, request, tokens, now_ns);
        }
        /* one whose last missing token this is has left the partials for the group */
        i += i < batch_n_partial(replica) && batch_partial(replica, i) == request;
    }
}

void batch_serve_each(struct replica *replica, int64_t now_ns)
{
    serve_each(replica, false, now_ns);
}

void batch_serve_grouped(struct replica *replica, int64_t now_ns)
{
    serve_grouped(replica, false, now_ns);
}

void batch_serve_decodes_each(struct replica *replica, int64_t now_ns)
{
    serve_each(replica, true, now_ns);
}

void batch_serve_decodes_grouped(struct replica *replica, int64_t now_ns)
{
    serve_grouped(replica, true, now_ns);
}

/* Whether the first of the waiting could be admitted with its whole prompt. */
static bool has_place(const struct replica *replica)
{
    const struct request *first = batch_first_waiting(replica);
    int64_t n_blocks = batch_new_blocks(replica, first, batch_missing(replica, first));
    return batch_n_running(replica) < batch_limits(replica)->max_num_seqs &&
           n_blocks + batch_watermark(replica) <= batch_free_blocks(replica);
}

static void make_way(struct replica *replica, int64_t now_ns)
{
    while (batch_n_waiting(replica) > 0 && !has_place(replica)) {
        struct request *last = rank_preceded(replica);
        if (last == NULL || !lora_fits(replica, batch_first_waiting(replica))) {
            return;
        }
        batch_preempt_for_order(replica, last, now_ns);
        rank_displaced(replica);
    }
}

void batch_serve_yield(struct replica *replica, int64_t now_ns)
{
    if (batch_settings(replica)->preemptive_order) {
        make_way(replica, now_ns);
    }
}

bool batch_serve_may_yield(struct replica *replica)
{
    return batch_settings(replica)->preemptive_order && rank_preceded(replica) != NULL;
}

int64_t batch_serve_steps_in_order(struct replica *replica)
{
    return rank_steps_left(replica);
}

static bool resume(struct replica *replica, int64_t now_ns)
{
    const struct request_list *swapped = &replica->swap.requests;
    while (swapped->first != NULL && batch_n_preempted(replica) == 0 &&
           !replica->moving.shuts &&
           batch_n_running(replica) < batch_limits(replica)->max_num_seqs) {
        struct request *request = swapped->first;
        int64_t tokens =
            least(batch_serve_wanted(replica, request),
                  replica->ops->room != NULL ? replica->ops->room(replica, request)
                                             : batch_budget(replica));
        int64_t n_blocks = batch_new_blocks(replica, request, tokens);
        int64_t watermark = batch_n_running(replica) > 0 ? batch_watermark(replica) : 0;
        if (tokens < 1 || n_blocks + watermark > batch_free_blocks(replica) ||
            !lora_fits(replica, request)) {
            break;
        }
        batch_resume(replica, request, tokens, now_ns);
    }
    return swapped->first == NULL;
}

bool batch_serve_swapped(struct replica *replica, int64_t now_ns)
{
    return batch_n_swapped(replica) == 0 || resume(replica, now_ns);
}

/* By how many tokens the peak is too high; less than 1: it is not. */
static int64_t excess(struct replica *replica, const struct request *request)
{
    int64_t room = batch_total_blocks(replica) * batch_block_tokens(replica);
    return forecast_peak(replica, request) - room + 1;
}

bool batch_serve_foresees(struct replica *replica, const struct request *request)
{
    return batch_settings(replica)->admission != POOL_FORECAST ||
           batch_n_running(replica) == 0 || /* alone it fits, by a token or not */
           excess(replica, request) < 1;
}

int64_t batch_serve_steps_foreseen(struct replica *replica)
{
    const struct request *first = batch_first_waiting(replica);
    if (batch_settings(replica)->admission != POOL_FORECAST || first == NULL ||
        batch_n_running(replica) >= batch_limits(replica)->max_num_seqs) {
        return INT64_MAX;
    }
    int64_t steps = excess(replica, first);
    return steps > 1 ? steps : 1;
}

void batch_serve_whole(struct replica *replica, int64_t now_ns)
{
    while (batch_n_running(replica) < batch_limits(replica)->max_num_seqs) {
        struct request *request = batch_first_waiting(replica);
        if (request == NULL) {
            return;
        }
        int64_t missing = batch_missing(replica, request);
        if (missing > batch_budget(replica) ||
            !batch_admit(replica, request, missing, 0, now_ns)) {
            return;
        }
    }
}
