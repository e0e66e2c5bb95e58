/* results: the files of one run, together.
 *
 * The probe that a run is given: it feeds the summary and, if there is a folder, the
 * files in it.  They appear under the folder's name when results_commit() succeeds.
 */
#ifndef SERVESIM_OUTPUT_RESULTS_H
#define SERVESIM_OUTPUT_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/probe.h"
#include "engine/sim.h"
#include "output/bill.h"
#include "output/columns.h"
#include "output/folder.h"
#include "output/lives.h"
#include "output/meter_report.h"
#include "output/metrics.h"
#include "output/overload.h"
#include "output/perfetto.h"
#include "output/reorder.h"
#include "output/rows.h"
#include "output/summary.h"
#include "output/text.h"
#include "output/usage.h"

extern const struct columns results_steps_columns;

struct results_options {
    const char *folder; /* NULL: no files, only the summary */
    bool overwrite;
    bool steps;
    bool trace_json;
    struct perfetto_options trace;
    const struct pool *pools;
    int32_t n_pools;
    struct slo slo;
    int64_t attainment_nano;
    bool sessions;
    int64_t interval_ns;
    const char *calibration; /* how sure step times are, in a line */
};

struct results {
    struct results_options options;
    struct folder folder;
    struct rows rows;
    struct reorder reorder;
    struct usage_timeline timeline;
    struct text steps;
    struct summary summary;
    struct meter_report meter;
    struct bill bill;
    struct overload overload;
    struct lives lives;
    struct perfetto perfetto; /* if there are files, and it is wanted */
    struct metrics metrics;
};

/* Creates the folder and its files.  `results` is large: not for the stack. */
int results_open(struct results *results, const struct results_options *options,
                 struct err *err);

/* The probe that feeds them. */
struct probe results_probe(struct results *results);

/* Whether a file could not be written, told early; `err` says which. */
bool results_failed(const struct results *results, struct err *err);

/* The run is over: works out the metrics and writes and closes what is still open but the
 * folder, into which the caller may write more. */
int results_close(struct results *results, struct sim *sim, struct err *err);

/* Puts the folder in its place. */
int results_commit(struct results *results, struct err *err);

/* The run failed before results_close(): nothing stays. */
void results_discard(struct results *results);

/* Frees what results_open() took, after a commit or a discard. */
void results_free(struct results *results);

#endif
