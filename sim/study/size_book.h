/* size_book: every fleet that was simulated, and what came of it.
 *
 * A case is a fleet with the steps of one deployment (z, as in study/trial.h) under bounds
 * of one width (factor, of [size] notch).  Cases are simulated in batches, several at a
 * time, and booked in the order they were asked for, so that neither threads nor their
 * number decide anything.
 *
 * A fleet that fails whatever the seeds still to come would say is not simulated with them.
 * And where nothing in the fleet looks at [slo], the same run under tighter bounds is no
 * better and under looser ones no worse: what is known of one width is used for others.
 */
#ifndef SERVESIM_STUDY_SIZE_BOOK_H
#define SERVESIM_STUDY_SIZE_BOOK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "study/progress.h"
#include "study/size_fleet.h"
#include "study/trial.h"

struct size_case {
    struct size_fleet fleet;
    double z;
    double factor; /* 1: [slo] as it is */
};

struct size_entry {
    struct size_case what;
    struct trial_result result;
    int32_t n_seeds;   /* simulated */
    const char *error; /* why it cannot be simulated; NULL: it was */
    bool hopeless;     /* missed by so much that smaller fleets need no try */
};

struct size_book {
    const struct size_candidates *candidates;
    struct trial_spec spec; /* of the load; its config is replaced */
    bool slo_matters;       /* to what the fleet does */
    struct size_entry *entries;
    int32_t n;
    int32_t room;
    int32_t n_threads;
    struct progress *progress;
    struct arena *arena;
};

void size_book_free(struct size_book *book);

/* What was booked of the very case; NULL: nothing. */
const struct size_entry *size_book_find(const struct size_book *book,
                                        const struct size_case *what);

/* Simulates those that are not booked yet.  -1 when interrupted. */
int size_book_run(struct size_book *book, const struct size_case *cases, int32_t n,
                  struct err *err);

/* Whether the entry, of the same fleet and z perhaps with other bounds, tells of bounds
 * that are `factor` wide, and what: *meets. */
bool size_book_tells(const struct size_book *book, const struct size_entry *entry,
                     double factor, bool *meets);

/* [slo]'s latencies, and those of its `require`, made `factor` times as wide. */
void size_book_scale(struct trial_spec *spec, struct config *config, double factor);

#endif
