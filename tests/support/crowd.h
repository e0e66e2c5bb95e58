/* crowd: a generated trace in memory, and what it looks like as a whole.
 *
 * The definitions are those of sim/study/arrival_stats.h and length_stats.h.
 */
#ifndef SERVESIM_TESTS_CROWD_H
#define SERVESIM_TESTS_CROWD_H

#include "input/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct crowd {
    int64_t n;
    double *arrival_s;
    int64_t *prompt;
    int64_t *output;
};

/* The trace as text; free() it. */
static inline char *crowd_text(const char *path, const char *const *overrides,
                               int32_t n_overrides)
{
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct err err = {""};
    generate_read(&spec, path, overrides, n_overrides, &arena, &err);
    assert_string_equal(err.text, "");
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    generate_write(&spec, out, NULL, &err);
    assert_string_equal(err.text, "");
    fclose(out);
    memory_arena_free(&arena);
    return text;
}

static inline struct crowd crowd_parse(const char *text)
{
    struct crowd crowd = {0};
    size_t most = strlen(text) / 6; /* bytes of the shortest row */
    crowd.arrival_s = memory_new(most, sizeof *crowd.arrival_s);
    crowd.prompt = memory_new(most, sizeof *crowd.prompt);
    crowd.output = memory_new(most, sizeof *crowd.output);
    const char *row = strchr(text, '\n') + 1;
    while (*row != '\0') {
        char *end = NULL;
        crowd.arrival_s[crowd.n] = strtod(row, &end);
        crowd.prompt[crowd.n] = strtoll(end + 1, &end, 10);
        crowd.output[crowd.n] = strtoll(end + 1, &end, 10);
        assert_int_equal(*end, '\n');
        row = end + 1;
        crowd.n++;
    }
    return crowd;
}

static inline struct crowd crowd_generate(const char *path,
                                          const char *const *overrides,
                                          int32_t n_overrides)
{
    char *text = crowd_text(path, overrides, n_overrides);
    struct crowd crowd = crowd_parse(text);
    free(text);
    return crowd;
}

static inline void crowd_free(struct crowd *crowd)
{
    free(crowd->arrival_s);
    free(crowd->prompt);
    free(crowd->output);
}

static inline double crowd_rate(const struct crowd *crowd)
{
    return (double)crowd->n / (crowd->arrival_s[crowd->n - 1] - crowd->arrival_s[0]);
}

/* Coefficient of variation of the gaps. */
static inline double crowd_gap_cv(const struct crowd *crowd)
{
    double sum = 0;
    double squares = 0;
    double n = (double)(crowd->n - 1);
    for (int64_t i = 1; i < crowd->n; i++) {
        double gap = crowd->arrival_s[i] - crowd->arrival_s[i - 1];
        sum += gap;
        squares += gap * gap;
    }
    return sqrt(squares / n - sum / n * (sum / n)) / (sum / n);
}

/* Variance over mean of the counts in whole windows from the first arrival on. */
static inline double crowd_dispersion(const struct crowd *crowd, double window_s)
{
    double first = crowd->arrival_s[0];
    int64_t n_windows = (int64_t)((crowd->arrival_s[crowd->n - 1] - first) / window_s);
    double squares = 0;
    int64_t counted = 0;
    int64_t i = 0;
    for (int64_t w = 0; w < n_windows; w++) {
        double in_window = 0;
        for (; crowd->arrival_s[i] - first < (double)(w + 1) * window_s; i++) {
            in_window++;
            counted++;
        }
        squares += in_window * in_window;
    }
    double mean = (double)counted / (double)n_windows;
    return (squares / (double)n_windows - mean * mean) / mean;
}

static inline double crowd_mean(const int64_t *values, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)values[i];
    }
    return sum / (double)n;
}

static inline double crowd_correlation(const int64_t *a, const int64_t *b, int64_t n)
{
    double mean_a = crowd_mean(a, n);
    double mean_b = crowd_mean(b, n);
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = (double)a[i] - mean_a;
        double y = (double)b[i] - mean_b;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab / sqrt(aa * bb);
}

static inline int crowd_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static inline int64_t *crowd_sorted(const int64_t *values, int64_t n)
{
    int64_t *sorted = memory_new((size_t)n, sizeof *sorted);
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, crowd_compare);
    return sorted;
}

/* The value below which that share of all lies, by nearest rank. */
static inline double crowd_percentile(const int64_t *values, int64_t n, double share)
{
    int64_t *sorted = crowd_sorted(values, n);
    double value = (double)sorted[(int64_t)(share * (double)(n - 1) + 0.5)];
    free(sorted);
    return value;
}

/* The largest distance between two empirical distributions (Kolmogorov-Smirnov). */
static inline double crowd_distance(const int64_t *a, int64_t n_a, const int64_t *b,
                                    int64_t n_b)
{
    int64_t *x = crowd_sorted(a, n_a);
    int64_t *y = crowd_sorted(b, n_b);
    double most = 0;
    int64_t i = 0;
    int64_t j = 0;
    while (i < n_a && j < n_b) {
        int64_t value = x[i] < y[j] ? x[i] : y[j];
        while (i < n_a && x[i] <= value) {
            i++;
        }
        while (j < n_b && y[j] <= value) {
            j++;
        }
        most = fmax(most, fabs((double)i / (double)n_a - (double)j / (double)n_b));
    }
    free(x);
    free(y);
    return most;
}

#endif
