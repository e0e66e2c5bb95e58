#include "input/lengths.h"

#include "base/check.h"
#include "base/memory.h"
#include "input/variant.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define AT(member) offsetof(struct lengths_spec, member)

static const struct field distribution_field[] = {
    {"distribution", FIELD_CHOICE, AT(distribution), "", NULL, NULL, NULL,
     "fixed|uniform|lognormal_mix|geometric", "how lengths are drawn"},
};

static const struct field fixed_fields[] = {
    {"tokens", FIELD_COUNT, AT(min_tokens), "tokens", NULL, "1", "1000000000", NULL,
     "the one length"},
};

static const struct field uniform_fields[] = {
    {"min", FIELD_COUNT, AT(min_tokens), "tokens", NULL, "1", "1000000000", NULL,
     "the shortest length"},
    {"max", FIELD_COUNT, AT(max_tokens), "tokens", NULL, "1", "1000000000", NULL,
     "the longest length"},
};

static const struct field mixture_fields[] = {
    {"w", FIELD_TEXT, AT(weights), "", NULL, NULL, NULL, NULL,
     "weights of the components, separated by commas"},
    {"mu", FIELD_TEXT, AT(mus), "", NULL, NULL, NULL, NULL,
     "mean of the logarithm of each"},
    {"sigma", FIELD_TEXT, AT(sigmas), "", NULL, NULL, NULL, NULL,
     "standard deviation of the logarithm of each"},
    {"min", FIELD_COUNT, AT(min_tokens), "tokens", "1", "1", "1000000000", NULL,
     "the shortest length"},
    {"max", FIELD_COUNT, AT(max_tokens), "tokens", "1000000000", "1", "1000000000",
     NULL, "the longest length"},
    {"outside", FIELD_CHOICE, AT(outside), "", "clip", NULL, NULL, "clip|resample",
     "lengths beyond min and max become min and max, or are drawn again"},
};

static const struct field geometric_fields[] = {
    {"mean", FIELD_NANO, AT(mean_nano), "", NULL, "1", "100000000", NULL,
     "mean length: after each token as likely as after any other it goes on"},
    {"max", FIELD_COUNT, AT(max_tokens), "tokens", "1000000000", "1", "1000000000",
     NULL, "the longest length; longer ones become it"},
};

const struct field_table lengths_tables[LENGTHS_TABLES] = {
    {.name = "lengths", .fields = distribution_field, .n_fields = 1},
    {.name = "fixed", .fields = fixed_fields, .n_fields = 1},
    {.name = "uniform", .fields = uniform_fields, .n_fields = 2},
    {.name = "lognormal_mix",
     .fields = mixture_fields,
     .n_fields = sizeof mixture_fields / sizeof mixture_fields[0]},
    {.name = "geometric", .fields = geometric_fields, .n_fields = 2},
};

/* A value of the mixture becomes the nearest length, so l takes all up to l + 0.5. */
static double share_up_to(const struct mixture *mixture, int64_t length)
{
    return mixture_cdf(mixture, (double)length + 0.5);
}

static int bounds_check(const struct lengths_spec *spec,
                        const struct settings *settings, const char *section,
                        struct err *err)
{
    if (spec->min_tokens <= spec->max_tokens) {
        return 0;
    }
    const struct settings_entry *entry = settings_find(settings, section, "max");
    CHECK(entry != NULL); /* the default is the greatest there is */
    struct err reason;
    err_set(&reason, "'%.200s' is less than min (%" PRId64 ")", entry->value,
            spec->min_tokens);
    return settings_refuse(entry, reason.text, err);
}

static int mixture_prepare(struct lengths_spec *spec, const struct settings *settings,
                           const char *section, struct err *err)
{
    spec->lowest = 0;
    spec->highest = 1;
    if (mixture_read(&spec->mixture, settings, section, "", err) != 0) {
        return -1;
    }
    if (spec->outside == LENGTHS_CLIP) {
        return 0;
    }
    spec->lowest = share_up_to(&spec->mixture, spec->min_tokens - 1);
    spec->highest = share_up_to(&spec->mixture, spec->max_tokens);
    if (spec->highest - spec->lowest >= 1e-6) {
        return 0;
    }
    struct err reason;
    err_set(&reason,
            "too little of the mixture lies between min (%" PRId64 ") and max (%" PRId64
            ") to draw again what is outside",
            spec->min_tokens, spec->max_tokens);
    const struct settings_entry *entry = settings_find(settings, section, "outside");
    return settings_refuse(entry, reason.text, err);
}

int lengths_read(struct lengths_spec *spec, struct settings *settings,
                 const char *section, struct arena *arena, struct err *err)
{
    if (variant_read(settings, section, lengths_tables, LENGTHS_TABLES, spec, arena,
                     err) != 0) {
        return -1;
    }
    switch ((enum lengths_distribution)spec->distribution) {
    case LENGTHS_FIXED:
        spec->max_tokens = spec->min_tokens;
        return 0;
    case LENGTHS_UNIFORM:
        return bounds_check(spec, settings, section, err);
    case LENGTHS_LOGNORMAL_MIX:
        if (bounds_check(spec, settings, section, err) != 0) {
            return -1;
        }
        return mixture_prepare(spec, settings, section, err);
    case LENGTHS_GEOMETRIC:
        spec->min_tokens = 1;
        return 0;
    }
    CHECK(false);
    return -1;
}

/* The shortest length that reaches the share: the mixture's inverse, rounded and
 * clipped, found by halving whole numbers and so without any tolerance. */
static int64_t mixture_quantile(const struct lengths_spec *spec, double share)
{
    int64_t low = spec->min_tokens;
    int64_t high = spec->max_tokens;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (share_up_to(&spec->mixture, middle) >= share) {
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
        return mixture_quantile(spec,
                                spec->lowest + u * (spec->highest - spec->lowest));
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
    if (spec->distribution == LENGTHS_LOGNORMAL_MIX) {
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
        return share_up_to(&table->spec->mixture, length);
    }
    if (table->shares[i] == 0) {
        table->shares[i] = share_up_to(&table->spec->mixture, length);
    }
    return table->shares[i];
}

/* As mixture_quantile() for a share whose length lies between the two. */
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
