/* lengths: how many tokens a generated prompt or output has.
 *
 * A length is the quantile of a probability, so that a copula can tie prompts and
 * outputs together without changing the distribution of either.
 */
#ifndef SERVESIM_INPUT_LENGTHS_H
#define SERVESIM_INPUT_LENGTHS_H

#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "input/mixture.h"
#include "input/settings.h"

enum lengths_distribution {
    LENGTHS_FIXED,
    LENGTHS_UNIFORM,
    LENGTHS_LOGNORMAL_MIX,
    LENGTHS_GAMMA_MIX,
    LENGTHS_QUANTILES,
    LENGTHS_GEOMETRIC
};

enum lengths_between { LENGTHS_LINEAR, LENGTHS_LOG };

/* A point of a distribution that is given by its quantiles. */
struct lengths_knot {
    double share;
    double tokens; /* LENGTHS_LOG: their logarithm */
};

enum lengths_outside { LENGTHS_CLIP, LENGTHS_RESAMPLE };

struct lengths_spec {
    int64_t distribution; /* enum lengths_distribution */
    int64_t min_tokens;
    int64_t max_tokens;
    int64_t outside;     /* enum lengths_outside: what happens beyond min and max */
    int64_t mean_nano;   /* of a geometric distribution, before max_tokens */
    const char *weights; /* as written; `mixture` is what they mean */
    const char *mus;
    const char *sigmas;
    const char *shapes;
    const char *scales;
    struct mixture mixture;
    const char *quantiles; /* as written; `knots` is what they mean */
    const char *quantiles_file;
    int64_t between;            /* enum lengths_between */
    struct lengths_knot *knots; /* from share 0 to 1 */
    int32_t n_knots;
    double lowest; /* the probabilities that are mapped to lengths: all of 0 to 1, or */
    double highest; /* with LENGTHS_RESAMPLE those between min and max */
};

enum { LENGTHS_TABLES = 7 };

/* For variant_read(): `distribution`, then the keys of each. */
extern const struct field_table lengths_tables[LENGTHS_TABLES];

/* Reads the section, [prompt] or [output]. */
int lengths_read(struct lengths_spec *spec, struct settings *settings,
                 const char *section, struct arena *arena, struct err *err);

/* The share of all that are not longer, where lengths are drawn from a mixture or from
 * quantiles: before min, max and what is outside of them count. */
double lengths_share(const struct lengths_spec *spec, int64_t length);

/* The length that a share `u` of all requests does not exceed, `u` from 0 to 1. */
int64_t lengths_quantile(const struct lengths_spec *spec, double u);

/* The same by a table that fills as it is asked: what was worked out once for a length or
 * a part of the range is looked up after that. */
struct lengths_table {
    const struct lengths_spec *spec;
    double *shares; /* by length from min_tokens on: those that are no longer */
    int64_t n_shares;
    int64_t *
        bounds; /* lengths at evenly spaced shares; NULL: there is nothing to look up */
};

void lengths_table_init(struct lengths_table *table, const struct lengths_spec *spec);
void lengths_table_free(struct lengths_table *table);
int64_t lengths_table_quantile(struct lengths_table *table, double u);

#endif
