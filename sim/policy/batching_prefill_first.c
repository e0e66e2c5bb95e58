/* vLLM v0: a step is either prefill or decode, and prefill goes first.
 *
 * Mirrors vllm/core/scheduler.py at upstream commit 0054e1fa.  Whole prompts
 * (enable_chunked_prefill = no): waiting requests come in, in the queue's order, as long as
 * tokens, sequences and blocks of all they lack fit, the watermark staying free, and the
 * step is theirs alone; if nobody comes in, all who run decode, and then swapped ones come
 * back.  With chunks those who run go first, and newcomers share what is left of the budget,
 * in steps that preempted, too; they hold the blocks of their whole prompt from their first
 * chunk on.  Whole prompts wait while somebody is swapped out; chunks do not.
 *
 * Where that leaves room: `delay_factor` and `decode_iterations` (LightLLM's
 * max_waiting_iters) are for whole prompts; a step held a prompt if it computed more than
 * next tokens; whose prompt is all in the cache comes in like a prompt but decodes, and the
 * others who decode stand still; running requests are served in order of admission;
 * preemption by order comes before all else, where v0 has it only in steps without prompts.
 */
#include "policy/policy.h"

#include "base/wide.h"

struct prefill_first {
    int64_t prompts_ended_at; /* steps run when the last one with prompts had ended */
    int64_t last_prompts_ns;  /* how long that one took */
    int64_t held_until_ns;    /* prompts are, by the delay; INT64_MAX: they are not */
    bool had_prompts;         /* the step planned last */
    bool was_idle;            /* nobody ran when this plan began */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool chunks(const struct replica *replica)
{
    return batch_settings(replica)->enable_chunked_prefill != 0;
}

static void begin(struct replica *replica)
{
    struct prefill_first *state = batch_state(replica);
    if (state->had_prompts) {
        state->last_prompts_ns = batch_last_step_ns(replica);
        state->had_prompts = false;
    }
    state->held_until_ns = INT64_MAX;
    state->was_idle = batch_n_running(replica) == 0;
}

static void end(struct replica *replica)
{
    struct prefill_first *state = batch_state(replica);
    if (batch_n_prefills(replica) > 0) {
        state->had_prompts = true;
        state->prompts_ended_at = batch_n_steps(replica) + 1;
    }
}

/* Steps from the next one on in which prompts are not looked at. */
static int64_t iterations_left(const struct replica *replica)
{
    const struct prefill_first *state = batch_state(replica);
    int64_t since = batch_n_steps(replica) - state->prompts_ended_at;
    int64_t left = batch_settings(replica)->decode_iterations - since;
    return left > 0 ? left : 0;
}

/* Whether the oldest has not waited for long enough. */
static bool is_held(const struct replica *replica, int64_t now_ns)
{
    struct prefill_first *state = batch_state(replica);
    int64_t factor_nano = batch_settings(replica)->delay_factor_nano;
    if (factor_nano == 0 || state->was_idle) {
        return false;
    }
    wide wait_ns = wide_div((wide)factor_nano * state->last_prompts_ns, 1000000000);
    wide until_ns = batch_walk_oldest_ns(replica) + wait_ns + 1;
    if (now_ns >= until_ns) {
        return false;
    }
    state->held_until_ns = until_ns < INT64_MAX ? (int64_t)until_ns : INT64_MAX;
    return true;
}

/* Tokens of those it lacks for which a newcomer takes blocks. */
static int64_t room_of(const struct replica *replica, const struct request *request)
{
    return batch_settings(replica)->preempt == POOL_NONE
               ? batch_room(replica, request)
               : batch_missing(replica, request);
}

/* Tokens that the first of the waiting gets in this step; 0: it does not come in. */
static int64_t admissible(struct replica *replica, const struct request *request,
                          int64_t now_ns)
{
    int64_t tokens = batch_missing(replica, request);
    if (chunks(replica)) {
        tokens = least(batch_serve_wanted(replica, request), batch_budget(replica));
    } else if (is_held(replica, now_ns) || tokens > batch_budget(replica)) {
        return 0;
    }
    int64_t n_blocks = batch_new_blocks(replica, request, room_of(replica, request));
    bool fits = n_blocks + batch_watermark(replica) <= batch_free_blocks(replica);
    return fits && batch_serve_foresees(replica, request) ? tokens : 0;
}

/* A newcomer decodes in a step without the others. */
static void stand_still(struct replica *replica, int64_t now_ns)
{
    struct request *request = batch_first_running(replica);
    for (; request != NULL; request = batch_next(request)) {
        batch_leave_out(replica, request, now_ns);
    }
    batch_grant_group(replica); /* of nobody */
}

/* Whether anybody came in. */
static bool admit(struct replica *replica, int64_t now_ns)
{
    bool any = false;
    bool stands = chunks(replica);
    struct request *request;
    while (batch_n_running(replica) < batch_limits(replica)->max_num_seqs &&
           (request = batch_first_waiting(replica)) != NULL) {
        int64_t tokens = admissible(replica, request, now_ns);
        if (tokens < 1) {
            break;
        }
        if (!stands && batch_decodes(replica, request)) {
            stand_still(replica, now_ns);
            stands = true;
        }
        batch_admit(replica, request, tokens, room_of(replica, request), now_ns);
        any = true;
    }
    return any;
}

/* Prompts, if it is their turn; whether there were any. */
static bool admit_prompts(struct replica *replica, int64_t now_ns)
{
    bool is_turn = batch_n_running(replica) == 0 || iterations_left(replica) == 0;
    return is_turn && batch_n_swapped(replica) == 0 && admit(replica, now_ns);
}

/* Where somebody behind whom others stand gave way for want of blocks, and others came in,
 * more may run than the budget is for: those whom it does not reach stand still. */
static void leave_out_beyond_budget(struct replica *replica, int64_t now_ns)
{
    int64_t budget = batch_budget(replica);
    struct request *request = batch_first_running(replica);
    for (; request != NULL; request = batch_next(request)) {
        if (budget == 0) {
            batch_leave_out(replica, request, now_ns);
        }
        budget -= least(batch_serve_wanted(replica, request), budget);
    }
}

/* Whether the budget reaches all but the last, whom it may cut. */
static bool reaches_all(const struct replica *replica)
{
    int64_t rest = batch_budget(replica) - batch_n_grouped(replica);
    for (int64_t i = 0; i < batch_n_partial(replica); i++) {
        const struct request *request = batch_partial(replica, i);
        bool is_last = request == batch_last_running(replica);
        rest -= is_last ? 0 : batch_serve_wanted(replica, request);
    }
    return rest >= 0;
}

static void plan(struct replica *replica, int64_t now_ns)
{
    begin(replica);
    batch_serve_yield(replica, now_ns);
    if (chunks(replica)) {
        leave_out_beyond_budget(replica, now_ns);
        batch_serve_each(replica, now_ns);
        batch_serve_swapped(replica, now_ns);
        admit(replica, now_ns);
    } else if (!admit_prompts(replica, now_ns)) {
        batch_serve_decodes_each(replica, now_ns);
        batch_serve_swapped(replica, now_ns);
    }
    end(replica);
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    begin(replica);
    batch_serve_yield(replica, now_ns);
    if (chunks(replica)) {
        if (!reaches_all(replica)) {
            leave_out_beyond_budget(replica, now_ns);
        }
        batch_serve_grouped(replica, now_ns);
        batch_serve_swapped(replica, now_ns);
        admit(replica, now_ns);
    } else if (!admit_prompts(replica, now_ns)) {
        batch_serve_decodes_grouped(replica, now_ns);
        batch_serve_swapped(replica, now_ns);
    }
    end(replica);
}

/* As with batching_unified.c. */
static bool newcomer_waits(const struct replica *replica)
{
    const struct batch_limits *limits = batch_limits(replica);
    if (batch_settings(replica)->preemptive_order) {
        return false;
    }
    return (batch_first_waiting(replica) != NULL && batch_is_fcfs(replica)) ||
           batch_n_running(replica) >= limits->max_num_seqs ||
           (chunks(replica) &&
            batch_n_grouped(replica) >= limits->max_num_batched_tokens);
}

static int64_t steps_left(const struct replica *replica)
{
    int64_t left = iterations_left(replica);
    bool holds = !chunks(replica) && batch_first_waiting(replica) != NULL && left > 0;
    return holds ? left : INT64_MAX;
}

static int64_t changes_at(const struct replica *replica)
{
    const struct prefill_first *state = batch_state(replica);
    return state->held_until_ns;
}

const struct batch_ops batching_prefill_first = {
    .name = "prefill_first",
    .help =
        "vLLM v0: prompts before decodes, never both in one step; or in chunks beside "
        "them",
    .state_size = sizeof(struct prefill_first),
    .plan = plan,
    .plan_grouped = plan_grouped,
    .newcomer_waits = newcomer_waits,
    .steps_left = steps_left,
    .changes_at = changes_at,
    .decodes_beyond_budget = true,
    .whole_prompts = true,
    .chunks = true,
};
