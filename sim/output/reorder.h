/* reorder: requests finish in any order and are written in trace order.
 *
 * Finished records wait in a ring for those before them.  The ring grows to 16 MB; what
 * finishes further ahead than that goes to an unlinked temporary file, at the place its
 * number gives it, and comes back when the ring has moved there.
 */
#ifndef SERVESIM_OUTPUT_REORDER_H
#define SERVESIM_OUTPUT_REORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/probe.h"

struct reorder {
    void *state;
    void (*write)(void *state, const struct probe_record *record);
    const char *folder;           /* for the temporary file */
    struct probe_record *records; /* a ring; id REORDER_EMPTY: nothing there */
    int64_t room;                 /* a power of two */
    int64_t most_room;
    int64_t base; /* the next id to write */
    int64_t n_waiting;
    int64_t n_spilled;
    int fd;     /* -1 until something spills */
    int failed; /* errno of the spill */
};

/* Records go to `write` in the order of their ids 0, 1, 2 ...; `most_room` (0: as many as
 * 16 MB hold) is for tests. */
void reorder_init(struct reorder *reorder, const char *folder, int64_t most_room,
                  void *state,
                  void (*write)(void *state, const struct probe_record *record));

/* Takes a finished record and its labels. */
void reorder_push(struct reorder *reorder, const struct probe_record *record);

/* Whether the temporary file has failed so far. */
bool reorder_failed(const struct reorder *reorder, struct err *err);

/* Everything must have been written; -1 and `err` if the temporary file failed. */
int reorder_close(struct reorder *reorder, struct err *err);

/* Forgets what is waiting: a run that failed. */
void reorder_discard(struct reorder *reorder);

#endif
