#include "output/summary.h"

#include <math.h>

#include "output/adapters.h"
#include "output/load.h"
#include "output/outage.h"
#include "output/summary_transfers.h"

enum { SCHEMA_VERSION = 1 };

void summary_init(struct summary *summary, const struct slo *slo)
{
    *summary = (struct summary){.slo = *slo, .first_arrival_ns = INT64_MAX};
    quantiles_init(&summary->ttft, QUANTILES_MOST_EXACT);
    quantiles_init(&summary->tpot, QUANTILES_MOST_EXACT);
    quantiles_init(&summary->e2e, QUANTILES_MOST_EXACT);
    quantiles_init(&summary->queue, QUANTILES_MOST_EXACT);
    quantiles_init(&summary->ttfat, QUANTILES_MOST_EXACT);
}

void summary_free(struct summary *summary)
{
    quantiles_free(&summary->ttft);
    quantiles_free(&summary->tpot);
    quantiles_free(&summary->e2e);
    quantiles_free(&summary->queue);
    quantiles_free(&summary->ttfat);
}

/* Until somebody reasons everybody's first token is the first of the answer, too. */
static void add_answer(struct summary *summary, const struct probe_record *record)
{
    if (summary->reasoning_tokens == 0 && record->reasoning_tokens > 0) {
        quantiles_free(&summary->ttfat);
        quantiles_copy(&summary->ttfat, &summary->ttft);
    }
    summary->reasoning_tokens += record->reasoning_tokens;
    if (summary->reasoning_tokens > 0) {
        quantiles_add(&summary->ttfat, record->first_answer_ns - record->arrival_ns);
    }
}

/* Whole milliseconds after some request: products of a million fit, and which one it was,
 * of several that left at once, changes nothing in summary_queue_growth(). */
static void add_queue_point(struct summary *summary, const struct probe_record *record)
{
    if (summary->n_by_status[REQUEST_COMPLETED] == 1) {
        summary->origin_ns = record->arrival_ns;
    }
    wide x = record->arrival_ns / 1000000 - summary->origin_ns / 1000000;
    wide y = (record->queue_ns + record->transfer_ns) / 1000000;
    summary->sum_x += x;
    summary->sum_y += y;
    summary->sum_xx += x * x;
    summary->sum_xy += x * y;
}

static void add_completed(struct summary *summary, const struct probe_record *record,
                          bool met)
{
    int64_t ttft_ns = record->first_token_ns - record->arrival_ns;
    int64_t e2e_ns = record->finish_ns - record->arrival_ns;
    summary->prompt_tokens += record->prompt_tokens;
    summary->cached_tokens += record->cached_tokens;
    summary->output_tokens += record->output_tokens;
    add_answer(summary, record); /* before ttft has it */
    quantiles_add(&summary->ttft, ttft_ns);
    quantiles_add(&summary->e2e, e2e_ns);
    quantiles_add(&summary->queue, record->queue_ns);
    if (record->output_tokens > 1) {
        int64_t n_gaps = record->output_tokens - 1;
        quantiles_add(&summary->tpot, (2 * (e2e_ns - ttft_ns) + n_gaps) / (2 * n_gaps));
    }
    add_queue_point(summary, record);
    summary->n_met += met;
}

void summary_add(struct summary *summary, const struct probe_record *record, bool met)
{
    if (!record->counted) {
        return;
    }
    summary->n_by_status[record->status]++;
    if (record->status != REQUEST_REJECTED) {
        summary->wanted_prompt_tokens += record->prompt_tokens;
        summary->wanted_output_tokens += record->output_tokens;
    }
    if (record->arrival_ns < summary->first_arrival_ns) {
        summary->first_arrival_ns = record->arrival_ns;
    }
    if (record->arrival_ns > summary->last_arrival_ns) {
        summary->last_arrival_ns = record->arrival_ns;
    }
    if (record->finish_ns > summary->last_finish_ns) {
        summary->last_finish_ns = record->finish_ns;
    }
    if (record->status == REQUEST_COMPLETED) {
        add_completed(summary, record, met);
    }
}

double summary_queue_growth(const struct summary *summary)
{
    wide n = summary->n_by_status[REQUEST_COMPLETED];
    wide xx = n * summary->sum_xx - summary->sum_x * summary->sum_x;
    wide xy = n * summary->sum_xy - summary->sum_x * summary->sum_y;
    return xx > 0 ? (double)xy / (double)xx : 0;
}

