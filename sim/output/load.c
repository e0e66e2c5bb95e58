#include "output/load.h"

#include "output/summary.h"

/* Of a step, what is drafted in it included. */
static double price_s(const struct pool *pool, const struct step_counts *counts,
                      const struct speculative_passes *passes)
{
    struct step_price price;
    cost_price(&pool->cost, counts, &price);
    if (pool->config->speculative.method != SPECULATIVE_NONE) {
        speculative_price(&pool->speculative, passes, counts->draft_tokens, &price);
    }
    double fs = 0;
    for (int i = 0; i < N_BOUNDS; i++) {
        fs += (double)price.fs[i];
    }
    return fs * 1e-15;
}

/* As many decodes as that, all alike. */
static struct step_counts times(const struct step_counts *one, int64_t n)
{
    return (struct step_counts){
        .n_decodes = n * one->n_decodes,
        .decode_context = n * one->decode_context,
        .decode_window = n * one->decode_window,
        .n_emitting = n * one->n_emitting,
        .draft_tokens = n * one->draft_tokens,
        .draft_pairs = n * one->draft_pairs,
        .draft_window_pairs = n * one->draft_window_pairs,
    };
}

/* The largest batch of such requests: each holds its prompt and on average half of its
 * output, and takes one token of the budget. */
static int64_t largest_batch(const struct pool *pool, double prompt, double output)
{
    const struct pool_scheduler *scheduler = &pool->config->scheduler;
    double blocks = (prompt + output / 2) / (double)pool->config->block_tokens + 0.5;
    double by_memory = (double)pool->usable_blocks / blocks;
    int64_t most = scheduler->max_num_seqs < scheduler->max_num_batched_tokens
                       ? scheduler->max_num_seqs
                       : scheduler->max_num_batched_tokens;
    int64_t batch = by_memory < (double)most ? (int64_t)by_memory : most;
    return batch > 1 ? batch : 1;
}

/* With so many tokens drafted per sequence and step. */
static double capacity_rps(const struct pool *pool, double prompt, double output,
                           int64_t n_drafts)
{
    const struct speculative *speculative = &pool->speculative;
    int64_t batch = largest_batch(pool, prompt, output);
    double context = (prompt + output / 2) * (double)batch;
    int64_t before = (int64_t)(prompt + output / 2) - 1;
    struct speculative_passes passes = {0};
    struct step_counts one = {0};
    cost_count_decode(&pool->cost, &one, before, 1 + n_drafts);
    struct step_counts decodes = times(&one, batch);
    decodes.decode_context = (int64_t)context + batch * n_drafts;
    double per_step = 1;
    if (n_drafts > 0) {
        speculative_add_decode(speculative, &passes, before, n_drafts);
        for (int64_t i = 0; i < passes.n; i++) {
            passes.of[i] = times(&passes.of[i], batch);
        }
        per_step = (double)speculative_expected_nano(speculative, -1, n_drafts) * 1e-9;
    }
    double decode_s = price_s(pool, &decodes, &passes);
    struct step_counts mixed = decodes;
    int64_t chunk = (int64_t)(prompt + 0.5);
    if (output < 1.5 &&
        batch == 1) { /* nothing decodes: a request is one prefill step */
        mixed = (struct step_counts){0};
        passes = (struct speculative_passes){0};
        decode_s = 0;
    }
    cost_count_chunk(&pool->cost, &mixed, 0, chunk);
    mixed.n_emitting++;
    speculative_add_chunk(speculative, &passes, 0, chunk);
    double prefill_s = price_s(pool, &mixed, &passes) - decode_s;
    double answer_s = (output - 1) * decode_s / ((double)batch * per_step);
    int64_t role = pool->config->role;
    double request_s =
        (role == POOL_PREFILL ? 0 : answer_s) + (role == POOL_DECODE ? 0 : prefill_s);
    return request_s > 0 ? 1 / request_s : 0;
}

double load_capacity_rps(const struct pool *pool, double prompt, double output)
{
    const struct speculative_config *config = &pool->config->speculative;
    int64_t most = config->method != SPECULATIVE_NONE ? config->n_tokens : 0;
    double best = capacity_rps(pool, prompt, output, most);
    for (int64_t k = 0; config->adaptive && k < most; k++) {
        double rps = capacity_rps(pool, prompt, output, k);
        best = rps > best ? rps : best;
    }
    return best;
}

double load_fleet_rps(const struct pool *pools, int32_t n_pools, double prompt,
                      double output)
{
    double by_role[] = {[POOL_BOTH] = 0, [POOL_PREFILL] = 0, [POOL_DECODE] = 0};
    for (int32_t i = 0; i < n_pools; i++) {
        const struct pool *pool = &pools[i];
        by_role[pool->config->role] += load_capacity_rps(pool, prompt, output) *
                                       (double)pool_n_schedulers(pool->config);
    }
    double prefill = by_role[POOL_PREFILL];
    double decode = by_role[POOL_DECODE];
    return by_role[POOL_BOTH] + (prefill < decode ? prefill : decode);
}

/* Names of the rows, so that the list of metrics is always the same. */
static void put_unknown(struct metrics *metrics)
{
    metrics_text(metrics, "offered_rate", "", "req/s");
    metrics_text(metrics, "estimated_capacity", "", "req/s");
    metrics_text(metrics, "estimated_load", "", "");
    metrics_text(metrics, "queue_growth", "", "s/s");
    metrics_text(metrics, "load_verdict", "too few requests to tell", "");
}

void load_metrics(const struct summary *summary, const struct sim *sim,
                  struct metrics *metrics)
{
    const int64_t *n = summary->n_by_status;
    int64_t given_up = n[REQUEST_TIMED_OUT] + n[REQUEST_SHED];
    int64_t accepted = n[REQUEST_COMPLETED] + given_up;
    int64_t offered_requests = accepted + n[REQUEST_REJECTED];
    double span_s =
        (double)(summary->last_arrival_ns - summary->first_arrival_ns) * 1e-9;
    if (n[REQUEST_COMPLETED] < 2 || span_s <= 0) {
        put_unknown(metrics);
        return;
    }
    double offered = (double)(offered_requests - 1) / span_s;
    double prompt = (double)summary->wanted_prompt_tokens / (double)accepted;
    double output = (double)summary->wanted_output_tokens / (double)accepted;
    double capacity =
        load_fleet_rps(sim->config->pools, sim->config->n_pools, prompt, output);
    double load = capacity > 0 ? offered / capacity : 0;
    double growth = summary_queue_growth(summary);
    bool grows = growth > 0.01 && growth * span_s > 1;
    bool loses = load > 1 && given_up * 100 > offered_requests;
    metrics_real(metrics, "offered_rate", offered, 6, "req/s");
    metrics_real(metrics, "estimated_capacity", capacity, 6, "req/s");
    metrics_real(metrics, "estimated_load", load, 6, "");
    metrics_real(metrics, "queue_growth", growth, 6, "s/s");
    metrics_text(metrics, "load_verdict", grows || loses ? "overloaded" : "stable", "");
}
