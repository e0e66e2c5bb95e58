/* generate: a workload that looks like real traffic, from a few numbers.
 *
 * A workload file says how requests arrive ([arrivals], [modulation]), how long prompts and outputs
 * are ([prompt], [output]) and how the two go together: a Gaussian copula, which leaves
 * both distributions as they are.  It may say more: who the clients are, that an arrival
 * begins a session or an agent's task, what prompts share (input/talk.h).  The same file
 * and seed give the same trace; arrivals, prompts and outputs have random streams of their
 * own, so that changing one of them leaves the others alone.
 */
#ifndef SERVESIM_INPUT_GENERATE_H
#define SERVESIM_INPUT_GENERATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"
#include "input/arrivals.h"
#include "input/lengths.h"
#include "input/talk.h"
#include "input/talk_blocks.h"
#include "input/talk_draw.h"
#include "input/talk_queue.h"
#include "input/trace.h"
#include "input/trace_write.h"

struct generate_spec {
    const char *path;
    int64_t n_requests; /* at most; what comes first ends the trace */
    int64_t duration_ns;
    bool has_duration; /* false: fewer than n_requests are an error */
    int64_t skip_ns;   /* time before the trace's, in which sessions may have begun */
    int64_t seed;
    int64_t copula_rho_nano;
    struct arrivals_spec arrivals;
    const struct talk_client *clients; /* one at least */
    int32_t n_clients;
};

/* The keys of [workload]. */
extern const struct field_table generate_table;

/* Reads the workload at `path`, then `n_overrides` texts "section.key=value".  What it
 * points to lives in the arena. */
int generate_read(struct generate_spec *spec, const char *path,
                  const char *const *overrides, int32_t n_overrides,
                  struct arena *arena, struct err *err);

/* A trace being drawn. */
struct generate_draw {
    const struct generate_spec *spec;
    struct arrivals arrivals;
    struct talk_draw talk;
    struct talk_queue queue; /* what has begun and is not over */
    struct talk_blocks blocks;
    bool has_blocks; /* rows tell hash ids; to be set before the first one */
    bool waits;      /* some rows wait for others, so they have ids */
    bool has_start;  /* the next arrival is known, */
    bool has_ended;  /* or there is none before the end */
    int64_t start_ns;
    int64_t n; /* requests drawn */
    char request_id[TRACE_LABEL_BYTES + 1];
    char session_id[TRACE_LABEL_BYTES + 1];
    char prefix[TRACE_LABEL_BYTES + 1];
    char parent_id[TRACE_PARENT_BYTES + 1];
};

/* Starts at the first request; generate_stop() it.  The spec must outlive it. */
void generate_start(struct generate_draw *draw, const struct generate_spec *spec);
void generate_stop(struct generate_draw *draw);

/* The next request, its number from 1 on in place of a line: 1, 0 after the last, -1 if
 * too few come before the end.  Texts are valid until the next call. */
int generate_next(struct generate_draw *draw, struct trace_row *row, struct err *err);

/* When the last request comes, for which arrivals alone are drawn if each is one request; -1
 * as above. */
int generate_last(const struct generate_spec *spec,
                  const volatile sig_atomic_t *interrupted, int64_t *last_ns,
                  struct err *err);

/* Writes the trace in a format as it is drawn, and flushes `out`.  -1 if a write fails or
 * too few requests come before the end: then `out` holds a part. */
int generate_write_as(const struct generate_spec *spec,
                      const struct trace_write_format *format, FILE *out,
                      const volatile sig_atomic_t *interrupted, struct err *err);

/* The same in the plain format. */
int generate_write(const struct generate_spec *spec, FILE *out,
                   const volatile sig_atomic_t *interrupted, struct err *err);

#endif
