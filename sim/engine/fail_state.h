/* fail_state: what engine/fail.h keeps of a run: units that fail at once, and places. */
#ifndef SERVESIM_ENGINE_FAIL_STATE_H
#define SERVESIM_ENGINE_FAIL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"
#include "engine/fail_lose.h"
#include "engine/lockstep.h"
#include "engine/sim.h"
#include "engine/timer.h"

/* What fails at once by itself: a replica, or those of a node. */
struct fail_unit {
    struct timer timer;
    int32_t first;
    int32_t end;
    int32_t n_ranks; /* of each replica: they fail together */
    int32_t n_nodes; /* that a replica larger than a node has */
    int32_t n_serving;
    int64_t n_drawn;
};

/* What is known of a replica's place; of ranks that step together, that of the first. */
struct fail_place {
    struct fail_unit *unit;
    int32_t number;     /* among all replicas, ranks that step together being one */
    struct timer back;  /* it is repaired, or replaced */
    struct timer spot;  /* it is told that it will be taken back ... */
    struct timer taken; /* ... and is */
    struct timer fast;  /* it is slow no more */
    int64_t n_drawn;    /* of its lifetimes as spot capacity */
    int64_t own_nano;   /* its pace if nothing happens: engine/slow.h */
    bool noticed;       /* from the notice until it is replaced */
    bool wanted;        /* then: it is to be replaced */
    bool gone;          /* off, and to be replaced */
    int64_t replace_ns;
    int64_t gone_since_ns;
    wide gone_ns;
};

struct fail {
    const struct fail_config *config;
    struct fail_unit *units;
    int32_t n_units;
    struct fail_place *places;
    struct timer events;
    int64_t next_event;
    struct fail_lose lose;
};

/* At the same instant: events of the file, then for each replica what comes first here. */
enum {
    FAIL_STATE_UNIT,
    FAIL_STATE_TAKEN,
    FAIL_STATE_SPOT,
    FAIL_STATE_BACK,
    FAIL_STATE_FAST,
    FAIL_STATE_ORDERS
};

static inline struct replica *fail_state_replica(struct sim *sim,
                                                 const struct timer *timer)
{
    return &sim->replicas[timer->order / FAIL_STATE_ORDERS];
}

static inline struct fail_place *fail_state_place(const struct sim *sim,
                                                  const struct replica *replica)
{
    return &sim->fail->places[lockstep_first(replica)];
}

/* By which its lifetimes are drawn. */
static inline int32_t fail_state_number(const struct sim *sim,
                                        const struct fail_unit *unit)
{
    return sim->fail->places[unit->first].number;
}

#endif
