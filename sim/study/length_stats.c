#include "study/length_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/wide.h"

enum { FIRST_ROOM = 1024, DIGIT_BITS = 11, N_DIGITS = 1 << DIGIT_BITS };

void length_stats_add(struct length_stats *stats, int64_t prompt_tokens,
                      int64_t output_tokens)
{
    CHECK(prompt_tokens <= INT32_MAX && output_tokens <= INT32_MAX);
    if (stats->n == stats->room) {
        stats->room = stats->room > 0 ? stats->room + stats->room / 2 : FIRST_ROOM;
        for (int i = 0; i < 2; i++) {
            stats->tokens[i] = memory_grow(stats->tokens[i], (size_t)stats->room,
                                           sizeof *stats->tokens[i]);
        }
    }
    stats->tokens[0][stats->n] = (int32_t)prompt_tokens;
    stats->tokens[1][stats->n] = (int32_t)output_tokens;
    stats->n++;
}

/* One pass of a radix sort: by the digit at `shift`, otherwise as they were. */
static void sort_digit(const int32_t *from, int32_t *to, int64_t n, int shift)
{
    int64_t *places = memory_new(N_DIGITS + 1, sizeof *places);
    for (int64_t i = 0; i < n; i++) {
        places[((from[i] >> shift) & (N_DIGITS - 1)) + 1]++;
    }
    for (int64_t i = 0; i < N_DIGITS; i++) {
        places[i + 1] += places[i];
    }
    for (int64_t i = 0; i < n; i++) {
        to[places[(from[i] >> shift) & (N_DIGITS - 1)]++] = from[i];
    }
    free(places);
}

struct length_order length_stats_order(const struct length_stats *stats, int kind)
{
    size_t n = (size_t)stats->n;
    int32_t *tokens = memory_new(n, sizeof *tokens);
    int32_t *other = memory_new(n, sizeof *other);
    memcpy(tokens, stats->tokens[kind], n * sizeof *tokens);
    for (int shift = 0; shift < 31; shift += DIGIT_BITS) {
        sort_digit(tokens, other, stats->n, shift);
        int32_t *sorted = other;
        other = tokens;
        tokens = sorted;
    }
    free(other);
    return (struct length_order){.tokens = tokens, .n = stats->n};
}

/* Linear between the two nearest ranks. */
static double percentile(const struct length_order *order, double share)
{
    double position = share * (double)(order->n - 1);
    int64_t below = (int64_t)position;
    int64_t above = below + 1 < order->n ? below + 1 : below;
    double low = order->tokens[below];
    return low + (position - (double)below) * (order->tokens[above] - low);
}

struct length_summary length_stats_summary(const struct length_order *order)
{
    wide sum = 0;
    wide squares = 0;
    for (int64_t i = 0; i < order->n; i++) {
        sum += order->tokens[i];
        squares += (wide)order->tokens[i] * order->tokens[i];
    }
    double n = (double)order->n;
    wide spread = squares * order->n - sum * sum; /* as an integer: nothing cancels */
    return (struct length_summary){
        .mean = (double)sum / n,
        .cv = sqrt((double)spread) / (double)sum,
        .p50 = percentile(order, 0.5),
        .p90 = percentile(order, 0.9),
        .p99 = percentile(order, 0.99),
        .least = order->tokens[0],
        .most = order->tokens[order->n - 1],
    };
}

/* What a length is in one of the correlations, less the mean of it. */
struct score_table {
    int32_t *tokens; /* distinct ones, in ascending order */
    double *logs;
    double *ranks;
    int64_t n;
    double mean;
};

static struct score_table score_table_of(const struct length_order *order)
{
    struct score_table table = {0};
    size_t n_distinct = 1;
    for (int64_t i = 1; i < order->n; i++) {
        n_distinct += order->tokens[i] != order->tokens[i - 1];
    }
    table.tokens = memory_new(n_distinct, sizeof *table.tokens);
    table.logs = memory_new(n_distinct, sizeof *table.logs);
    table.ranks = memory_new(n_distinct, sizeof *table.ranks);
    double log_sum = 0;
    wide sum = 0;
    for (int64_t begin = 0, end; begin < order->n; begin = end) {
        int32_t tokens = order->tokens[begin];
        for (end = begin + 1; end < order->n && order->tokens[end] == tokens; end++) {
        }
        table.tokens[table.n] = tokens;
        table.logs[table.n] = log(tokens);
        /* mean rank less the mean of all ranks, both from 0 */
        table.ranks[table.n] = (double)(begin + end - order->n) / 2;
        log_sum += table.logs[table.n] * (double)(end - begin);
        sum += (wide)tokens * (end - begin);
        table.n++;
    }
    table.mean = (double)sum / (double)order->n;
    for (int64_t i = 0; i < table.n; i++) {
        table.logs[i] -= log_sum / (double)order->n;
    }
    return table;
}

static void score_table_free(struct score_table *table)
{
    free(table->tokens);
    free(table->logs);
    free(table->ranks);
}

static int64_t find(const struct score_table *table, int32_t tokens)
{
    int64_t low = 0;
    int64_t high = table->n - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (table->tokens[middle] >= tokens) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Sums of products of what is centred already. */
struct product_sums {
    double both;
    double left;
    double right;
};

static void product_sums_add(struct product_sums *sums, double left, double right)
{
    sums->both += left * right;
    sums->left += left * left;
    sums->right += right * right;
}

static double correlation(const struct product_sums *sums)
{
    double spread = sqrt(sums->left) * sqrt(sums->right);
    return spread > 0 ? sums->both / spread : NAN;
}

struct length_relation length_stats_relation(const struct length_stats *stats,
                                             const struct length_order *prompts,
                                             const struct length_order *outputs)
{
    struct score_table prompt = score_table_of(prompts);
    struct score_table output = score_table_of(outputs);
    struct product_sums plain = {0};
    struct product_sums logs = {0};
    struct product_sums ranks = {0};
    for (int64_t i = 0; i < stats->n; i++) {
        int64_t left = find(&prompt, stats->tokens[0][i]);
        int64_t right = find(&output, stats->tokens[1][i]);
        product_sums_add(&plain, prompt.tokens[left] - prompt.mean,
                         output.tokens[right] - output.mean);
        product_sums_add(&logs, prompt.logs[left], output.logs[right]);
        product_sums_add(&ranks, prompt.ranks[left], output.ranks[right]);
    }
    score_table_free(&prompt);
    score_table_free(&output);
    return (struct length_relation){.pearson = correlation(&plain),
                                    .pearson_log = correlation(&logs),
                                    .spearman = correlation(&ranks)};
}

void length_stats_free(struct length_stats *stats)
{
    free(stats->tokens[0]);
    free(stats->tokens[1]);
    *stats = (struct length_stats){0};
}
