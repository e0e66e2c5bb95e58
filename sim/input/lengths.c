#include "input/lengths.h"

#include "base/check.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* The share at which a distribution given by its quantiles reaches `tokens`: all of those
 * up to there. */
static double knots_cdf(const struct lengths_spec *spec, double tokens)
{
    const struct lengths_knot *knots = spec->knots;
    double at = spec->between == LENGTHS_LOG ? log(tokens) : tokens;
    int32_t low = 0;
    int32_t high = spec->n_knots; /* the first knot that is longer */
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (knots[middle].tokens > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if (low == 0 || low == spec->n_knots) {
        return low == 0 ? 0 : 1;
    }
    const struct lengths_knot *from = &knots[low - 1];
    const struct lengths_knot *to = &knots[low];
    return from->share + (to->share - from->share) * (at - from->tokens) /
                             (to->tokens - from->tokens);
}

/* A value of the distribution becomes the nearest length, so l takes all up to l + 0.5. */
double lengths_share(const struct lengths_spec *spec, int64_t length)
{
    double tokens = (double)length + 0.5;
    return spec->n_knots > 0 ? knots_cdf(spec, tokens)
                             : mixture_cdf(&spec->mixture, tokens);
}

/* The shortest length that reaches the share: the inverse, rounded and
 * clipped, found by halving whole numbers and so without any tolerance. */
static int64_t search_all(const struct lengths_spec *spec, double share)
{
    int64_t low = spec->min_tokens;
    int64_t high = spec->max_tokens;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (lengths_share(spec, middle) >= share) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* A length is more than k with the probability (1 - 1/mean)^k, k = 1, 2, ... */
static int64_t geometric_quantile(const struct lengths_spec *spec, double u)
{
    if (spec->mean_nano == 1000000000) {
        return 1;
    }
    double beyond = log1p(-1e9 / (double)spec->mean_nano);
    double length = 1 + floor(log1p(-u) / beyond);
    return length < (double)spec->max_tokens ? (int64_t)length : spec->max_tokens;
}

int64_t lengths_quantile(const struct lengths_spec *spec, double u)
{
    CHECK(u >= 0 && u <= 1);
    int64_t n_lengths = spec->max_tokens - spec->min_tokens + 1;
    int64_t above_min = 0;
    switch ((enum lengths_distribution)spec->distribution) {
    case LENGTHS_FIXED:
        return spec->min_tokens;
    case LENGTHS_UNIFORM:
        above_min = (int64_t)(u * (double)n_lengths);
        return spec->min_tokens + (above_min < n_lengths ? above_min : n_lengths - 1);
    case LENGTHS_LOGNORMAL_MIX:
    case LENGTHS_GAMMA_MIX:
    case LENGTHS_QUANTILES:
        return search_all(spec, spec->lowest + u * (spec->highest - spec->lowest));
    case LENGTHS_GEOMETRIC:
        return geometric_quantile(spec, u);
    }
    CHECK(false);
    return 0;
}

/* Lengths that have a place: beyond the longest contexts there are few requests. */
enum { MOST_SHARES = 1 << 17, N_BOUNDS = 1024 };

void lengths_table_init(struct lengths_table *table, const struct lengths_spec *spec)
{
    *table = (struct lengths_table){.spec = spec};
    bool is_searched = spec->distribution == LENGTHS_LOGNORMAL_MIX ||
                       spec->distribution == LENGTHS_GAMMA_MIX ||
                       spec->distribution == LENGTHS_QUANTILES;
    if (is_searched) {
        int64_t n = spec->max_tokens - spec->min_tokens + 1;
        table->n_shares = n < MOST_SHARES ? n : MOST_SHARES;
        table->shares = memory_new((size_t)table->n_shares, sizeof *table->shares);
        table->bounds = memory_new(N_BOUNDS + 1, sizeof *table->bounds);
    }
}

void lengths_table_free(struct lengths_table *table)
{
    free(table->shares);
    free(table->bounds);
    *table = (struct lengths_table){0};
}

/* A share of 0 is worked out anew every time, and is as right as any. */
static double recall_share(struct lengths_table *table, int64_t length)
{
    int64_t i = length - table->spec->min_tokens;
    if (i >= table->n_shares) {
        return lengths_share(table->spec, length);
    }
    if (table->shares[i] == 0) {
        table->shares[i] = lengths_share(table->spec, length);
    }
    return table->shares[i];
}

/* As search_all() for a share whose length lies between the two. */
static int64_t search(struct lengths_table *table, double u, int64_t low, int64_t high)
{
    const struct lengths_spec *spec = table->spec;
    double share = spec->lowest + u * (spec->highest - spec->lowest);
    int64_t last = spec->min_tokens + table->n_shares - 1;
    if (low <= last && last < high && recall_share(table, last) >= share) {
        high = last;
    }
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (recall_share(table, middle) >= share) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* The length at i / N_BOUNDS; lengths are 1 at least, so 0 is one that is not known. */
static int64_t recall_bound(struct lengths_table *table, int64_t i)
{
    if (table->bounds[i] == 0) {
        table->bounds[i] = search(table, (double)i / N_BOUNDS, table->spec->min_tokens,
                                  table->spec->max_tokens);
    }
    return table->bounds[i];
}

int64_t lengths_table_quantile(struct lengths_table *table, double u)
{
    CHECK(u >= 0 && u <= 1);
    if (table->bounds == NULL) {
        return lengths_quantile(table->spec, u);
    }
    int64_t i = (int64_t)(u * N_BOUNDS);
    i = i < N_BOUNDS ? i : N_BOUNDS - 1;
    return search(table, u, recall_bound(table, i), recall_bound(table, i + 1));
}
