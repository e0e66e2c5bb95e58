/* resample: traces that are like a trace, from blocks of its time drawn with replacement.
 *
 * The moving-block bootstrap (Kuensch, "The jackknife and the bootstrap for general
 * stationary observations", Annals of Statistics 17, 1989) on a circle (Politis and Romano,
 * "A circular block-resampling procedure for stationary data", 1992): each block begins
 * anywhere in the trace, and behind the last request, a mean gap later, comes the first one
 * again.  So every request is as likely to be drawn as any other, and the mean rate over
 * many draws is the trace's.  Inside a block all gaps stay as they are: bursts that are
 * shorter than a block are kept, what is longer is broken up.
 */
#ifndef SERVESIM_INPUT_RESAMPLE_H
#define SERVESIM_INPUT_RESAMPLE_H

#include <signal.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "base/rng.h"
#include "input/names.h"
#include "input/trace.h"

struct resample {
    struct trace_row *rows; /* their arrivals count from the first one's */
    int64_t n_rows;
    int64_t period_ns; /* the way round: first to last arrival and a mean gap */
    int64_t block_ns;
    uint64_t seed;
    struct names labels;
    struct rng blocks;
    int64_t n_blocks; /* drawn so far */
    int64_t start_ns; /* of the block in the trace */
    int64_t next;     /* row, from n_rows on in the second round */
};

/* Reads all of the trace, whose path messages name.  -1 and `err` if it cannot be read, has
 * rows that tell what their prompts hold, or does not fit blocks of that length. */
int resample_open(struct resample *resample, struct trace *trace, const char *path,
                  int64_t block_ns, uint64_t seed,
                  const volatile sig_atomic_t *interrupted, struct err *err);
void resample_close(struct resample *resample);

/* The next row, without end; its texts are valid until resample_close().  An arrival that
 * 64 bits cannot say is INT64_MAX. */
void resample_next(struct resample *resample, struct trace_row *row);

/* Back to the first row, for the same rows again. */
void resample_restart(struct resample *resample);

#endif
