/* workload: the requests of a run: a trace, repeated, scaled, cut and measured.
 *
 * Rows stream through; what must be known beforehand (the mean rate for rate_rps, the end
 * for cooldown) is found by reading the file twice.  Instead of a file's rows there may be
 * drawn ones: input/workload_draw.h, input/resample.h.
 */
#ifndef SERVESIM_INPUT_WORKLOAD_H
#define SERVESIM_INPUT_WORKLOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/wide.h"
#include "engine/served.h"
#include "engine/sim.h"
#include "input/config.h"
#include "input/detick.h"
#include "input/names.h"
#include "input/resample.h"
#include "input/sessions.h"
#include "input/trace.h"
#include "input/workload_draw.h"

struct workload {
    const struct config_workload *config;
    const volatile sig_atomic_t *interrupted; /* becomes 1 to stop; NULL: never */
    struct trace *trace;                      /* NULL with a generator */
    struct detick detick;                     /* of its arrivals */
    struct workload_draw *draw;               /* of a generator, or NULL */
    struct resample *resample;                /* blocks of the trace, or NULL */
    const char *file;            /* where the requests stand, for messages */
    struct sessions sessions;    /* inferred ones */
    const struct served *served; /* what models and classes mean; NULL: nothing */
    struct names adapters;
    wide multiply; /* arrivals are multiplied by multiply / divide, half up */
    wide divide;
    int64_t n_given; /* requests handed out */
    int64_t copy;    /* of the trace, from 0 */
    int64_t n_rows;  /* of one copy */
    int64_t first_ns;
    int64_t last_ns;
    int64_t period_ns;       /* by which a copy is later than the one before */
    int64_t window_start_ns; /* arrivals before it are not counted; -1: not known yet */
    int64_t window_end_ns;   /* nor are those after it */
};

/* `seed` is the run's: what is drawn depends on it. */
int workload_open(struct workload *workload, const struct config_workload *config,
                  uint64_t seed, const volatile sig_atomic_t *interrupted,
                  struct err *err);
void workload_close(struct workload *workload);

/* The next arrival, as struct sim_source wants it. */
int workload_next(void *workload, struct sim_arrival *arrival, struct err *err);

/* After the last arrival: the sha256 of the trace's bytes, checked against the config's; ""
 * with a generator. */
int workload_sha256(struct workload *workload, char hex[65], struct err *err);

#endif
