#include "study/workload_fit_onoff.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "study/mixture_fit.h"

enum { FEWEST_BURSTS = 10, MOST_COMPONENTS = 4, CELLS_PER_UNIT = 20, FEW_TRACES = 8 };

/* What a trace is cut into by a threshold. */
struct cut {
    int64_t threshold_ns;
    int64_t n_bursts;
    int64_t largest;
    double silent_s;
    double longest_s;  /* silence */
    double burst_gaps; /* seconds of all gaps within bursts, and how many */
    int64_t n_burst_gaps;
};

static struct cut cut_of(const struct workload_fit_traffic *traffic,
                         int64_t threshold_ns)
{
    struct cut cut = {.threshold_ns = threshold_ns, .n_bursts = 1};
    int64_t size = 1;
    for (int64_t i = 1; i < traffic->n; i++) {
        int64_t gap_ns = traffic->arrivals_ns[i] - traffic->arrivals_ns[i - 1];
        double gap_s = (double)gap_ns / 1e9;
        cut.largest = size > cut.largest ? size : cut.largest;
        if (gap_ns >= threshold_ns) {
            cut.n_bursts++;
            cut.silent_s += gap_s;
            cut.longest_s = fmax(cut.longest_s, gap_s);
            size = 0;
        } else {
            cut.burst_gaps += gap_s;
            cut.n_burst_gaps++;
        }
        size++;
    }
    cut.largest = size > cut.largest ? size : cut.largest;
    return cut;
}

/* Whether silence shows. */
static bool is_visible(const struct cut *cut)
{
    double threshold_s = (double)cut->threshold_ns / 1e9;
    return cut->n_bursts >= FEWEST_BURSTS && cut->n_burst_gaps >= FEWEST_BURSTS &&
           cut->burst_gaps / (double)cut->n_burst_gaps < threshold_s / 10 &&
           cut->silent_s > 0.2 * (cut->silent_s + cut->burst_gaps);
}

/* Logarithms in cells of equal width. */
struct tally {
    double *counts;
    int32_t n;
    double first;
    double total;
};

static void tally_init(struct tally *tally, double first, double last)
{
    double width = (last - first) * CELLS_PER_UNIT;
    *tally = (struct tally){.n = (int32_t)fmax(width, 0) + 2, .first = first};
    tally->counts = memory_new((size_t)tally->n, sizeof *tally->counts);
}

static void tally_add(struct tally *tally, double value)
{
    double place = (value - tally->first) * CELLS_PER_UNIT;
    int32_t i = place > 0 ? (int32_t)place : 0;
    tally->counts[i < tally->n ? i : tally->n - 1]++;
    tally->total++;
}

/* The cells that hold something; free() the list.  Fewer than two: a mixture of them has no
 * width. */
static struct mixture_fit_cells tally_cells(const struct tally *tally)
{
    struct mixture_fit_cells cells = {.count = tally->total};
    cells.list = memory_new((size_t)tally->n, sizeof *cells.list);
    for (int32_t i = 0; i < tally->n; i++) {
        if (tally->counts[i] > 0) {
            cells.list[cells.n++] = (struct mixture_fit_cell){
                .low = tally->first + (double)i / CELLS_PER_UNIT,
                .high = tally->first + (double)(i + 1) / CELLS_PER_UNIT,
                .count = tally->counts[i],
            };
        }
    }
    return cells;
}

/* The mixture of what was tallied, of `most` components at most. */
static struct mixture tally_fit(const struct tally *tally, int32_t most,
                                double least_sigma,
                                const volatile sig_atomic_t *interrupted)
{
    struct mixture_fit_cells cells = tally_cells(tally);
    struct mixture mixture = {.n_components = 1, .weight = {1}, .sigma = {1e-4}};
    cells.least_sigma = least_sigma;
    if (cells.n >= 2) {
        mixture = mixture_fit_best(&cells, most, interrupted).mixture;
    } else if (cells.n == 1) {
        mixture.mu[0] = (cells.list[0].low + cells.list[0].high) / 2;
    }
    free(cells.list);
    return mixture;
}

/* Bursts of whole requests: a size s stands for all from s - 0.5 to s + 0.5. */
static struct mixture fit_sizes(const struct workload_fit_traffic *traffic,
                                const struct cut *cut,
                                const volatile sig_atomic_t *interrupted)
{
    double *counts = memory_new((size_t)cut->largest + 1, sizeof *counts);
    int64_t size = 1;
    for (int64_t i = 1; i <= traffic->n; i++) {
        if (i == traffic->n || traffic->arrivals_ns[i] - traffic->arrivals_ns[i - 1] >=
                                   cut->threshold_ns) {
            counts[size]++;
            size = 0;
        }
        size++;
    }
    struct mixture_fit_cells cells = {.count = (double)cut->n_bursts};
    cells.list = memory_new((size_t)cut->n_bursts, sizeof *cells.list);
    for (int64_t s = 1; s <= cut->largest; s++) {
        if (counts[s] > 0) {
            cells.list[cells.n++] = (struct mixture_fit_cell){
                .low = s == 1 ? -INFINITY : log((double)s - 0.5),
                .high = log((double)s + 0.5),
                .count = counts[s],
            };
        }
    }
    struct mixture mixture = {.n_components = 1, .weight = {1}, .sigma = {1e-4}};
    mixture.mu[0] = log((double)cut->largest);
    if (cells.n >= 2) {
        mixture = mixture_fit_best(&cells, 1, interrupted).mixture;
    }
    free(cells.list);
    free(counts);
    return mixture;
}

