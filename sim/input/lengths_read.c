#include "input/lengths.h"

#include "base/check.h"
#include "input/tuples.h"
#include "input/variant.h"

#include <inttypes.h>
#include <math.h>

static const struct field knot_columns[] = {
    {.key = "share", .type = FIELD_NANO, .unit = "", .least = "0", .greatest = "1"},
    {.key = "tokens",
     .type = FIELD_NANO,
     .unit = "",
     .least = "1",
     .greatest = "1000000000"},
};

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

/* Where lengths are drawn again, the shares of those between min and max alone count. */
static int outside_prepare(struct lengths_spec *spec, const struct settings *settings,
                           const char *section, struct err *err)
{
    spec->lowest = 0;
    spec->highest = 1;
    if (spec->outside == LENGTHS_CLIP) {
        return 0;
    }
    double lowest = lengths_share(spec, spec->min_tokens - 1);
    double highest = lengths_share(spec, spec->max_tokens);
    spec->lowest = lowest;
    spec->highest = highest;
    if (spec->highest - spec->lowest >= 1e-6) {
        return 0;
    }
    struct err reason;
    err_set(&reason,
            "too little of the %s lies between min (%" PRId64 ") and max (%" PRId64
            ") to draw again what is outside",
            spec->n_knots > 0 ? "distribution" : "mixture", spec->min_tokens,
            spec->max_tokens);
    const struct settings_entry *entry = settings_find(settings, section, "outside");
    return settings_refuse(entry, reason.text, err);
}

static int check_knots(const struct tuples *tuples, struct err *err)
{
    int32_t last = tuples->n - 1;
    if (tuples->cells[0][0] != 0) {
        return tuples_refuse(tuples, 0, "the first share must be 0", err);
    }
    for (int32_t i = 1; i <= last; i++) {
        if (tuples->cells[i][0] < tuples->cells[i - 1][0]) {
            return tuples_refuse(tuples, i, "its share is less than the one before it",
                                 err);
        }
        if (tuples->cells[i][1] < tuples->cells[i - 1][1]) {
            return tuples_refuse(tuples, i, "its length is less than the one before it",
                                 err);
        }
    }
    if (tuples->cells[last][0] != 1000000000) {
        return tuples_refuse(tuples, last, "the last share must be 1", err);
    }
    return 0;
}

static int knots_prepare(struct lengths_spec *spec, struct settings *settings,
                         const char *section, struct arena *arena, struct err *err)
{
    struct tuples tuples;
    bool is_list = spec->quantiles[0] != '\0';
    if (is_list == (spec->quantiles_file[0] != '\0')) {
        return settings_refuse(settings_find(settings, section, "distribution"),
                               "it needs 'quantiles' or 'quantiles_file', and not both",
                               err);
    }
    int status = is_list ? tuples_read(&tuples, knot_columns, 2, settings, section,
                                       "quantiles", arena, err)
                         : tuples_read_file(&tuples, knot_columns, 2, settings, section,
                                            "quantiles_file", arena, err);
    if (status != 0 || check_knots(&tuples, err) != 0) {
        return -1;
    }
    spec->knots = ARENA_NEW(arena, tuples.n, struct lengths_knot);
    spec->n_knots = tuples.n;
    for (int32_t i = 0; i < tuples.n; i++) {
        double tokens = (double)tuples.cells[i][1] / 1e9;
        spec->knots[i] = (struct lengths_knot){
            .share = (double)tuples.cells[i][0] / 1e9,
            .tokens = spec->between == LENGTHS_LOG ? log(tokens) : tokens,
        };
    }
    return 0;
}

int lengths_read(struct lengths_spec *spec, struct settings *settings,
                 const char *section, struct arena *arena, struct err *err)
{
    tuples_claim(settings, section, "quantiles");
    if (variant_read(settings, section, lengths_tables, LENGTHS_TABLES, spec, arena,
                     err) != 0) {
        return -1;
    }
    if (spec->distribution == LENGTHS_FIXED) {
        spec->max_tokens = spec->min_tokens;
    } else if (bounds_check(spec, settings, section, err) != 0) {
        return -1;
    }
    int status = 0;
    switch ((enum lengths_distribution)spec->distribution) {
    case LENGTHS_FIXED:
    case LENGTHS_UNIFORM:
        return 0;
    case LENGTHS_GEOMETRIC:
        spec->min_tokens = 1;
        return 0;
    case LENGTHS_LOGNORMAL_MIX:
    case LENGTHS_GAMMA_MIX:
        status = mixture_read(
            &spec->mixture,
            spec->distribution == LENGTHS_GAMMA_MIX ? MIXTURE_GAMMA : MIXTURE_LOGNORMAL,
            settings, section, "", err);
        break;
    case LENGTHS_QUANTILES:
        status = knots_prepare(spec, settings, section, arena, err);
        break;
    }
    return status == 0 ? outside_prepare(spec, settings, section, err) : -1;
}
