/* SGLang: steps of prompts before steps of decodes, and memory kept for outputs to come.
 *
 * Mirrors managers/schedule_policy.py and schedule_batch.py at upstream commit 00550cd1.
 * Whoever comes in must fit with all the output it may write (`clip_max_new_tokens` of it at
 * most) beside a part of what those who run may still write, the new-token ratio: 0.7 times
 * `schedule_conservativeness` at first, sinking to 0.14 of that in 600 decode steps.  A
 * prompt that is longer than what is left of `chunked_prefill_size` is cut to whole blocks;
 * its rest goes first in the next step.  Where blocks lack for decodes, requests are
 * retracted, those with the fewest outputs first, and the ratio is raised.
 *
 * Where that leaves room, or would hang:
 * - a request is refused at once if with nobody else there it could not pass the estimate;
 *   one that was retracted, and asks for a little more, comes in if nobody runs;
 * - `chunked_prefill_size` is one block at least (SGLang refuses less);
 * - blocks of a waiting request's prompt that are in the cache and that nobody holds count
 *   as needed by it: they are free ones;
 * - one that was retracted after its first token and finds all its prompt in the cache has
 *   no prompt to compute: it comes in with the decodes of a step without prompts;
 * - a prompt that is being computed may be retracted, too; a decode that finds no block in
 *   a step with prompts (`enable_mixed_chunk`) waits for the next step;
 * - SGLang takes decodes of mixed steps from the chunk's budget; here it is the prompts'.
 */
#include "base/wide.h"
#include "policy/policy.h"

/* Ratios are whole numbers of 10^-12. */
static const int64_t one = 1000000000000;
static const int64_t unlimited = INT64_MAX / 4;

enum { DECAY_STEPS = 600 };

struct state {
    bool has_begun;
    int64_t ratio; /* of the last plan */
    bool decays;   /* with the steps since then, which are of decodes only */
    int64_t at_step;
};

