#include "study/workload_fit_traffic.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "study/arrival_stats.h"

enum { MOST_GAPS = 1000000, MOST_REQUESTS = 500000, MOST_DRAWN_GAPS = 200000 };

static const int64_t most_draws = 4000000; /* of all traces of a process */

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void fill(const struct arrival_stats *stats,
                 double figures[WORKLOAD_FIT_FIGURES])
{
    figures[WORKLOAD_FIT_RATE] = arrival_stats_rate(stats);
    figures[WORKLOAD_FIT_GAP_CV] = arrival_stats_gap_cv(stats);
    figures[WORKLOAD_FIT_IDC_1] = arrival_stats_idc(stats, 0);
    figures[WORKLOAD_FIT_IDC_10] = arrival_stats_idc(stats, 1);
    figures[WORKLOAD_FIT_IDC_60] = arrival_stats_idc(stats, 2);
    figures[WORKLOAD_FIT_PEAK] = arrival_stats_peak(stats);
}

void workload_fit_traffic_init(struct workload_fit_traffic *traffic,
                               const int64_t *arrivals_ns, int64_t n)
{
    *traffic = (struct workload_fit_traffic){.arrivals_ns = arrivals_ns, .n = n};
    struct arrival_stats stats = {0};
    for (int64_t i = 0; i < n; i++) {
        arrival_stats_add(&stats, arrivals_ns[i]);
    }
    fill(&stats, traffic->figures);
    arrival_stats_free(&stats);
    CHECK(n >= 2);
    int64_t stride = (n - 1 + MOST_GAPS - 1) / MOST_GAPS;
    traffic->gaps_ns =
        memory_new((size_t)((n - 1) / stride + 1), sizeof *traffic->gaps_ns);
    for (int64_t i = 1; i < n; i += stride) {
        traffic->gaps_ns[traffic->n_gaps++] = arrivals_ns[i] - arrivals_ns[i - 1];
    }
    qsort(traffic->gaps_ns, (size_t)traffic->n_gaps, sizeof *traffic->gaps_ns, compare);
}

void workload_fit_traffic_free(struct workload_fit_traffic *traffic)
{
    free(traffic->gaps_ns);
    *traffic = (struct workload_fit_traffic){0};
}

/* The greatest difference of two empirical distributions; `b` is in no order yet. */
static double distance(const int64_t *a, int64_t n_a, int64_t *b, int64_t n_b)
{
    double greatest = 0;
    qsort(b, (size_t)n_b, sizeof *b, compare);
    for (int64_t i = 0, j = 0; i < n_a && j < n_b;) {
        int64_t value = a[i] < b[j] ? a[i] : b[j];
        while (i < n_a && a[i] == value) {
            i++;
        }
        while (j < n_b && b[j] == value) {
            j++;
        }
        double difference = (double)i / (double)n_a - (double)j / (double)n_b;
        greatest = fmax(greatest, fabs(difference));
    }
    return greatest;
}

/* Drawn gaps, some of every trace. */
struct drawn {
    int64_t *gaps_ns;
    int64_t n;
    int64_t room;
};

static void draw_trace(const struct arrivals_spec *spec, uint64_t seed, int64_t n,
                       struct drawn *drawn, int64_t most_gaps,
                       double figures[WORKLOAD_FIT_FIGURES])
{
    static const int64_t end_ns = INT64_C(1000000000000000000);
    struct arrivals arrivals;
    struct arrival_stats stats = {0};
    int64_t before_ns = 0;
    arrivals_init(&arrivals, spec, seed);
    for (int64_t i = 0; i < n; i++) {
        int64_t arrival_ns = arrivals_next(&arrivals);
        if (arrival_ns >= end_ns) {
            break;
        }
        if (i > 0 && i <= most_gaps) {
            drawn->gaps_ns[drawn->n++] = arrival_ns - before_ns;
        }
        before_ns = arrival_ns;
        arrival_stats_add(&stats, arrival_ns);
    }
    fill(&stats, figures);
    arrival_stats_free(&stats);
    arrivals_free(&arrivals);
}

