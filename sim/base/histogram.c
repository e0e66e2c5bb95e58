#include "base/histogram.h"

#include <stdlib.h>

#include "base/memory.h"

void histogram_init(struct histogram *histogram)
{
    *histogram = (struct histogram){
        .counts = memory_new(HISTOGRAM_BUCKETS, sizeof *histogram->counts),
    };
}

void histogram_free(struct histogram *histogram)
{
    free(histogram->counts);
    histogram->counts = NULL;
}

int64_t histogram_quantile(const struct histogram *histogram, int64_t numerator,
                           int64_t denominator)
{
    if (histogram->n == 0) {
        return 0;
    }
    wide rank = ((wide)numerator * histogram->n + denominator - 1) / denominator;
    wide below = 0;
    for (int32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += histogram->counts[i];
        if (below >= rank) {
            int64_t edge = histogram_edge(i);
            return edge < histogram->most ? edge : histogram->most;
        }
    }
    return histogram->most;
}