struct names {
    const char *mean;
    const char *median;
    const char *deviation;
    const char *p90;
    const char *p95;
    const char *p99;
    const char *most;
};

#define NAMES(of)                                                               \
    {                                                                           \
        "mean_" of "_ms", "median_" of "_ms", "std_" of "_ms", "p90_" of "_ms", \
            "p95_" of "_ms", "p99_" of "_ms", "max_" of "_ms"                   \
    }

static void put_ms(struct metrics *metrics, const char *name, int64_t ns)
{
    metrics_ratio(metrics, name, ns, 1000000, 6, "ms");
}

static void put_latency(struct metrics *metrics, const struct names *names,
                        struct quantiles *quantiles)
{
    if (quantiles->n == 0) {
        const char *const all[] = {names->mean, names->median, names->deviation,
                                   names->p90,  names->p95,    names->p99,
                                   names->most};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            metrics_text(metrics, all[i], "", "ms");
        }
        return;
    }
    metrics_ratio(metrics, names->mean, quantiles->sum, (wide)quantiles->n * 1000000, 6,
                  "ms");
    put_ms(metrics, names->median, quantiles_at(quantiles, 50, 100));
    double deviation_ns = quantiles_deviation(quantiles);
    if (deviation_ns < 0) {
        metrics_text(metrics, names->deviation, "", "ms");
    } else {
        metrics_real(metrics, names->deviation, deviation_ns / 1e6, 6, "ms");
    }
    put_ms(metrics, names->p90, quantiles_at(quantiles, 90, 100));
    put_ms(metrics, names->p95, quantiles_at(quantiles, 95, 100));
    put_ms(metrics, names->p99, quantiles_at(quantiles, 99, 100));
    put_ms(metrics, names->most, quantiles->most);
}

/* How long answers take to begin, if anybody reasons before. */
static void put_answers(struct metrics *metrics, struct summary *summary)
{
    static const struct names ttfat = NAMES("ttfat");
    if (summary->reasoning_tokens > 0) {
        metrics_integer(metrics, "total_reasoning_tokens", summary->reasoning_tokens,
                        "tokens");
        put_latency(metrics, &ttfat, &summary->ttfat);
    }
}

static void put_itl(struct metrics *metrics, const struct histogram *itl)
{
    static const struct {
        const char *name;
        int64_t percent;
    } quantiles[] = {
        {"median_itl_ms", 50}, {"p90_itl_ms", 90},  {"p95_itl_ms", 95},
        {"p99_itl_ms", 99},    {"max_itl_ms", 100},
    };
    metrics_integer(metrics, "n_itl", itl->n, "");
    metrics_ratio(metrics, "mean_itl_ms", itl->sum, (wide)itl->n * 1000000, 6, "ms");
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        wide ns = histogram_quantile(itl, quantiles[i].percent, 100);
        metrics_ratio(metrics, quantiles[i].name, ns, itl->n > 0 ? 1000000 : 0, 6,
                      "ms");
    }
}

static void put_throughput(const struct summary *summary, struct metrics *metrics,
                           int64_t attainment_nano)
{
    int64_t completed = summary->n_by_status[REQUEST_COMPLETED];
    int64_t n = 0;
    for (int i = 0; i < N_REQUEST_STATUSES; i++) {
        n += summary->n_by_status[i];
    }
    wide duration_ns = n > 0 ? summary->last_finish_ns - summary->first_arrival_ns : 0;
    const wide second = 1000000000;
    metrics_ratio(metrics, "duration", duration_ns, second, 9, "s");
    metrics_integer(metrics, "total_input_tokens", summary->prompt_tokens, "tokens");
    metrics_integer(metrics, "total_output_tokens", summary->output_tokens, "tokens");
    metrics_ratio(metrics, "prefix_cache_hit_rate", summary->cached_tokens,
                  summary->prompt_tokens, 6, "");
    metrics_integer(metrics, "prefix_cache_hit_tokens", summary->cached_tokens,
                    "tokens");
    metrics_ratio(metrics, "request_throughput", completed * second, duration_ns, 6,
                  "req/s");
    metrics_ratio(metrics, "output_throughput", summary->output_tokens * second,
                  duration_ns, 6, "tok/s");
    metrics_ratio(metrics, "total_token_throughput",
                  ((wide)summary->prompt_tokens + summary->output_tokens) * second,
                  duration_ns, 6, "tok/s");
    if (!slo_any(&summary->slo)) {
        metrics_text(metrics, "request_goodput", "", "req/s");
        metrics_text(metrics, "slo_met_requests", "", "requests");
        metrics_text(metrics, "slo_attainment", "", "");
        metrics_text(metrics, "slo_attained", "", "");
        return;
    }
    metrics_ratio(metrics, "request_goodput", summary->n_met * second, duration_ns, 6,
                  "req/s");
    metrics_integer(metrics, "slo_met_requests", summary->n_met, "requests");
    metrics_ratio(metrics, "slo_attainment", summary->n_met, n, 6, "");
    bool met = (wide)summary->n_met * 1000000000 >= (wide)attainment_nano * n;
    metrics_text(metrics, "slo_attained", met ? "yes" : "no", "");
}

