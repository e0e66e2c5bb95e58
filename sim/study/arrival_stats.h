/* arrival_stats: how the arrivals of a trace follow each other, as a few numbers.
 *
 * The definitions are those of ../shared/traces/STATS.md:
 *
 *   gap cv     population standard deviation / mean of the gaps between arrivals
 *   idcW       index of dispersion: population variance / mean of the counts in windows of
 *              W seconds; 1 for Poisson arrivals at any W.  Windows lie side by side from the
 *              first arrival on; only whole ones count, the last one with its end, as in
 *              numpy.histogram.  Fewer than two: not known
 *   peak, idle the fullest and the emptiest of the windows of 60 s
 *   sliding    the most arrivals in any 60 s, [t, t + 60)
 *
 * Sums are integers and exact.  Memory: 8 bytes for each arrival of the busiest minute.
 */
#ifndef SERVESIM_STUDY_ARRIVAL_STATS_H
#define SERVESIM_STUDY_ARRIVAL_STATS_H

#include <stdint.h>

#include "base/wide.h"

enum { ARRIVAL_STATS_WINDOWS = 3 };

/* Seconds: 1, 10, 60. */
extern const int64_t arrival_stats_windows_s[ARRIVAL_STATS_WINDOWS];

/* Counts in windows of one length. */
struct arrival_windows {
    int64_t index;   /* of the window of the last arrival */
    int64_t count;   /* in it */
    int64_t at_edge; /* of these, at its very beginning */
    int64_t before;  /* in the window before it */
    wide n_counted;  /* in all windows up to the one before that, and their squares */
    wide squares;
    int64_t most;
    int64_t least;
};

/* Zeroed it is empty and ready. */
struct arrival_stats {
    int64_t n;
    int64_t n_instants; /* arrivals later than the one before, and the first */
    int64_t first_ns;
    int64_t last_ns;
    wide gap_squares; /* of nanoseconds: at most the span's square, 10^36 */
    struct arrival_windows windows[ARRIVAL_STATS_WINDOWS];
    int64_t *recent_ns; /* a ring: the last 60 s */
    int64_t room;       /* a power of two */
    int64_t oldest;     /* arrivals that have left the ring */
    int64_t most_recent;
};

/* The next arrival, not before the last one. */
void arrival_stats_add(struct arrival_stats *stats, int64_t arrival_ns);

/* Requests per second between the first and the last; NAN if there is no time between. */
double arrival_stats_rate(const struct arrival_stats *stats);

/* NAN where it is not known. */
double arrival_stats_gap_cv(const struct arrival_stats *stats);
double arrival_stats_idc(const struct arrival_stats *stats, int32_t window);

/* Requests per second in the fullest and the emptiest window of 60 s, and in the fullest 60 s
 * of all; NAN if there was none. */
double arrival_stats_peak(const struct arrival_stats *stats);
double arrival_stats_idle(const struct arrival_stats *stats);
double arrival_stats_sliding(const struct arrival_stats *stats);

void arrival_stats_free(struct arrival_stats *stats);

#endif