static int64_t nano(double value)
{
    return llround(fmin(fmax(value, -50), 50) * 1e9);
}

/* The gaps of bursts, and the silences above the threshold. */
struct tallies {
    struct tally gaps;
    struct tally offs;
};

static void tallies_fill(struct tallies *tallies,
                         const struct workload_fit_traffic *traffic,
                         const struct cut *cut)
{
    /* a gap of nothing is taken for one of half a microsecond, which nobody can tell */
    static const double least_gap_s = 5e-7;
    static const double least_off_s = 1e-3;
    double threshold_s = (double)cut->threshold_ns / 1e9;
    tally_init(&tallies->gaps, log(least_gap_s), log(threshold_s));
    tally_init(&tallies->offs, log(least_off_s), log(cut->longest_s));
    for (int64_t i = 1; i < traffic->n; i++) {
        int64_t gap_ns = traffic->arrivals_ns[i] - traffic->arrivals_ns[i - 1];
        double gap_s = (double)gap_ns / 1e9;
        if (gap_ns >= cut->threshold_ns) {
            tally_add(&tallies->offs, log(fmax(gap_s - threshold_s, least_off_s)));
        } else {
            tally_add(&tallies->gaps, log(fmax(gap_s, least_gap_s)));
        }
    }
}

/* All but gaps and pace. */
static void fill(struct arrivals_spec *spec, const struct workload_fit_traffic *traffic,
                 const struct cut *cut, const struct tally *offs,
                 const volatile sig_atomic_t *interrupted)
{
    struct mixture sizes = fit_sizes(traffic, cut, interrupted);
    struct mixture silence = tally_fit(offs, 1, 0, interrupted);
    *spec = (struct arrivals_spec){
        .process = ARRIVALS_ONOFF,
        .burst_mu_nano = nano(sizes.mu[0]),
        .burst_sigma_nano = nano(fmin(sizes.sigma[0], 10)),
        .burst_max = cut->largest,
        .gap_max_ns = cut->threshold_ns,
        .off_min_ns = cut->threshold_ns,
        .off_mu_nano = nano(silence.mu[0]),
        .off_sigma_nano = nano(fmin(silence.sigma[0], 10)),
        .off_max_ns = llround(cut->longest_s * 1e9),
    };
}

/* Gaps of a burst are multiplied by a lognormal factor of mean 1.  What all gaps together look
 * like is the mixture times the factor, so what was seen has its variance in it. */
static void fill_gaps(struct arrivals_spec *spec, const struct tally *gaps, double pace,
                      const volatile sig_atomic_t *interrupted)
{
    spec->pace_sigma_nano = nano(pace);
    spec->pace_mu_nano = nano(-pace * pace / 2);
    spec->gap = tally_fit(gaps, MOST_COMPONENTS, pace, interrupted);
    for (int32_t j = 0; j < spec->gap.n_components; j++) {
        double own = spec->gap.sigma[j] * spec->gap.sigma[j] - pace * pace;
        spec->gap.sigma[j] = sqrt(fmax(own, 1e-8));
        spec->gap.mu[j] += pace * pace / 2;
    }
}

/* What the mean rate is off counts as well, for bursts and silence have none of their own, and
 * so do the gaps. */
static double miss_of(const struct workload_fit_traffic *traffic,
                      const struct workload_fit_likeness *likeness)
{
    double off =
        log(traffic->figures[WORKLOAD_FIT_RATE] / likeness->mean[WORKLOAD_FIT_RATE]);
    return sqrt(likeness->miss * likeness->miss + off * off +
                likeness->ks * likeness->ks);
}

/* Keeps in `best` what misses the trace least so far. */
static void try_paces(struct arrivals_spec *best, double *least,
                      const struct workload_fit_traffic *traffic, const struct cut *cut,
                      const volatile sig_atomic_t *interrupted)
{
    static const double paces[] = {0, 0.2, 0.4, 0.6, 0.8};
    struct tallies tallies;
    struct arrivals_spec tried;
    tallies_fill(&tallies, traffic, cut);
    fill(&tried, traffic, cut, &tallies.offs, interrupted);
    for (size_t i = 0; i < sizeof paces / sizeof *paces; i++) {
        fill_gaps(&tried, &tallies.gaps, paces[i], interrupted);
        struct workload_fit_likeness likeness =
            workload_fit_traffic_compare(traffic, &tried, FEW_TRACES, interrupted);
        if (likeness.n_traces == 0) {
            break;
        }
        double miss = miss_of(traffic, &likeness);
        if (miss < *least) {
            *least = miss;
            *best = tried;
        }
    }
    free(tallies.gaps.counts);
    free(tallies.offs.counts);
}

bool workload_fit_onoff_of(struct arrivals_spec *spec,
                           const struct workload_fit_traffic *traffic,
                           const volatile sig_atomic_t *interrupted)
{
    static const double thresholds_s[] = {0.1, 0.3, 1, 2, 3, 5, 10, 20, 30, 60, 120};
    double least = INFINITY;
    for (size_t i = 0; i < sizeof thresholds_s / sizeof *thresholds_s; i++) {
        struct cut cut = cut_of(traffic, llround(thresholds_s[i] * 1e9));
        if (is_visible(&cut)) {
            try_paces(spec, &least, traffic, &cut, interrupted);
        }
    }
    return isfinite(least);
}