/* What is left of a step of prompts. */
struct room {
    int64_t tokens; /* free ones in the KV cache, less what is kept for outputs */
    int64_t input;
    int64_t chunk;
    bool has_begun;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t first_ratio(const struct replica *replica)
{
    return least(one, 700 * batch_settings(replica)->conservativeness_nano);
}

static int64_t ratio_after(const struct replica *replica, int64_t n_steps)
{
    const struct state *state = batch_state(replica);
    int64_t first = first_ratio(replica);
    int64_t last = first * 14 / 100;
    int64_t ratio = state->ratio - n_steps * ((first - last) / DECAY_STEPS);
    return ratio > last ? ratio : last;
}

/* Brings the ratio up to date. */
static void decay(struct replica *replica)
{
    struct state *state = batch_state(replica);
    int64_t n_steps = batch_n_steps(replica) - state->at_step;
    if (!state->has_begun) {
        state->has_begun = true;
        state->ratio = first_ratio(replica);
    }
    if (state->decays && n_steps > 0) {
        state->ratio = ratio_after(replica, n_steps);
    }
    state->decays = false;
    state->at_step += n_steps;
}

/* Output that may still come, as far as it is looked ahead. */
static int64_t to_come(const struct replica *replica, const struct request *request)
{
    return least(batch_max_new(request) - batch_n_emitted(replica, request),
                 batch_settings(replica)->clip_max_new_tokens);
}

/* Tokens that are kept for the outputs of those who run. */
static int64_t kept(const struct replica *replica)
{
    const struct state *state = batch_state(replica);
    int64_t tokens = 0;
    for (const struct request *r = batch_first_running(replica); r != NULL;
         r = batch_next(r)) {
        if (batch_decodes(replica, r)) {
            wide part = (wide)to_come(replica, r) * state->ratio;
            tokens += (int64_t)wide_div(part + one - 1, one);
        }
    }
    return tokens;
}

/* Tokens in whole blocks. */
static int64_t paged(const struct replica *replica, int64_t tokens)
{
    int64_t block_tokens = batch_block_tokens(replica);
    return (tokens + block_tokens - 1) / block_tokens * block_tokens;
}

/* Tokens that a waiting request is taken to need: its prompt and output so far, blocks of
 * it in the cache that are free now, and output to come. */
static int64_t asked(const struct replica *replica, const struct request *request)
{
    int64_t missing = batch_missing(replica, request);
    return batch_new_blocks(replica, request, missing) * batch_block_tokens(replica) +
           to_come(replica, request);
}

static void charge(const struct replica *replica, struct room *room, int64_t tokens,
                   int64_t more)
{
    room->tokens -= paged(replica, tokens) + more;
    room->input -= paged(replica, tokens);
    room->chunk -= paged(replica, tokens);
    room->has_begun = true;
}

/* The running request whose prompt was cut, or NULL. */
static struct request *cut_request(const struct replica *replica, bool grouped)
{
    for (int64_t i = 0; grouped && i < batch_n_partial(replica); i++) {
        if (!batch_decodes(replica, batch_partial(replica, i))) {
            return batch_partial(replica, i);
        }
    }
    struct request *request = grouped ? NULL : batch_first_running(replica);
    while (request != NULL && batch_decodes(replica, request)) {
        request = batch_next(request);
    }
    return request;
}

/* Goes on with a prompt, as far as there are blocks. */
static void go_on(struct replica *replica, struct request *request, struct room *room,
                  int64_t now_ns)
{
    int64_t missing = batch_missing(replica, request);
    int64_t n_blocks = request->held_blocks + batch_free_blocks(replica);
    int64_t most = n_blocks * batch_block_tokens(replica) - request->computed_tokens;
    int64_t tokens = least(least(missing, room->chunk), most);
    if (tokens > 0) {
        int64_t more =
            least(batch_max_new(request), batch_settings(replica)->clip_max_new_tokens);
        batch_grant(replica, request, tokens, now_ns);
        charge(replica, room, tokens, tokens == missing ? more : 0);
    }
}

/* Lets a waiting request in whose prompt is to be computed; whether another may follow. */
static bool admit(struct replica *replica, struct request *request, struct room *room,
                  int64_t now_ns)
{
    int64_t block_tokens = batch_block_tokens(replica);
    int64_t missing = batch_missing(replica, request);
    int64_t all = asked(replica, request);
    bool is_whole = paged(replica, missing) <= room->chunk;
    int64_t tokens = is_whole ? missing : room->chunk / block_tokens * block_tokens;
    int64_t more = all - paged(replica, missing);
    if ((batch_n_running(replica) > 0 && all >= room->tokens) ||
        (is_whole && room->has_begun && paged(replica, missing) > room->input) ||
        tokens == 0 || !batch_admit(replica, request, tokens, 0, now_ns)) {
        return false;
    }
    charge(replica, room, tokens, more); /* if it was cut, nobody follows */
    return is_whole;
}

static bool has_place(const struct replica *replica)
{
    return batch_first_waiting(replica) != NULL &&
           batch_n_running(replica) < batch_limits(replica)->max_num_seqs;
}

/* Tokens that are kept for outputs, but for rounding if even those are too many for the
 * first of the waiting. */
static int64_t kept_from(const struct replica *replica, const struct room *room)
{
    const struct state *state = batch_state(replica);
    int64_t most = batch_settings(replica)->clip_max_new_tokens;
    wide outputs = (wide)batch_serve_to_come(replica, most) * state->ratio;
    int64_t tokens = (int64_t)wide_div(outputs, one);
    bool never = batch_n_running(replica) > 0 &&
                 asked(replica, batch_first_waiting(replica)) >= room->tokens - tokens;
    return never ? tokens : kept(replica);
}

static void plan_prompts(struct replica *replica, bool grouped, struct room *room,
                         int64_t now_ns)
{
    int64_t outputs = has_place(replica) ? kept_from(replica, room) : 0;
    struct request *cut = cut_request(replica, grouped);
    if (cut != NULL) {
        go_on(replica, cut, room, now_ns);
    }
    room->tokens -= outputs;
    while (has_place(replica) && room->input > 0 && room->chunk > 0) {
        struct request *request = batch_first_waiting(replica);
        if (batch_decodes(replica, request) || !admit(replica, request, room, now_ns)) {
            return;
        }
    }
}

/* KV blocks that all who decode need for their next tokens. */
static int64_t demand(const struct replica *replica, bool grouped)
{
    int64_t n_blocks = grouped ? batch_group_new_blocks(replica) : 0;
    for (int64_t i = 0; grouped && i < batch_n_partial(replica); i++) {
        const struct request *request = batch_partial(replica, i);
        if (batch_decodes(replica, request)) {
            n_blocks += batch_new_blocks(replica, request, 1);
        }
    }
    const struct request *r = grouped ? NULL : batch_first_running(replica);
    for (; r != NULL; r = batch_next(r)) {
        if (batch_decodes(replica, r)) {
            n_blocks += batch_new_blocks(replica, r, 1);
        }
    }
    return n_blocks;
}

/* Retracts until all decodes have blocks.  What those who stay have written, and 20 steps
 * more, is the new ratio. */
static void retract(struct replica *replica, bool grouped, int64_t now_ns)
{
    struct state *state = batch_state(replica);
    wide written = 0;
    wide may_write = 1;
    while (batch_n_running(replica) > 1 &&
           demand(replica, grouped) > batch_free_blocks(replica)) {
        batch_preempt(replica, batch_serve_fewest_outputs(replica), now_ns);
    }
    if (batch_n_preempted(replica) == 0) {
        state->decays = true;
        return;
    }
    for (const struct request *r = batch_first_running(replica); r != NULL;
         r = batch_next(r)) {
        if (batch_decodes(replica, r)) {
            written += batch_n_emitted(replica, r) + 20;
            may_write += batch_max_new(r);
        }
    }
    wide ratio = written * one / may_write;
    state->ratio = ratio < one ? (int64_t)ratio : one;
}

/* Blocks lack in a step with prompts: in the order of admission, those who need one and
 * find none are left out. */
static void leave_out(struct replica *replica, int64_t now_ns)
{
    int64_t free_blocks = batch_free_blocks(replica);
    for (struct request *r = batch_first_running(replica); r != NULL;
         r = batch_next(r)) {
        if (batch_decodes(replica, r)) {
            int64_t n_blocks = batch_new_blocks(replica, r, 1);
            if (n_blocks > free_blocks) {
                batch_leave_out(replica, r, now_ns);
            } else {
                free_blocks -= n_blocks;
            }
        }
    }
}

/* Gives all who decode their tokens, as far as there are blocks. */
static void give_tokens(struct replica *replica, bool grouped, int64_t now_ns)
{
    if (demand(replica, grouped) > batch_free_blocks(replica)) {
        leave_out(replica, now_ns);
    }
    if (grouped) {
        batch_grant_group(replica);
        for (int64_t i = 0; i < batch_n_partial(replica);) {
            struct request *request = batch_partial(replica, i);
            bool leaves = batch_decodes(replica, request) &&
                          batch_grant(replica, request, 1, now_ns);
            i += !leaves;
        }
        return;
    }
    for (struct request *r = batch_first_running(replica); r != NULL;
         r = batch_next(r)) {
        if (batch_decodes(replica, r)) {
            batch_grant(replica, r, 1, now_ns);
        }
    }
}

/* Lets those in who have nothing to compute but their next token. */
static void admit_decodes(struct replica *replica, struct room *room, int64_t now_ns)
{
    while (has_place(replica)) {
        struct request *request = batch_first_waiting(replica);
        int64_t all = asked(replica, request);
        if (!batch_decodes(replica, request) ||
            (batch_n_running(replica) > 0 && all >= room->tokens) ||
            !batch_admit(replica, request, 1, 0, now_ns)) {
            return;
        }
        room->tokens -= all;
    }
}

static void plan_step(struct replica *replica, bool grouped, int64_t now_ns)
{
    const struct pool_scheduler *settings = batch_settings(replica);
    int64_t block_tokens = batch_block_tokens(replica);
    int64_t chunk = settings->chunked_prefill_size;
    struct room room = {
        .tokens = batch_free_blocks(replica) * block_tokens,
        .input = batch_limits(replica)->max_num_batched_tokens,
        .chunk = chunk == 0             ? unlimited
                 : chunk > block_tokens ? chunk
                                        : block_tokens,
    };
    decay(replica);
    plan_prompts(replica, grouped, &room, now_ns);
    if (!room.has_begun) {
        retract(replica, grouped, now_ns);
        give_tokens(replica, grouped, now_ns);
        if (batch_n_preempted(replica) == 0) {
            admit_decodes(replica, &room, now_ns);
        }
    } else if (settings->enable_mixed_chunk) {
        batch_walk_know(replica);
        give_tokens(replica, grouped, now_ns);
    }
}

static void plan(struct replica *replica, int64_t now_ns)
{
    plan_step(replica, false, now_ns);
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    plan_step(replica, true, now_ns);
}

/* First come, first served; in other orders a newcomer may be the first. */
static bool newcomer_waits(const struct replica *replica)
{
    return (batch_first_waiting(replica) != NULL && batch_is_fcfs(replica)) ||
           batch_n_running(replica) >= batch_limits(replica)->max_num_seqs;
}

/* Of what is kept for outputs, a little is set free by every step: the ratio sinks, and
 * every request that runs has one token less to come.  The first plan is looked for at
 * which that, were no blocks taken meanwhile, is enough for the first of the waiting. */
static int64_t steps_left(const struct replica *replica)
{
    if (!has_place(replica)) {
        return INT64_MAX;
    }
    int64_t lacking = asked(replica, batch_first_waiting(replica)) -
                      batch_free_blocks(replica) * batch_block_tokens(replica);
    if (lacking >= 0) {
        return INT64_MAX; /* more than is free */
    }
    int64_t outputs =
        batch_serve_to_come(replica, batch_settings(replica)->clip_max_new_tokens);
    int64_t n = batch_n_grouped(replica);
    int64_t low = 1;
    int64_t high = outputs / n + 1; /* nothing is to come any more */
    while (low < high) {
        int64_t steps = (low + high) / 2;
        int64_t left = outputs > n * steps ? outputs - n * steps : 0;
        bool is_enough = (wide)left * ratio_after(replica, steps) / one < -lacking;
        low = is_enough ? low : steps + 1;
        high = is_enough ? steps : high;
    }
    return low;
}

const struct batch_ops batching_sglang = {
    .name = "sglang",
    .help = "SGLang: prompts before decodes, memory kept for part of outputs to come",
    .state_size = sizeof(struct state),
    .plan = plan,
    .plan_grouped = plan_grouped,
    .newcomer_waits = newcomer_waits,
    .steps_left = steps_left,
    .unbudgeted = true,
    .own_victims = true,
    .wants_spare = true,
    .prompts_first = true,
};
