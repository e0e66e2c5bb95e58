#include "study/arrival_stats.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

const int64_t arrival_stats_windows_s[ARRIVAL_STATS_WINDOWS] = {1, 10, 60};

enum { MINUTE = 2, FIRST_ROOM = 1024 };

static const int64_t second_ns = 1000000000;

/* A window that has ended, or `n` of them that are alike. */
static void close_windows(struct arrival_windows *windows, int64_t count, int64_t n)
{
    windows->n_counted += (wide)count * n;
    windows->squares += (wide)count * count * n;
    windows->most = count > windows->most ? count : windows->most;
    windows->least = count < windows->least ? count : windows->least;
}

/* The one before the last stays open: an arrival at its end may be added to it. */
static void count(struct arrival_windows *windows, int64_t offset_ns, int64_t width_ns)
{
    int64_t index = offset_ns / width_ns;
    int64_t passed = index - windows->index;
    if (passed > 0) {
        if (windows->index > 0) {
            close_windows(windows, windows->before, 1);
        }
        if (passed > 1) {
            close_windows(windows, windows->count, 1);
        }
        if (passed > 2) {
            close_windows(windows, 0, passed - 2);
        }
        windows->before = passed > 1 ? 0 : windows->count;
        windows->count = 0;
        windows->at_edge = 0;
        windows->index = index;
    }
    windows->count++;
    windows->at_edge += offset_ns % width_ns == 0;
}

static void grow(struct arrival_stats *stats)
{
    int64_t room = stats->room > 0 ? 2 * stats->room : FIRST_ROOM;
    int64_t *ring = memory_new((size_t)room, sizeof *ring);
    for (int64_t i = stats->oldest; i < stats->n; i++) {
        ring[i & (room - 1)] = stats->recent_ns[i & (stats->room - 1)];
    }
    free(stats->recent_ns);
    stats->recent_ns = ring;
    stats->room = room;
}

static void slide(struct arrival_stats *stats, int64_t arrival_ns)
{
    while (stats->oldest < stats->n &&
           stats->recent_ns[stats->oldest & (stats->room - 1)] <=
               arrival_ns - 60 * second_ns) {
        stats->oldest++;
    }
    if (stats->n - stats->oldest == stats->room) {
        grow(stats);
    }
    stats->recent_ns[stats->n & (stats->room - 1)] = arrival_ns;
    int64_t n_recent = stats->n - stats->oldest + 1;
    stats->most_recent = n_recent > stats->most_recent ? n_recent : stats->most_recent;
}

void arrival_stats_add(struct arrival_stats *stats, int64_t arrival_ns)
{
    if (stats->n == 0) {
        stats->first_ns = stats->last_ns = arrival_ns;
        for (int i = 0; i < ARRIVAL_STATS_WINDOWS; i++) {
            stats->windows[i].least = INT64_MAX;
        }
    }
    int64_t gap_ns = arrival_ns - stats->last_ns;
    stats->gap_squares += (wide)gap_ns * gap_ns;
    stats->n_instants += gap_ns > 0 || stats->n == 0;
    slide(stats, arrival_ns);
    for (int i = 0; i < ARRIVAL_STATS_WINDOWS; i++) {
        count(&stats->windows[i], arrival_ns - stats->first_ns,
              arrival_stats_windows_s[i] * second_ns);
    }
    stats->last_ns = arrival_ns;
    stats->n++;
}

static double span_s(const struct arrival_stats *stats)
{
    return (double)(stats->last_ns - stats->first_ns) / (double)second_ns;
}

double arrival_stats_rate(const struct arrival_stats *stats)
{
    double span = span_s(stats);
    return span > 0 ? (double)(stats->n - 1) / span : NAN;
}

double arrival_stats_gap_cv(const struct arrival_stats *stats)
{
    int64_t span_ns = stats->last_ns - stats->first_ns;
    if (span_ns == 0) {
        return NAN;
    }
    /* n x the sum of squares / the square of the sum, less 1 */
    double squares = (double)(stats->n - 1) * (double)stats->gap_squares;
    return sqrt(fmax(0, squares / ((double)span_ns * (double)span_ns) - 1));
}

/* All whole windows: those before the last arrival's. */
static struct arrival_windows whole(const struct arrival_stats *stats, int32_t window)
{
    struct arrival_windows windows = stats->windows[window];
    if (windows.index > 0) {
        close_windows(&windows, windows.before + windows.at_edge, 1);
    }
    return windows;
}

double arrival_stats_idc(const struct arrival_stats *stats, int32_t window)
{
    struct arrival_windows windows = whole(stats, window);
    double n = (double)windows.index;
    if (windows.index < 2 || windows.n_counted == 0) {
        return NAN;
    }
    /* the numerator of the variance as an integer: nothing cancels */
    wide spread =
        windows.squares * windows.index - windows.n_counted * windows.n_counted;
    return (double)spread / (n * (double)windows.n_counted);
}

double arrival_stats_peak(const struct arrival_stats *stats)
{
    struct arrival_windows windows = whole(stats, MINUTE);
    return windows.index > 0 ? (double)windows.most / 60 : NAN;
}

double arrival_stats_idle(const struct arrival_stats *stats)
{
    struct arrival_windows windows = whole(stats, MINUTE);
    return windows.index > 0 ? (double)windows.least / 60 : NAN;
}

double arrival_stats_sliding(const struct arrival_stats *stats)
{
    return stats->n > 0 ? (double)stats->most_recent / 60 : NAN;
}

void arrival_stats_free(struct arrival_stats *stats)
{
    free(stats->recent_ns);
    *stats = (struct arrival_stats){0};
}
