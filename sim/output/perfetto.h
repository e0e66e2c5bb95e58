/* perfetto: trace.json, a run as ui.perfetto.dev and chrome://tracing draw it.
 *
 * The JSON of Chrome's trace events ("Trace Event Format", Google, 2016): a process per
 * pool, a thread per replica, a slice per step with what bounds it, counters of KV blocks,
 * requests and power, instants where a replica's life changes.  Requests are slices of a
 * process of their own, in as many lanes as there were requests at once, with arrows to the
 * steps in which they began and ended.
 *
 * Bounded three ways: a window of time, so many events, so many requests.  Where there are
 * more events than that the trace ends early, at a moment that depends on nothing but the
 * run, and says so: spans and `--stepwise` write the same bytes.  In memory until the end:
 * at most twice as many events (about 100 bytes each) and requests as the bounds say.
 */
#ifndef SERVESIM_OUTPUT_PERFETTO_H
#define SERVESIM_OUTPUT_PERFETTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/probe.h"
#include "engine/sim.h"

struct perfetto_options {
    int64_t from_ns;
    int64_t until_ns; /* 0: the end of the run */
    int64_t most_events;
    int64_t most_requests; /* the first that are in the window */
};

/* In the order in which they come at one instant. */
enum perfetto_kind { PERFETTO_LOAD, PERFETTO_HELD, PERFETTO_LIFE, PERFETTO_STEP };

struct perfetto_step {
    int64_t end_ns;
    int64_t n_decodes;
    int64_t n_chunks;
    int64_t prompt_tokens;
    int64_t draft_tokens;
    int64_t context;
    int64_t blocks;
    int64_t mw;
    enum probe_end how;
    int32_t bound;       /* enum bound: of most of its time ... */
    int32_t share_milli; /* ... which is this part of it */
};

struct perfetto_event {
    int64_t at_ns;
    int64_t order; /* in which they were told */
    int32_t replica;
    enum perfetto_kind kind;
    union {
        struct perfetto_step step;
        struct {
            int64_t running;
            int64_t waiting;
        } load;
        int64_t held_blocks;
        struct probe_life life;
    };
};

struct perfetto_request {
    struct probe_record record; /* `labels` is a copy of the id, or NULL */
    int32_t lane;
};

/* What was last told of a replica. */
struct perfetto_replica {
    int64_t running;
    int64_t waiting;
    enum life_state first; /* its life when the window begins */
};

struct perfetto {
    struct perfetto_options options;
    int64_t until_ns;
    int64_t first_ns; /* of the window */
    bool is_cut;
    struct perfetto_event *events;
    int64_t n;
    int64_t room;
    int64_t n_told;
    struct perfetto_request *requests;
    int64_t n_requests;
    int64_t request_room;
    struct perfetto_replica *replicas;
    int32_t n_replicas;
};

void perfetto_init(struct perfetto *perfetto, const struct perfetto_options *options);
void perfetto_free(struct perfetto *perfetto);

/* What the probe of a run passes on. */
void perfetto_slice(struct perfetto *perfetto, const struct replica *replica,
                    const struct probe_slice *slice);
void perfetto_load(struct perfetto *perfetto, const struct replica *replica,
                   const struct probe_load *load);
void perfetto_life(struct perfetto *perfetto, const struct replica *replica,
                   const struct probe_life *life);
void perfetto_finish(struct perfetto *perfetto, const struct probe_record *record);

/* The run is over: sorts what was collected by replica and time, and gives every request
 * its lane; returns how many lanes there are. */
int32_t perfetto_close(struct perfetto *perfetto, int64_t end_ns);

/* The step of the replica that begins at `at_ns`, or the last one that begins before;
 * NULL: none.  After perfetto_close(). */
const struct perfetto_event *perfetto_find(const struct perfetto *perfetto,
                                           int32_t replica, int64_t at_ns);

/* Writes trace.json, after perfetto_close(). */
int perfetto_write(const struct perfetto *perfetto, const struct sim *sim,
                   int32_t n_lanes, const char *folder, struct err *err);

#endif
