#include "study/bound_sums.h"

#include <math.h>

#include "policy/policy.h"

static double greater(double a, double b)
{
    return a > b ? a : b;
}

/* 1 + 2 + ... + n. */
static double sum_to(double n)
{
    return n * (n + 1) / 2;
}

/* Of min(c, window) over the contexts c = 1 ... n. */
static double windows_to(int64_t n, int64_t window)
{
    return n <= window ? sum_to((double)n)
                       : sum_to((double)window) + (double)(n - window) * (double)window;
}

/* Of the blocks of c tokens, over c = 1 ... n. */
static double blocks_to(int64_t n, int64_t block)
{
    int64_t full = n / block;
    return sum_to((double)full) * (double)block +
           (double)(n % block) * (double)(full + 1);
}

/* Sarathi's budget bounds prompts, if not decodes; what a stage's is, the stage decides. */
static bool bounds_prompts(const struct pool_scheduler *scheduler,
                           const struct batch_ops *ops)
{
    return !ops->unbudgeted ||
           (ops == &batching_sarathi && scheduler->chunk_stages <= 1);
}

struct bound_limits bound_sums_limits(const struct pool *pool)
{
    const struct pool_config *config = pool->config;
    const struct pool_scheduler *scheduler = &config->scheduler;
    const struct batch_ops *ops = policy_batching(scheduler->batching);
    double n_ranks = (double)layout_ranks(&config->layout);
    double budget = (double)scheduler->max_num_batched_tokens * n_ranks;
    bool all = !ops->unbudgeted && !ops->decodes_beyond_budget;
    bool drafts = config->speculative.method != SPECULATIVE_NONE;
    return (struct bound_limits){
        .n_ranks = n_ranks,
        .sequences = (double)scheduler->max_num_seqs * n_ranks,
        .prompt_tokens = bounds_prompts(scheduler, ops) ? budget : INFINITY,
        .tokens = all ? budget : INFINITY,
        .blocks = (double)pool->usable_blocks * n_ranks,
        .emitted = drafts ? 1 + (double)config->speculative.n_tokens : 1,
        .block_tokens = config->block_tokens,
        .window_tokens = pool->cost.window_tokens,
        .prompts = config->role != POOL_DECODE,
        .outputs = config->role != POOL_PREFILL,
        .caches = scheduler->enable_prefix_caching != 0,
    };
}

static void add_prompt(struct bound_sums *sums, const struct bound_limits *limits,
                       const struct bound_length *length, bool shares)
{
    double n = (double)length->n;
    double prompt = (double)length->prompt_tokens;
    double computed = shares ? 1 : prompt;
    double chunks = ceil(computed / (limits->prompt_tokens / limits->n_ranks));
    chunks = greater(chunks, 1);
    sums->n_chunks += n * chunks;
    sums->sequences += n * chunks;
    sums->tokens += n * computed;
    sums->prefill_tokens += n * computed;
    sums->prefill_pairs += n * (shares ? prompt : sum_to(prompt));
    sums->prefill_context += n * prompt;
    sums->emitted += n;
    if (!shares) {
        sums->blocks += n * ceil(prompt / (double)limits->block_tokens);
    }
    if (limits->window_tokens > 0) {
        double window = (double)limits->window_tokens;
        double seen = prompt < window ? prompt : window;
        sums->window_pairs +=
            n *
            (shares ? seen : windows_to(length->prompt_tokens, limits->window_tokens));
        sums->window_context += n * (shares ? seen : prompt);
    }
}

static void add_output(struct bound_sums *sums, const struct bound_limits *limits,
                       const struct bound_length *length, bool shares)
{
    double n = (double)length->n;
    int64_t from = length->prompt_tokens;
    int64_t to = from + length->output_tokens - 1;
    double tokens = (double)(to - from);
    double decodes = tokens / limits->emitted;
    double context = sum_to((double)to) - sum_to((double)from);
    if (tokens < 1) {
        return;
    }
    sums->decodes += n * decodes;
    sums->sequences += n * decodes;
    sums->tokens += n * tokens;
    sums->emitted += n * tokens;
    sums->decode_pairs += n * context;
    sums->decode_context += n * context / limits->emitted;
    if (!shares) {
        double blocks =
            blocks_to(to, limits->block_tokens) - blocks_to(from, limits->block_tokens);
        sums->blocks += n * blocks / limits->emitted;
    }
    if (limits->window_tokens > 0) {
        double seen = windows_to(to, limits->window_tokens) -
                      windows_to(from, limits->window_tokens);
        sums->decode_window_pairs += n * seen;
        sums->decode_window += n * seen / limits->emitted;
    }
    if (sums->least_context <= 0 || (double)(from + 1) < sums->least_context) {
        sums->least_context = (double)(from + 1);
    }
}

void bound_sums_add(struct bound_sums *sums, const struct bound_limits *limits,
                    const struct bound_length *length)
{
    bool shares = length->shares && limits->caches;
    sums->shares = sums->shares || shares;
    if (limits->prompts) {
        add_prompt(sums, limits, length, shares);
    }
    if (limits->outputs) {
        add_output(sums, limits, length, shares);
    }
    sums->shared_tokens = sums->tokens;
}

void bound_sums_close(struct bound_sums *sums, const struct bound_limits *limits)
{
    /* each token comes out of a step; a chunk before the last of its prompt emits none */
    double emitting = sums->decodes + (sums->emitted - sums->decodes * limits->emitted);
    sums->emitting_steps =
        greater(emitting / limits->sequences, sums->blocks / limits->blocks);
    sums->prefill_steps = greater(sums->prefill_tokens / limits->prompt_tokens,
                                  sums->n_chunks / limits->sequences);
    sums->steps = greater(
        greater(sums->emitting_steps, sums->prefill_steps),
        greater(sums->sequences / limits->sequences, sums->tokens / limits->tokens));
}

static void times(struct bound_sums *sums, double n)
{
    sums->tokens *= n;
    sums->emitted *= n;
    sums->decodes *= n;
    sums->sequences *= n;
    sums->decode_pairs *= n;
    sums->decode_context *= n;
    sums->decode_window_pairs *= n;
    sums->decode_window *= n;
    sums->prefill_tokens *= n;
    sums->prefill_pairs *= n;
    sums->prefill_context *= n;
    sums->window_pairs *= n;
    sums->window_context *= n;
}

void bound_sums_prompt(struct bound_sums *sums, const struct bound_limits *limits,
                       const struct bound_length *length)
{
    *sums = (struct bound_sums){.steps = 0};
    bool shares = length->shares && limits->caches;
    if (!limits->prompts) {
        return;
    }
    struct bound_length one = {length->prompt_tokens, length->output_tokens, 1, shares};
    sums->shares = shares;
    add_prompt(sums, limits, &one, shares);
    sums->shared_tokens = sums->tokens;
    sums->steps = sums->prefill_steps = sums->n_chunks;
    sums->emitting_steps = 1;
    times(sums, limits->n_ranks);
}

void bound_sums_output(struct bound_sums *sums, const struct bound_limits *limits,
                       const struct bound_length *length)
{
    *sums = (struct bound_sums){.steps = 0};
    bool shares = length->shares && limits->caches;
    if (!limits->outputs || length->output_tokens < 2) {
        return;
    }
    struct bound_length one = {length->prompt_tokens, length->output_tokens, 1, shares};
    sums->shares = shares;
    add_output(sums, limits, &one, shares);
    sums->shared_tokens = sums->tokens;
    sums->steps = sums->emitting_steps = ceil(sums->decodes);
    times(sums, limits->n_ranks);
}
