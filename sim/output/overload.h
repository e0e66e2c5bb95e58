/* overload: how long requests did not get what they were promised, and how soon again.
 *
 * Time is cut into the intervals of the timeline.  An interval is bad if less than the
 * share `attainment` of the requests that left in it met the SLO; one in which nobody left
 * is like the one before it, or bad if somebody waited in vain by then who left in the next
 * one that has leavers: in whichever order, for those who leave in one instant have none.
 * An episode begins with a bad interval and ends with the first of three good ones in a
 * row: until then nobody would say that it is over.
 */
#ifndef SERVESIM_OUTPUT_OVERLOAD_H
#define SERVESIM_OUTPUT_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "output/metrics.h"

struct overload {
    int64_t interval_ns;
    int64_t attainment_nano;
    int64_t from; /* the first interval that is not judged yet; nobody left in it ... */
    int64_t at;   /* ... nor in any before this one, which is in progress */
    int64_t n;    /* who left in that */
    int64_t n_met;
    int64_t since;    /* when the first of them came who had waited in vain */
    bool is_bad;      /* the last one that is over */
    int64_t n_bad;    /* intervals */
    int64_t n_good;   /* in a row, within an episode */
    int64_t began_at; /* the episode; -1: there is none */
    int64_t n_episodes;
    int64_t longest; /* intervals of an episode */
};

void overload_init(struct overload *overload, int64_t interval_ns,
                   int64_t attainment_nano);

/* A request left; in the order of time, but for those turned away at the door. */
void overload_add(struct overload *overload, int64_t arrival_ns, int64_t finish_ns,
                  bool met);

/* The run ended at `end_ns`: time_above_slo, overload_episodes, time_to_recover (of the
 * longest episode, up to the end if it was not over) and recovered. */
void overload_metrics(struct overload *overload, int64_t end_ns,
                      struct metrics *metrics);

#endif
