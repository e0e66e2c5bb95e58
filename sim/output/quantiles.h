/* quantiles: the distribution of one latency.
 *
 * Exact, by nearest rank, up to a million values; the value after that folds them into a
 * histogram whose quantiles are at most 0.1 % too high (base/histogram.h).  The mean
 * and the standard deviation are from exact sums either way.
 */
#ifndef SERVESIM_OUTPUT_QUANTILES_H
#define SERVESIM_OUTPUT_QUANTILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/wide.h"

enum { QUANTILES_MOST_EXACT = 1000000 };

struct quantiles {
    int64_t *values; /* NULL once folded */
    int64_t room;
    int64_t most_exact;
    int64_t selected; /* values from here on are at least the one here */
    int64_t n;
    wide sum;
    wide squares;
    bool squares_lost; /* their sum would leave 128 bits */
    int64_t most;
    bool folded;
    struct histogram histogram; /* once folded */
};

/* `most_exact`: QUANTILES_MOST_EXACT, or fewer in tests. */
void quantiles_init(struct quantiles *quantiles, int64_t most_exact);
void quantiles_free(struct quantiles *quantiles);

/* Makes one that holds the same values; quantiles_free() it, too. */
void quantiles_copy(struct quantiles *to, const struct quantiles *from);

void quantiles_add(struct quantiles *quantiles, int64_t value);

/* Nearest rank: the ceil(numerator / denominator x n)-th smallest; n must not be 0.  Moves
 * the values about; asking in ascending order is cheapest. */
int64_t quantiles_at(struct quantiles *quantiles, int64_t numerator,
                     int64_t denominator);

/* Mean and population standard deviation in nanoseconds; 0 without values.  The
 * deviation is negative if latencies are so large that it is not known. */
double quantiles_mean(const struct quantiles *quantiles);
double quantiles_deviation(const struct quantiles *quantiles);

#endif