static bool speculates(const struct sim *sim)
{
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if (sim->config->pools[i].config->speculative.method != SPECULATIVE_NONE) {
            return true;
        }
    }
    return false;
}

/* How drafted tokens fared, if any are. */
static void put_speculation(struct metrics *metrics, const struct sim *sim)
{
    wide drafted = 0;
    wide accepted = 0;
    wide verified = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        drafted += sim->replicas[i].draft.n_drafted;
        accepted += sim->replicas[i].draft.n_accepted;
        verified += sim->replicas[i].draft.n_verified;
    }
    if (!speculates(sim)) {
        return;
    }
    metrics_integer(metrics, "drafted_tokens", drafted, "tokens");
    metrics_integer(metrics, "accepted_tokens", accepted, "tokens");
    metrics_ratio(metrics, "acceptance_rate", accepted, drafted, 6, "");
    metrics_ratio(metrics, "mean_accepted_length", accepted + verified, verified, 6,
                  "tokens");
}

/* The counters by which nothing can get lost (rules.md 11). */
static void put_conservation(struct metrics *metrics, const struct sim *sim)
{
    const struct sim_totals *totals = &sim->totals;
    wide computed = 0;
    wide padding = 0;
    wide emitted = 0;
    int64_t n_preemptions = 0;
    int64_t recomputed = 0;
    int64_t discarded = totals->discarded_tokens;
    int64_t discarded_outputs = totals->discarded_outputs;
    int64_t rejected = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        computed += replica->sums.work.tokens - replica->sums.work.padding_tokens;
        padding += replica->sums.work.padding_tokens;
        emitted += replica->sums.work.emissions;
        n_preemptions += replica->tally.n_preemptions;
        recomputed += replica->tally.recomputed_tokens;
        discarded += replica->tally.discarded_tokens;
        discarded_outputs += replica->tally.discarded_outputs;
        rejected += draft_rejected(&replica->draft);
    }
    metrics_integer(metrics, "injected_requests", totals->n_injected, "requests");
    metrics_integer(metrics, "all_completed_requests",
                    totals->n_by_status[REQUEST_COMPLETED], "requests");
    metrics_integer(metrics, "all_rejected_requests",
                    totals->n_by_status[REQUEST_REJECTED], "requests");
    metrics_integer(metrics, "all_timed_out_requests",
                    totals->n_by_status[REQUEST_TIMED_OUT], "requests");
    metrics_integer(metrics, "all_shed_requests", totals->n_by_status[REQUEST_SHED],
                    "requests");
    metrics_integer(metrics, "all_failed_requests", totals->n_by_status[REQUEST_FAILED],
                    "requests");
    if (sim->config->resend.most > 0) {
        metrics_integer(metrics, "client_retried_requests", totals->n_resent,
                        "requests");
        metrics_integer(metrics, "client_retries", totals->n_attempts, "");
    }
    metrics_integer(metrics, "preemptions", n_preemptions, "");
    metrics_integer(metrics, "computed_tokens", computed, "tokens");
    metrics_integer(metrics, "computed_tokens_kept", totals->computed_tokens_completed,
                    "tokens");
    metrics_integer(metrics, "computed_tokens_recomputed", recomputed, "tokens");
    metrics_integer(metrics, "computed_tokens_discarded", discarded, "tokens");
    if (speculates(sim)) {
        metrics_integer(metrics, "computed_tokens_rejected", rejected, "tokens");
    }
    metrics_integer(metrics, "padding_tokens", padding, "tokens");
    metrics_integer(metrics, "emitted_tokens", emitted - rejected, "tokens");
    metrics_integer(metrics, "emitted_tokens_completed",
                    totals->output_tokens_completed, "tokens");
    metrics_integer(metrics, "emitted_tokens_discarded", discarded_outputs, "tokens");
    metrics_integer(metrics, "requests_in_system_area", totals->area, "request-ns");
    metrics_integer(metrics, "sojourn_sum", totals->sojourn, "request-ns");
}

