/* decisions_spread: median, mean and 90th percentile of errors.
 *
 * Percentiles are those of GSL and numpy, interpolated between ranks: there are few errors
 * per bound, and nearest ranks of twenty numbers jump.
 */
#ifndef SERVESIM_STUDY_DECISIONS_SPREAD_H
#define SERVESIM_STUDY_DECISIONS_SPREAD_H

#include <stdint.h>

struct decisions_spread {
    int32_t n;
    double median; /* NAN if there are none, as are the others */
    double mean;
    double p90;
};

/* A growing list of numbers; zeroed it is empty, free() its values. */
struct decisions_spread_list {
    int32_t n;
    double *values;
};

void decisions_spread_add(struct decisions_spread_list *list, double value);

/* Of all that were added.  Sorts and frees the list. */
struct decisions_spread decisions_spread_take(struct decisions_spread_list *list);

#endif
