/* life: whether a replica is there, and since when: what its time is paid for.
 *
 * paid = busy + idle + starting + failed; busy and idle share the time in which it serves,
 * ready or draining.  A place that is off, or whose GPUs belong to another model just now,
 * costs nothing.
 */
#ifndef SERVESIM_ENGINE_LIFE_H
#define SERVESIM_ENGINE_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"

enum life_state {
    LIFE_OFF,      /* nobody runs it */
    LIFE_STARTING, /* it boots: paid for, at idle power */
    LIFE_READY,
    LIFE_DRAINING, /* it serves those it has, and gets no others */
    LIFE_FAILED,   /* down: paid for, without power */
    LIFE_ASLEEP,   /* its GPUs serve another model */
    N_LIFE_STATES
};

struct life {
    enum life_state state;
    int64_t since_ns;
    wide ns[N_LIFE_STATES]; /* in each of them, up to since_ns */
};

/* "off", "starting" ... */
static inline const char *life_name(enum life_state state)
{
    static const char *const names[N_LIFE_STATES] = {
        [LIFE_OFF] = "off",       [LIFE_STARTING] = "starting",
        [LIFE_READY] = "ready",   [LIFE_DRAINING] = "draining",
        [LIFE_FAILED] = "failed", [LIFE_ASLEEP] = "asleep",
    };
    return names[state];
}

static inline void life_set(struct life *life, enum life_state state, int64_t now_ns)
{
    life->ns[life->state] += now_ns - life->since_ns;
    life->state = state;
    life->since_ns = now_ns;
}

/* Time in a state up to `at_ns`, which is not before the last change. */
static inline wide life_ns(const struct life *life, enum life_state state,
                           int64_t at_ns)
{
    return life->ns[state] + (life->state == state ? at_ns - life->since_ns : 0);
}

/* Time in which it served. */
static inline wide life_on_ns(const struct life *life, int64_t at_ns)
{
    return life_ns(life, LIFE_READY, at_ns) + life_ns(life, LIFE_DRAINING, at_ns);
}

static inline wide life_paid_ns(const struct life *life, int64_t at_ns)
{
    return life_on_ns(life, at_ns) + life_ns(life, LIFE_STARTING, at_ns) +
           life_ns(life, LIFE_FAILED, at_ns);
}

static inline bool life_serves(const struct life *life)
{
    return life->state == LIFE_READY || life->state == LIFE_DRAINING;
}

#endif