/* What the tiers behind prefix caches took and gave. */
static void put_offload(struct metrics *metrics, const struct sim *sim)
{
    int64_t n_tokens[N_TIERS] = {0};
    int64_t n_fetched = 0;
    int64_t n_offloaded = 0;
    int64_t n_spilled = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct tier *tier = &sim->replicas[i].tier;
        for (int j = 0; j < N_TIERS; j++) {
            n_tokens[j] += tier->n_fetched[j] * tier->block_tokens;
            n_fetched += tier->n_fetched[j];
        }
        n_offloaded += tier->n_offloaded;
        n_spilled += tier->n_spilled;
    }
    metrics_integer(metrics, "host_hit_tokens", n_tokens[TIER_HOST], "tokens");
    metrics_integer(metrics, "disk_hit_tokens", n_tokens[TIER_DISK], "tokens");
    metrics_integer(metrics, "fetched_blocks", n_fetched, "blocks");
    metrics_integer(metrics, "offloaded_blocks", n_offloaded, "blocks");
    metrics_integer(metrics, "spilled_blocks", n_spilled, "blocks");
}

/* How evenly tenants were served, if there are several; blocks moved to the host. */
static void put_policy(struct metrics *metrics, const struct sim *sim)
{
    int64_t n_out = 0;
    int64_t n_in = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        n_out += sim->replicas[i].swap.n_out;
        n_in += sim->replicas[i].swap.n_in;
    }
    metrics_integer(metrics, "swapped_out_blocks", n_out, "blocks");
    metrics_integer(metrics, "swapped_in_blocks", n_in, "blocks");
    if (sim->shares.n > 1) {
        metrics_real(metrics, "jain_fairness", shares_jain(&sim->shares), 6, "");
    }
}

static void put_definitions(struct metrics *metrics, const struct summary *summary)
{
    metrics_text(metrics, "definition_ttft", "first output token - arrival", "");
    metrics_text(metrics, "definition_tpot",
                 "(e2e - ttft) / (output tokens - 1); requests with two or more", "");
    metrics_text(
        metrics, "definition_itl",
        "every gap between successive output tokens; of timed-out requests too", "");
    metrics_text(
        metrics, "definition_percentile",
        summary->e2e.folded
            ? "nearest rank; histogram buckets at most 0.1 % too high"
            : "nearest rank; exact (ITL: histogram buckets at most 0.1 % too high)",
        "");
}

void summary_metrics(struct summary *summary, const struct sim *sim,
                     int64_t attainment_nano, struct metrics *metrics)
{
    static const struct names ttft = NAMES("ttft");
    static const struct names tpot = NAMES("tpot");
    static const struct names e2el = NAMES("e2el");
    static const struct names queue = NAMES("queue");
    const int64_t *n = summary->n_by_status;
    metrics_integer(metrics, "schema_version", SCHEMA_VERSION, "");
    metrics_integer(metrics, "completed", n[REQUEST_COMPLETED], "requests");
    metrics_integer(metrics, "rejected", n[REQUEST_REJECTED], "requests");
    metrics_integer(metrics, "timed_out", n[REQUEST_TIMED_OUT], "requests");
    metrics_integer(metrics, "shed", n[REQUEST_SHED], "requests");
    metrics_integer(metrics, "failed", n[REQUEST_FAILED], "requests");
    put_throughput(summary, metrics, attainment_nano);
    put_latency(metrics, &ttft, &summary->ttft);
    put_answers(metrics, summary);
    put_latency(metrics, &tpot, &summary->tpot);
    put_itl(metrics, &sim->itl);
    put_latency(metrics, &e2el, &summary->e2e);
    put_latency(metrics, &queue, &summary->queue);
    load_metrics(summary, sim, metrics);
    put_policy(metrics, sim);
    summary_transfers_metrics(sim, metrics);
    put_offload(metrics, sim);
    put_speculation(metrics, sim);
    adapters_metrics(sim, metrics);
    put_conservation(metrics, sim);
    outage_metrics(sim, metrics);
    put_definitions(metrics, summary);
}
