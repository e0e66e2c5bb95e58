#include "input/pauses.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/check.h"
#include "input/variant.h"

#define AT(member) offsetof(struct pauses_spec, member)

static const struct field distribution_field[] = {
    {"distribution", FIELD_CHOICE, AT(distribution), "", NULL, NULL, NULL,
     "fixed|exponential|lognormal", "how times are drawn"},
};

static const struct field fixed_fields[] = {
    {"time_s", FIELD_TIME, AT(middle_ns), "s", NULL, "0", "1000000000", NULL,
     "the one time"},
};

static const struct field exponential_fields[] = {
    {"mean_s", FIELD_TIME, AT(middle_ns), "s", NULL, "0", "1000000000", NULL,
     "mean of the times"},
};

static const struct field lognormal_fields[] = {
    {"median_s", FIELD_TIME, AT(middle_ns), "s", NULL, "0.000001", "1000000000", NULL,
     "half of the times are shorter, apart from min_s"},
    {"sigma", FIELD_NANO, AT(sigma_nano), "", NULL, "0", "10", NULL,
     "standard deviation of the logarithm"},
    {"min_s", FIELD_TIME, AT(min_ns), "s", "0", "0", "1000000000", NULL,
     "comes on top of each"},
    {"max_s", FIELD_TIME, AT(max_ns), "s", "1000000000", "0", "1000000000", NULL,
     "longer times are cut to it"},
};

const struct field_table pauses_tables[PAUSES_TABLES] = {
    {.name = "pauses", .fields = distribution_field, .n_fields = 1},
    {.name = "fixed", .fields = fixed_fields, .n_fields = 1},
    {.name = "exponential", .fields = exponential_fields, .n_fields = 1},
    {.name = "lognormal",
     .fields = lognormal_fields,
     .n_fields = sizeof lognormal_fields / sizeof lognormal_fields[0]},
};

static const int64_t longest_ns = INT64_C(1000000000) * 1000000000;

int pauses_read(struct pauses_spec *spec, struct settings *settings,
                const char *section, struct arena *arena, struct err *err)
{
    spec->max_ns = longest_ns;
    return variant_read(settings, section, pauses_tables, PAUSES_TABLES, spec, arena,
                        err);
}

int64_t pauses_draw(const struct pauses_spec *spec, struct rng *rng)
{
    double ns = (double)spec->middle_ns;
    switch ((enum pauses_distribution)spec->distribution) {
    case PAUSES_FIXED:
        return spec->middle_ns;
    case PAUSES_EXPONENTIAL:
        ns = gsl_ran_exponential(rng->generator, ns);
        break;
    case PAUSES_LOGNORMAL:
        ns *= exp((double)spec->sigma_nano / 1e9 * gsl_ran_ugaussian(rng->generator));
        ns += (double)spec->min_ns;
        break;
    }
    CHECK(ns >= 0);
    return ns < (double)spec->max_ns ? llround(ns) : spec->max_ns;
}
