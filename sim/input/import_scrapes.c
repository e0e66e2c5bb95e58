#include "input/import_scrapes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/memory.h"

enum {
    RUNNING,
    WAITING,
    KV_USED,
    PREEMPTIONS,
    PREFIX_HITS,
    PREFIX_QUERIES,
    PROMPT_TOKENS,
    GENERATION_TOKENS,
    TTFT_SUM,
    TTFT_COUNT,
    ITL_SUM,
    ITL_COUNT,
    E2E_SUM,
    E2E_COUNT,
    N_METRICS
};

/* vLLM's names, those of its older versions, too.  Counters end with _total as scraped. */
static const struct {
    const char *name;
    int32_t metric;
} names[] = {
    {"vllm:num_requests_running", RUNNING},
    {"vllm:num_requests_waiting", WAITING},
    {"vllm:kv_cache_usage_perc", KV_USED},
    {"vllm:gpu_cache_usage_perc", KV_USED},
    {"vllm:num_preemptions_total", PREEMPTIONS},
    {"vllm:num_preemptions", PREEMPTIONS},
    {"vllm:prefix_cache_hits_total", PREFIX_HITS},
    {"vllm:prefix_cache_hits", PREFIX_HITS},
    {"vllm:gpu_prefix_cache_hits_total", PREFIX_HITS},
    {"vllm:prefix_cache_queries_total", PREFIX_QUERIES},
    {"vllm:prefix_cache_queries", PREFIX_QUERIES},
    {"vllm:gpu_prefix_cache_queries_total", PREFIX_QUERIES},
    {"vllm:prompt_tokens_total", PROMPT_TOKENS},
    {"vllm:prompt_tokens", PROMPT_TOKENS},
    {"vllm:generation_tokens_total", GENERATION_TOKENS},
    {"vllm:generation_tokens", GENERATION_TOKENS},
    {"vllm:time_to_first_token_seconds_sum", TTFT_SUM},
    {"vllm:time_to_first_token_seconds_count", TTFT_COUNT},
    {"vllm:inter_token_latency_seconds_sum", ITL_SUM},
    {"vllm:inter_token_latency_seconds_count", ITL_COUNT},
    {"vllm:time_per_output_token_seconds_sum", ITL_SUM},
    {"vllm:time_per_output_token_seconds_count", ITL_COUNT},
    {"vllm:e2e_request_latency_seconds_sum", E2E_SUM},
    {"vllm:e2e_request_latency_seconds_count", E2E_COUNT},
};

int32_t import_scrapes_find(const char *name, size_t length)
{
    for (int32_t i = 0; i < (int32_t)(sizeof names / sizeof *names); i++) {
        if (strlen(names[i].name) == length &&
            memcmp(names[i].name, name, length) == 0) {
            return i;
        }
    }
    return -1;
}

void import_scrapes_push(struct import_scrapes *scrapes, int64_t t_ms, int32_t metric,
                         double value)
{
    if (!isfinite(value)) {
        return;
    }
    if (scrapes->n == scrapes->room) {
        scrapes->room = scrapes->room * 2 + 256;
        scrapes->samples = memory_grow(scrapes->samples, (size_t)scrapes->room,
                                       sizeof *scrapes->samples);
    }
    scrapes->samples[scrapes->n++] =
        (struct import_scrapes_sample){t_ms, metric, value};
}

void import_scrapes_free(struct import_scrapes *scrapes)
{
    free(scrapes->samples);
    *scrapes = (struct import_scrapes){0};
}

/* By time, then by name, then by value: the sums do not depend on the file's order. */
static int compare(const void *a, const void *b)
{
    const struct import_scrapes_sample *x = a;
    const struct import_scrapes_sample *y = b;
    if (x->t_ms != y->t_ms) {
        return x->t_ms < y->t_ms ? -1 : 1;
    }
    if (x->metric != y->metric) {
        return x->metric < y->metric ? -1 : 1;
    }
    return (x->value > y->value) - (x->value < y->value);
}

/* All metrics at one time. */
struct scrape {
    int64_t t_ms;
    double sums[N_METRICS];
    int32_t n_series[N_METRICS];
};

/* Adds up the samples from `i` on that are of one time; returns the first after them.  Where
 * a metric stands there by its new and its old name, the first of the table counts. */
