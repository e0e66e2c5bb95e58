#include "output/load.h"

#include "output/summary.h"

static double price_s(const struct cost *cost, const struct step_counts *counts)
{
    struct step_price price;
    cost_price(cost, counts, &price);
    double fs = 0;
    for (int i = 0; i < N_BOUNDS; i++) {
        fs += (double)price.fs[i];
    }
    return fs * 1e-15;
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

double load_capacity_rps(const struct pool *pool, double prompt, double output)
{
    int64_t batch = largest_batch(pool, prompt, output);
    double context = (prompt + output / 2) * (double)batch;
    int64_t in_window = cost_in_window(&pool->cost, (int64_t)(prompt + output / 2));
    struct step_counts decodes = {
        .n_decodes = batch,
        .decode_context = (int64_t)context,
        .decode_window = batch * in_window,
        .n_emitting = batch,
    };
    double decode_s = price_s(&pool->cost, &decodes);
    struct step_counts mixed = decodes;
    cost_count_chunk(&pool->cost, &mixed, 0, (int64_t)(prompt + 0.5));
    mixed.n_emitting++;
    if (output < 1.5 &&
        batch == 1) { /* nothing decodes: a request is one prefill step */
        mixed.n_decodes = 0;
        mixed.decode_context = 0;
        mixed.decode_window = 0;
        mixed.n_emitting = 1;
        decode_s = 0;
    }
    double prefill_s = price_s(&pool->cost, &mixed) - decode_s;
    double request_s = (output - 1) * decode_s / (double)batch + prefill_s;
    return request_s > 0 ? 1 / request_s : 0;
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
    double capacity = 0;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        const struct pool *pool = &sim->config->pools[i];
        capacity +=
            load_capacity_rps(pool, prompt, output) * (double)pool->config->n_replicas;
    }
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