/* How far the trace is from what was drawn; what is not known of one of them is left out. */
static void judge(const struct workload_fit_traffic *traffic,
                  struct workload_fit_likeness *likeness)
{
    static const double little = 0.01; /* figures may be 0 */
    double squares = 0;
    int n = 0;
    for (int i = WORKLOAD_FIT_GAP_CV; i <= WORKLOAD_FIT_IDC_60; i++) {
        double trace = traffic->figures[i];
        double mean = likeness->mean[i];
        if (isnan(trace) || isnan(mean)) {
            continue;
        }
        double off = log((trace + little) / (mean + little));
        double spread = fmax(likeness->deviation[i] / (mean + little), little);
        squares += off * off;
        likeness->most_deviations = fmax(likeness->most_deviations, fabs(off) / spread);
        n++;
    }
    likeness->miss = n > 0 ? sqrt(squares / n) : 0;
}

struct workload_fit_likeness workload_fit_traffic_compare(
    const struct workload_fit_traffic *traffic, const struct arrivals_spec *spec,
    int32_t most_traces, const volatile sig_atomic_t *interrupted)
{
    struct workload_fit_likeness likeness = {0};
    int64_t n = traffic->n < MOST_REQUESTS ? traffic->n : MOST_REQUESTS;
    int64_t n_traces = most_draws / n < most_traces ? most_draws / n : most_traces;
    int64_t most_gaps = MOST_DRAWN_GAPS / n_traces;
    struct drawn drawn = {.gaps_ns = memory_new(MOST_DRAWN_GAPS, sizeof(int64_t))};
    double squares[WORKLOAD_FIT_FIGURES] = {0};
    for (int64_t i = 0; i < n_traces; i++) {
        double figures[WORKLOAD_FIT_FIGURES];
        if (interrupted != NULL && *interrupted) {
            free(drawn.gaps_ns);
            return (struct workload_fit_likeness){0};
        }
        draw_trace(spec, (uint64_t)i + 1, n, &drawn, most_gaps, figures);
        for (int j = 0; j < WORKLOAD_FIT_FIGURES; j++) {
            likeness.mean[j] += figures[j];
            squares[j] += figures[j] * figures[j];
        }
    }
    likeness.n_traces = (int32_t)n_traces;
    for (int j = 0; j < WORKLOAD_FIT_FIGURES; j++) {
        double mean = likeness.mean[j] / (double)n_traces;
        double variance = squares[j] / (double)n_traces - mean * mean;
        likeness.mean[j] = mean;
        likeness.deviation[j] = sqrt(fmax(variance, 0));
    }
    likeness.ks = distance(traffic->gaps_ns, traffic->n_gaps, drawn.gaps_ns, drawn.n);
    free(drawn.gaps_ns);
    judge(traffic, &likeness);
    return likeness;
}

double workload_fit_traffic_idc(const struct workload_fit_traffic *traffic,
                                int64_t window_s, int64_t *n_windows)
{
    const int64_t *at_ns = traffic->arrivals_ns;
    int64_t window_ns = window_s * 1000000000;
    int64_t n = (at_ns[traffic->n - 1] - at_ns[0]) / window_ns;
    double sum = 0;
    double squares = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < traffic->n; i++) {
        count++;
        int64_t index = (at_ns[i] - at_ns[0]) / window_ns;
        bool ends =
            i + 1 == traffic->n || (at_ns[i + 1] - at_ns[0]) / window_ns > index;
        if (ends && index < n) {
            sum += (double)count;
            squares += (double)count * (double)count;
        }
        count = ends ? 0 : count;
    }
    *n_windows = n;
    double mean = sum / (double)n;
    return n >= 2 && sum > 0 ? (squares / (double)n - mean * mean) / mean : NAN;
}
