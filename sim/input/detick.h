/* detick: arrivals that were logged on ticks, spread over them.
 *
 * Mooncake's arrivals stand on ticks of 3 s, ten requests on each: replayed as they are they
 * come as a burst every 3 s.  An arrival at t becomes t + U, U uniform on [0, tick), or on
 * [0, next - t) where the next instant of the trace is nearer than a tick, so that time never
 * goes back.  The n requests of one instant get n such numbers in ascending order: the order
 * of the file stays.
 *
 * How many requests an instant has must be known before the first of them is given, so the
 * file is read by a second reader that is one instant ahead.  Memory: 8 bytes for each request
 * of the fullest instant.
 */
#ifndef SERVESIM_INPUT_DETICK_H
#define SERVESIM_INPUT_DETICK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "input/trace.h"

/* Zeroed it moves nothing. */
struct detick {
    int64_t tick_ns; /* 0: arrivals stay where they are */
    uint64_t seed;
    const char *path;
    struct trace *ahead;
    bool has_begun;
    int64_t ahead_ns;    /* the next instant; -1: there is none */
    int64_t at_ns;       /* this instant */
    int64_t *offsets_ns; /* of its requests, in ascending order */
    int64_t n_offsets;
    int64_t next; /* of them */
    int64_t room; /* for them */
    struct rng rng;
};

/* Begins.  `ahead` is a reader of the same file in the same way as the one that detick_next()
 * will be given, and becomes the detick's own; `path` is for messages and must outlive it.
 * The numbers are of the stream "detick" of `seed`. */
void detick_init(struct detick *detick, struct trace *ahead, const char *path,
                 int64_t tick_ns, uint64_t seed);

/* trace_next(), with the arrival moved. */
int detick_next(struct detick *detick, struct trace *trace, struct trace_row *row,
                struct err *err);

/* trace_rewind(): the same numbers again. */
int detick_rewind(struct detick *detick, struct trace *trace, struct err *err);

void detick_close(struct detick *detick);

#endif
