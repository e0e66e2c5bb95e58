#include "input/lengths.h"

#include <stddef.h>

#define AT(member) offsetof(struct lengths_spec, member)

static const struct field distribution_field[] = {
    {"distribution", FIELD_CHOICE, AT(distribution), "", NULL, NULL, NULL,
     "fixed|uniform|lognormal_mix|gamma_mix|quantiles|geometric",
     "how lengths are drawn"},
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

static const struct field gamma_fields[] = {
    {"w", FIELD_TEXT, AT(weights), "", NULL, NULL, NULL, NULL,
     "weights of the components, separated by commas"},
    {"shape", FIELD_TEXT, AT(shapes), "", NULL, NULL, NULL, NULL,
     "shape of each Gamma distribution"},
    {"scale", FIELD_TEXT, AT(scales), "", NULL, NULL, NULL, NULL,
     "scale of each in tokens; its mean is shape x scale"},
    {"min", FIELD_COUNT, AT(min_tokens), "tokens", "1", "1", "1000000000", NULL,
     "the shortest length"},
    {"max", FIELD_COUNT, AT(max_tokens), "tokens", "1000000000", "1", "1000000000",
     NULL, "the longest length"},
    {"outside", FIELD_CHOICE, AT(outside), "", "clip", NULL, NULL, "clip|resample",
     "lengths beyond min and max become min and max, or are drawn again"},
};

static const struct field quantile_fields[] = {
    {"quantiles", FIELD_TEXT, AT(quantiles), "", "", NULL, NULL, NULL,
     "lengths that such a share of all does not exceed, as 0:12, 0.5:300, 1:4000; more "
     "of them in quantiles_2, quantiles_3 ..."},
    {"quantiles_file", FIELD_TEXT, AT(quantiles_file), "", "", NULL, NULL, NULL,
     "CSV file of such shares and lengths, in place of quantiles"},
    {"between", FIELD_CHOICE, AT(between), "", "linear", NULL, NULL, "linear|log",
     "between two quantiles: a straight line in tokens, or in their logarithm"},
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
    {.name = "gamma_mix",
     .fields = gamma_fields,
     .n_fields = sizeof gamma_fields / sizeof gamma_fields[0]},
    {.name = "quantiles",
     .fields = quantile_fields,
     .n_fields = sizeof quantile_fields / sizeof quantile_fields[0]},
    {.name = "geometric", .fields = geometric_fields, .n_fields = 2},
};