static int64_t gather(const struct import_scrapes *scrapes, int64_t i,
                      struct scrape *scrape)
{
    int32_t used[N_METRICS];
    memset(scrape, 0, sizeof *scrape);
    scrape->t_ms = scrapes->samples[i].t_ms;
    for (; i < scrapes->n && scrapes->samples[i].t_ms == scrape->t_ms; i++) {
        const struct import_scrapes_sample *sample = &scrapes->samples[i];
        int32_t metric = names[sample->metric].metric;
        if (scrape->n_series[metric] == 0) {
            used[metric] = sample->metric;
        }
        if (used[metric] == sample->metric) {
            scrape->sums[metric] += sample->value;
            scrape->n_series[metric]++;
        }
    }
    return i;
}

/* The increase of a counter; below 0 if it is not known. */
static double increase(const struct scrape *before, const struct scrape *now,
                       int metric)
{
    int32_t n = now->n_series[metric];
    return n > 0 && before->n_series[metric] == n
               ? now->sums[metric] - before->sums[metric]
               : -1;
}

static void print_cell(FILE *out, double value)
{
    char text[48] = "";
    if (value >= 0 && value < 1e9) {
        decimal_print(llround(value * 1e9), 9, text);
    } else if (value >= 1e9 && value < 1e18) { /* a count of tokens */
        decimal_print(llround(value), 0, text);
    }
    fprintf(out, ",%s", text);
}

static void print_gauge(FILE *out, const struct scrape *now, int metric)
{
    print_cell(out, now->n_series[metric] > 0 ? now->sums[metric] : -1);
}

/* A counter counts whole things, though Prometheus holds doubles. */
static void print_count(FILE *out, const struct scrape *before,
                        const struct scrape *now, int metric)
{
    double value = increase(before, now, metric);
    print_cell(out, value >= 0 ? floor(value + 0.5) : -1);
}

/* The mean of what a histogram took in since the time before, in ms. */
static void print_mean_ms(FILE *out, const struct scrape *before,
                          const struct scrape *now, int sum)
{
    double total = increase(before, now, sum);
    double n = increase(before, now, sum + 1);
    print_cell(out, total >= 0 && n > 0 ? total / n * 1e3 : -1);
}

static void print_row(FILE *out, int64_t first_ms, const struct scrape *before,
                      const struct scrape *now)
{
    char t[48];
    decimal_print(now->t_ms - first_ms, 3, t);
    fputs(t, out);
    print_gauge(out, now, RUNNING);
    print_gauge(out, now, WAITING);
    int32_t n = now->n_series[KV_USED];
    print_cell(out, n > 0 ? now->sums[KV_USED] / n : -1);
    for (int metric = PREEMPTIONS; metric <= GENERATION_TOKENS; metric++) {
        print_count(out, before, now, metric);
    }
    print_mean_ms(out, before, now, TTFT_SUM);
    print_mean_ms(out, before, now, ITL_SUM);
    print_mean_ms(out, before, now, E2E_SUM);
    print_count(out, before, now, E2E_COUNT);
    fputc('\n', out);
}

int import_scrapes_write(struct import_scrapes *scrapes, const char *file, FILE *out,
                         struct err *err)
{
    if (scrapes->n == 0) {
        return err_set(err,
                       "%s: holds no metric of vLLM's that is known here, such as "
                       "vllm:num_requests_running",
                       file);
    }
    qsort(scrapes->samples, (size_t)scrapes->n, sizeof *scrapes->samples, compare);
    int64_t first_ms = scrapes->samples[0].t_ms;
    if (scrapes->samples[scrapes->n - 1].t_ms == first_ms) {
        return err_set(
            err,
            "%s: holds one scrape: intervals need two or more, each with its "
            "time",
            file);
    }
    fputs("t_s,running,waiting,kv_used_fraction,preemptions,prefix_hits,prefix_queries,"
          "prompt_tokens,generation_tokens,ttft_mean_ms,itl_mean_ms,e2e_mean_ms,"
          "n_requests\n",
          out);
    struct scrape before = {0}; /* without series: the first row has no increases */
    for (int64_t i = 0; i < scrapes->n;) {
        struct scrape now;
        i = gather(scrapes, i, &now);
        print_row(out, first_ms, &before, &now);
        before = now;
    }
    return 0;
}
