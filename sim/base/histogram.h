/* histogram: counts of nanoseconds in log-linear buckets.
 *
 * Values below 1,024 have a bucket each; above, every power of two is cut into 1,024
 * equal buckets, so the upper edge of a value's bucket is at most 1/1024 (0.1 %) above
 * it.  Quantiles report that edge.  Sums are exact.
 */
#ifndef SERVESIM_BASE_HISTOGRAM_H
#define SERVESIM_BASE_HISTOGRAM_H

#include <stdint.h>

#include "base/wide.h"

enum {
    HISTOGRAM_BITS = 10,
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS) << HISTOGRAM_BITS
};

struct histogram {
    int64_t *counts; /* HISTOGRAM_BUCKETS */
    int64_t n;
    wide sum;
    int64_t most;
};

void histogram_init(struct histogram *histogram);
void histogram_free(struct histogram *histogram);

/* The bucket of value >= 0. */
static inline int32_t histogram_bucket(int64_t value)
{
    if (value < 1 << HISTOGRAM_BITS) {
        return (int32_t)value;
    }
    /* the position of the highest bit says how many low bits the bucket ignores */
    int shift = 63 - HISTOGRAM_BITS - __builtin_clzll((unsigned long long)value);
    return (int32_t)(((int64_t)(shift) << HISTOGRAM_BITS) + (value >> shift));
}

/* The largest value of a bucket. */
static inline int64_t histogram_edge(int32_t bucket)
{
    int shift = (bucket >> HISTOGRAM_BITS) - 1;
    if (shift <= 0) {
        return bucket;
    }
    int64_t mantissa = bucket - ((int64_t)shift << HISTOGRAM_BITS);
    return (int64_t)(((uint64_t)(mantissa + 1) << shift) - 1); /* 2^63 - 1 at most */
}

/* Books `n` values with their exact sum and the largest of them, for a caller that has put
 * them into their buckets itself. */
static inline void histogram_note(struct histogram *histogram, int64_t n, wide sum,
                                  int64_t most)
{
    histogram->n += n;
    histogram->sum += sum;
    if (most > histogram->most && n > 0) {
        histogram->most = most;
    }
}

/* Counts `value` `n` times. */
static inline void histogram_add(struct histogram *histogram, int64_t value, int64_t n)
{
    histogram->counts[histogram_bucket(value)] += n;
    histogram_note(histogram, n, (wide)value * n, value);
}

/* The nearest-rank quantile, rank ceil(numerator / denominator x n), as its bucket's upper
 * edge but never above the largest value.  0 if there is none. */
int64_t histogram_quantile(const struct histogram *histogram, int64_t numerator,
                           int64_t denominator);

#endif
