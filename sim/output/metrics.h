/* metrics: a list of named values with units: summary.csv, and what the table shows. */
#ifndef SERVESIM_OUTPUT_METRICS_H
#define SERVESIM_OUTPUT_METRICS_H

#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"

enum { METRICS_MOST = 256, METRICS_VALUE_BYTES = 160 };

struct metric {
    const char *name;
    const char *unit; /* "" for pure numbers */
    char value[METRICS_VALUE_BYTES];
};

struct metrics {
    struct metric list[METRICS_MOST];
    int32_t n;
};

/* Names and units must be constants. */
void metrics_text(struct metrics *metrics, const char *name, const char *value,
                  const char *unit);
void metrics_integer(struct metrics *metrics, const char *name, wide value,
                     const char *unit);

/* numerator / denominator half up with that many decimals; empty if the denominator is 0. */
void metrics_ratio(struct metrics *metrics, const char *name, wide numerator,
                   wide denominator, int decimals, const char *unit);

/* A double, for what is a statistic (mean, deviation, estimate). */
void metrics_real(struct metrics *metrics, const char *name, double value, int decimals,
                  const char *unit);

/* The metric of that name, or NULL. */
const struct metric *metrics_find(const struct metrics *metrics, const char *name);

/* The value of that name; it must exist. */
const char *metrics_value(const struct metrics *metrics, const char *name);

/* Writes "metric,value,unit" rows as the file `name` in `folder`. */
int metrics_write(const struct metrics *metrics, const char *folder, const char *name,
                  struct err *err);

#endif
