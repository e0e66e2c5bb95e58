/* Sarathi-Serve: no decode ever waits; prompts fill what decodes leave of the budget.
 *
 * Mirrors sarathi_scheduler.py of Sarathi-Serve (Agrawal et al., OSDI 2024): all who decode
 * get their token, even beyond the budget; then prompts that were begun, in order of
 * admission, as much as is left, or nothing; then waiting requests as long as some of the
 * budget is left and blocks for all they lack are free, which they hold from then on, in
 * steps that preempted, too.  With `chunk_stages` the budget depends on whose turn it is:
 * the later the part of a prompt, the smaller, for later parts attend to more.
 *
 * Where that leaves room: the stage goes by tokens computed or found in the cache over
 * max_model_len; its size stands instead of max_num_batched_tokens.  A decode that has to
 * give way itself ends the serving of decodes, a prompt that of prompts: only one that was
 * swapped out can, for it came back with the blocks of one chunk.
 */
#include "policy/policy.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Chunks of 32 tokens and more are multiples of 32. */
enum { TILE_TOKENS = 32 };

/* The budget of a step when a prompt of which that much is computed has its turn. */
static int64_t chunk_tokens(const struct replica *replica, int64_t computed)
{
    const struct pool_scheduler *settings = batch_settings(replica);
    int64_t last = settings->chunk_stages - 1;
    if (last == 0) {
        return settings->max_num_batched_tokens;
    }
    int64_t stage_tokens = (batch_most_tokens(replica) + last) / (last + 1);
    int64_t stage = least(last, computed / stage_tokens);
    int64_t range = settings->chunk_high - settings->chunk_low;
    int64_t tokens = settings->chunk_low + range * (last - stage) / last;
    if (settings->chunk_low < TILE_TOKENS) {
        return tokens;
    }
    int64_t tiles = tokens / TILE_TOKENS;
    int64_t rest = tokens % TILE_TOKENS;
    bool up = rest > TILE_TOKENS / 2 || (rest == TILE_TOKENS / 2 && tiles % 2 == 1);
    return (tiles + up) * TILE_TOKENS; /* halves to even, as numpy's round() has it */
}

/* Tokens that the step may still give to the request's prompt. */
static int64_t room(const struct replica *replica, const struct request *request)
{
    int64_t computed = request->prompt_tokens + batch_n_emitted(replica, request) -
                       batch_missing(replica, request);
    int64_t left = chunk_tokens(replica, computed) - batch_spent(replica);
    return left > 0 ? left : 0;
}

static int64_t wanted(const struct replica *replica, const struct request *request)
{
    return least(batch_missing(replica, request), room(replica, request));
}

/* Gives a running request what it wants if it is a prompt; false if it gave way. */
static bool serve_prompt(struct replica *replica, struct request *request,
                         int64_t now_ns)
{
    if (batch_decodes(replica, request)) {
        return true;
    }
    int64_t tokens = wanted(replica, request);
    return tokens == 0 || batch_serve_one(replica, request, tokens, now_ns);
}

static void prompts_each(struct replica *replica, int64_t now_ns)
{
    struct request *request = batch_first_running(replica);
    while (request != NULL && serve_prompt(replica, request, now_ns)) {
        request = batch_next(request);
    }
}

/* Victims leave the partials, before or behind the one who asked. */
static void prompts_grouped(struct replica *replica, int64_t now_ns)
{
    for (int64_t i = 0; i < batch_n_partial(replica); i++) {
        struct request *request = batch_partial(replica, i);
        if (!serve_prompt(replica, request, now_ns)) {
            return;
        }
        i = least(i, batch_n_partial(replica) - 1);
        while (batch_partial(replica, i) != request) {
            i--;
        }
    }
}

static void admit(struct replica *replica, int64_t now_ns)
{
    struct request *request;
    while (batch_n_running(replica) < batch_limits(replica)->max_num_seqs &&
           (request = batch_first_waiting(replica)) != NULL) {
        int64_t tokens = wanted(replica, request);
        int64_t whole = batch_missing(replica, request);
        if (tokens == 0 || !batch_admit(replica, request, tokens, whole, now_ns)) {
            return;
        }
    }
}

static void plan(struct replica *replica, int64_t now_ns)
{
    batch_serve_yield(replica, now_ns);
    batch_serve_decodes_each(replica, now_ns);
    prompts_each(replica, now_ns);
    if (batch_serve_swapped(replica, now_ns)) {
        admit(replica, now_ns);
    }
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    batch_serve_yield(replica, now_ns);
    batch_serve_decodes_grouped(replica, now_ns);
    prompts_grouped(replica, now_ns);
    if (batch_serve_swapped(replica, now_ns)) {
        admit(replica, now_ns);
    }
}

/* As with batching_unified.c; but with stages a newcomer may have more room than others. */
static bool newcomer_waits(const struct replica *replica)
{
    const struct batch_limits *limits = batch_limits(replica);
    const struct pool_scheduler *settings = batch_settings(replica);
    if (settings->preemptive_order) {
        return false;
    }
    return (batch_first_waiting(replica) != NULL && batch_is_fcfs(replica)) ||
           batch_n_running(replica) >= limits->max_num_seqs ||
           (settings->chunk_stages == 1 &&
            batch_n_grouped(replica) >= limits->max_num_batched_tokens);
}

const struct batch_ops batching_sarathi = {
    .name = "sarathi",
    .help = "Sarathi-Serve: every decode in every step, prompt chunks fill its budget",
    .plan = plan,
    .plan_grouped = plan_grouped,
    .newcomer_waits = newcomer_waits,
    .room = room,
    .unbudgeted = true, /* by the engine: room() bounds what is added to the decodes */
};
