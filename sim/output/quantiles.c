#include "output/quantiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

enum { FIRST_ROOM = 1024 };

void quantiles_init(struct quantiles *quantiles, int64_t most_exact)
{
    *quantiles = (struct quantiles){.most_exact = most_exact};
}

void quantiles_free(struct quantiles *quantiles)
{
    free(quantiles->values);
    histogram_free(&quantiles->histogram);
}

void quantiles_copy(struct quantiles *to, const struct quantiles *from)
{
    *to = *from;
    if (from->folded) {
        histogram_init(&to->histogram);
        int64_t *counts = to->histogram.counts;
        memcpy(counts, from->histogram.counts, HISTOGRAM_BUCKETS * sizeof *counts);
        to->histogram = from->histogram;
        to->histogram.counts = counts;
    } else if (from->room > 0) {
        to->values = memory_new((size_t)from->room, sizeof *to->values);
        memcpy(to->values, from->values, (size_t)from->n * sizeof *to->values);
    }
}

static void fold(struct quantiles *quantiles)
{
    histogram_init(&quantiles->histogram);
    for (int64_t i = 0; i < quantiles->n; i++) {
        histogram_add(&quantiles->histogram, quantiles->values[i], 1);
    }
    free(quantiles->values);
    quantiles->values = NULL;
    quantiles->folded = true;
}

void quantiles_add(struct quantiles *quantiles, int64_t value)
{
    if (quantiles->n == quantiles->most_exact) {
        fold(quantiles);
    }
    if (quantiles->folded) {
        histogram_add(&quantiles->histogram, value, 1);
    } else {
        if (quantiles->n == quantiles->room) {
            quantiles->room = quantiles->room * 2 + FIRST_ROOM;
            quantiles->values = memory_grow(quantiles->values, (size_t)quantiles->room,
                                            sizeof *quantiles->values);
        }
        quantiles->values[quantiles->n] = value;
        quantiles->selected = 0;
    }
    quantiles->n++;
    quantiles->sum += value;
    if (quantiles->squares >> 125 != 0) { /* values are below 2^62 */
        quantiles->squares_lost = true;
    } else {
        quantiles->squares += (wide)value * value;
    }
    quantiles->most = value > quantiles->most ? value : quantiles->most;
}

static void swap(int64_t *a, int64_t *b)
{
    int64_t value = *a;
    *a = *b;
    *b = value;
}

/* The k-th smallest (from 0), which is known to be among values[low ... n - 1]: Hoare's
 * quickselect with the median of three as pivot. */
static int64_t select_kth(int64_t *values, int64_t low, int64_t n, int64_t k)
{
    int64_t high = n - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (values[middle] < values[low]) {
            swap(&values[middle], &values[low]);
        }
        if (values[high] < values[low]) {
            swap(&values[high], &values[low]);
        }
        if (values[high] < values[middle]) {
            swap(&values[high], &values[middle]);
        }
        int64_t pivot = values[middle];
        int64_t i = low;
        int64_t j = high;
        while (i <= j) {
            while (values[i] < pivot) {
                i++;
            }
            while (values[j] > pivot) {
                j--;
            }
            if (i <= j) {
                swap(&values[i++], &values[j--]);
            }
        }
        if (k <= j) {
            high = j;
        } else if (k >= i) {
            low = i;
        } else {
            return values[k];
        }
    }
    return values[k];
}

int64_t quantiles_at(struct quantiles *quantiles, int64_t numerator,
                     int64_t denominator)
{
    CHECK(quantiles->n > 0);
    if (quantiles->folded) {
        return histogram_quantile(&quantiles->histogram, numerator, denominator);
    }
    wide rank = ((wide)numerator * quantiles->n + denominator - 1) / denominator;
    int64_t k = rank > 0 ? (int64_t)rank - 1 : 0;
    int64_t low = k >= quantiles->selected ? quantiles->selected : 0;
    int64_t value = select_kth(quantiles->values, low, quantiles->n, k);
    quantiles->selected = k;
    return value;
}

double quantiles_mean(const struct quantiles *quantiles)
{
    return quantiles->n > 0 ? (double)quantiles->sum / (double)quantiles->n : 0;
}

double quantiles_deviation(const struct quantiles *quantiles)
{
    if (quantiles->n == 0 || quantiles->squares_lost) {
        return quantiles->n == 0 ? 0 : -1;
    }
    /* around the whole part of the mean, so that nothing large cancels or overflows */
    wide about = quantiles->sum / quantiles->n;
    wide rest = quantiles->sum - about * quantiles->n;
    wide spread = quantiles->squares - about * (quantiles->sum + rest);
    double n = (double)quantiles->n;
    double variance = ((double)spread - (double)rest * (double)rest / n) / n;
    return variance > 0 ? sqrt(variance) : 0;
}
