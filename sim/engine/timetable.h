/* timetable: how many replicas there should be, by the time of the day.
 *
 * "0:4 8h:16 20h:4" with a period of 24h: 4 from the period's begin on, 16 from 8h, 4 from
 * 20h.  Before the first moment of a period the last number of the one before holds, in
 * the first period, too.  A run begins at the begin of a period.
 */
#ifndef SERVESIM_ENGINE_TIMETABLE_H
#define SERVESIM_ENGINE_TIMETABLE_H

#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

struct timetable_point {
    int64_t at_ns; /* after the begin of the period */
    int64_t n_replicas;
};

struct timetable {
    int64_t period_ns;
    struct timetable_point *points; /* in order of time */
    int32_t n;
};

/* Reads such a text; bare times are seconds.  -1 and the reason ("'8x' is not ...") if it
 * is not one. */
int timetable_read(struct timetable *schedule, const char *text, int64_t period_ns,
                   struct arena *arena, struct err *err);

/* The number at a time of the run; there is at least one point. */
int64_t timetable_at(const struct timetable *schedule, int64_t now_ns);

/* The greatest number in it; 0 if it is empty. */
int64_t timetable_most(const struct timetable *schedule);

#endif
