/* observed: a server's own metrics beside a simulation of it, interval by interval.
 *
 * The trace that the server was given is replayed on the configuration that says what
 * served it, and the replay is asked for the same metrics at the same times, of which 0 is
 * when the trace began.  What differs has four causes, in the order in which they act:
 *
 *   traffic      requests, their prompts or outputs are not those of the trace
 *   hit rate     other shares of the prompts were found in the cache
 *   step time    steps take longer, or less long, than such steps are priced
 *   scheduling   requests run, wait or are preempted in other numbers
 *
 * A later cause gets only the blame that is left.  What came is counted as finished plus
 * what the server holds more than before, so a slow server does not look like less
 * traffic; where clients wait for answers, only what they ask for counts, not how often.
 * Step times are compared at the observed batch: the replay's ITL times the price of a
 * mean step of the observed interval over the price of the replay's own.  Scheduling is
 * compared with a second replay, whose steps take what was observed.  But nobody can
 * replay the traffic or the hits that were not there: where one of them drifted,
 * scheduling that drifted may follow from it, and the verdict says so.
 */
#ifndef SERVESIM_STUDY_OBSERVED_H
#define SERVESIM_STUDY_OBSERVED_H

#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "engine/pool.h"
#include "input/config.h"
#include "input/measured.h"

enum observed_cause {
    OBSERVED_TRAFFIC,
    OBSERVED_HIT_RATE,
    OBSERVED_STEP_TIME,
    OBSERVED_SCHEDULING,
    N_OBSERVED_CAUSES /* what users see has many causes */
};

/* What is compared.  Latencies come last: they are what follows from the rest. */
enum observed_quantity {
    OBSERVED_REQUESTS,
    OBSERVED_PROMPT,
    OBSERVED_OUTPUT,
    OBSERVED_HITS,
    OBSERVED_STEP,
    OBSERVED_RUNNING,
    OBSERVED_WAITING,
    OBSERVED_PREEMPTIONS,
    OBSERVED_KV_USED, /* follows from who runs: no verdict */
    OBSERVED_TTFT,
    OBSERVED_ITL,
    OBSERVED_E2E,
    N_OBSERVED_QUANTITIES
};

/* Beyond this share of what is simulated something has drifted: repeated measurements of
 * one server differ by a few percent. */
static const double OBSERVED_DRIFT = 0.1;

/* One quantity in one interval: a ratio of sums, so that means are weighted as they
 * should be.  Not observed: NAN. */
struct observed_ratio {
    double numerator;
    double denominator;
};

struct observed_pair {
    struct observed_ratio observed;
    struct observed_ratio simulated;
};

/* A value of a row; NAN if it was not measured. */
static inline double observed_known(int64_t value)
{
    return value == MEASURED_NONE ? NAN : (double)value;
}

/* A quantity over all intervals in which it was observed. */
struct observed_result {
    struct observed_pair *pairs; /* by interval, from 0 */
    double observed;             /* NAN: never */
    double simulated;
    double drift;       /* NAN: not observed */
    double correlation; /* NAN: fewer than three intervals, or one does not vary */
};

struct observed {
    char file[256];
    bool is_closed; /* clients wait for answers: requests come as they are served */
    int64_t n;      /* intervals; interval i ends at rows[i + 1] */
    struct measured_interval *rows;
    int64_t *lines;                 /* of the file, by row; 0: rows[0] if it has none */
    struct measured_interval *once; /* the replay's */
    struct measured_interval *again; /* of the one whose steps take what was observed */
    double step_factor;              /* by which they take longer */
    struct observed_result results[N_OBSERVED_QUANTITIES];
    double drifts[N_OBSERVED_CAUSES]; /* the largest of its quantities; NAN: none */
    enum observed_quantity blamed[N_OBSERVED_CAUSES]; /* that quantity */
};

/* Reads the metrics, plays the trace and compares.  Whatever it returns, observed_free()
 * frees. */
int observed_compare(struct observed *observed, const char *path,
                     const struct config *config,
                     const volatile sig_atomic_t *interrupted, struct err *err);
void observed_free(struct observed *observed);

/* The first cause that drifted, N_OBSERVED_CAUSES if none did; and the one that did most. */
enum observed_cause observed_first(const struct observed *observed);
enum observed_cause observed_most(const struct observed *observed);

/* Replays the trace with steps that take `step_factor` times as long.  `played` has a row
 * for each row of `observed`, with all metrics known. */
int observed_play(const struct observed *observed, const struct config *config,
                  double step_factor, const volatile sig_atomic_t *interrupted,
                  struct measured_interval *played, struct err *err);

/* Fills the pairs of a quantity, `played` being the replay; OBSERVED_STEP is beside its
 * prices instead. */
void observed_ratio_fill(struct observed *observed, enum observed_quantity quantity,
                         const struct measured_interval *played);

/* Requests that began to run: finished, or running now and not before. */
double observed_ratio_begun(const struct measured_interval *before,
                            const struct measured_interval *now);

/* How many tokens are in the KV cache, worked out from the requests: of one that runs, and
 * of a cache that is full.  Blocks would say it only if CONFIG had just as many, and if no
 * requests shared any. */
struct observed_context {
    double per_request;
    double per_cache; /* NAN: its use is not known */
};
struct observed_context observed_step_context(const struct measured_interval *rows,
                                              int64_t n);

/* The mean time between two tokens of a sequence, in seconds, as the price of the steps
 * that such an interval is made of; NAN if the row lacks what it takes. */
double observed_step_s(const struct pool *pool, const struct observed_context *context,
                       const struct measured_interval *before,
                       const struct measured_interval *now);

/* The tables and the verdict; `n_worst` of the worst intervals of each quantity. */
void observed_print(FILE *out, const struct observed *observed, int32_t n_worst);

/* A row per interval: each quantity as observed and as simulated. */
void observed_print_rows(FILE *out, const struct observed *observed);

#endif
