/* pauses: how long a generated client waits between an answer and what it asks next.
 *
 * fixed        always the same
 * exponential  with that mean
 * lognormal    min_s and a time of that median, sigma being the standard deviation of its
 *              logarithm; longer ones than max_s are cut to it
 */
#ifndef SERVESIM_INPUT_PAUSES_H
#define SERVESIM_INPUT_PAUSES_H

#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/rng.h"
#include "input/settings.h"

enum pauses_distribution { PAUSES_FIXED, PAUSES_EXPONENTIAL, PAUSES_LOGNORMAL };

struct pauses_spec {
    int64_t distribution; /* enum pauses_distribution */
    int64_t middle_ns;    /* the one time, the mean, the median */
    int64_t sigma_nano;
    int64_t min_ns;
    int64_t max_ns;
};

enum { PAUSES_TABLES = 4 };

/* For variant_read(): `distribution`, then the keys of each. */
extern const struct field_table pauses_tables[PAUSES_TABLES];

/* Reads the section. */
int pauses_read(struct pauses_spec *spec, struct settings *settings,
                const char *section, struct arena *arena, struct err *err);

/* The next pause, in whole nanoseconds, at most 10^9 s. */
int64_t pauses_draw(const struct pauses_spec *spec, struct rng *rng);

#endif
