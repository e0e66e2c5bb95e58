/* sweep_journal: what is known of a sweep's points, one line per point, as they end.
 *
 *   12<TAB>name=value<TAB>...<TAB>crc32=0a1b2c3d
 *
 * A line is appended by one write(), so a process that is killed leaves at most one torn
 * line, at the end; its checksum tells it, and it is dropped.  Memory is two numbers per
 * point, for values are read back from the file.  A journal has one writer at a time:
 * flock() says so, and the lock goes with the process whatever ends it.
 */
#ifndef SERVESIM_STUDY_SWEEP_JOURNAL_H
#define SERVESIM_STUDY_SWEEP_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "output/metrics.h"

enum { SWEEP_JOURNAL_MOST_FIELDS = METRICS_MOST + 1 };

struct sweep_journal_place {
    int64_t offset;
    int32_t length; /* with the end of the line; 0: the point is not there */
};

struct sweep_journal {
    char path[512];
    int fd;
    int64_t n_points; /* of the grid */
    int64_t n_done;
    int64_t n_dropped; /* lines that were torn */
    int64_t end;
    struct sweep_journal_place *places; /* one per point */
    pthread_mutex_t lock;
};

/* One line of it; texts are inside `line`. */
struct sweep_journal_row {
    int64_t point;
    int32_t n;
    struct {
        const char *name;
        const char *value;
    } fields[SWEEP_JOURNAL_MOST_FIELDS];
    char *line;
    size_t room;
};

/* Opens the journal of `folder`, which is created if `create` is set, takes its lock and
 * cuts a torn end off.  A point that is there twice with different values is an error. */
int sweep_journal_open(struct sweep_journal *journal, const char *folder,
                       int64_t n_points, bool create, struct err *err);
void sweep_journal_close(struct sweep_journal *journal);

/* -1 and `err` if another process writes the journal of `folder`; 0 too if none is there. */
int sweep_journal_check_free(const char *folder, struct err *err);

/* Adds a point that was run, or with `error` one that cannot be; from several threads. */
int sweep_journal_add(struct sweep_journal *journal, int64_t point,
                      const struct metrics *metrics, const char *error,
                      struct err *err);

/* Adds what the journal of another folder has; identical points may be in both. */
int sweep_journal_merge(struct sweep_journal *journal, const char *folder,
                        struct err *err);

/* Writes what was added to disk. */
int sweep_journal_sync(struct sweep_journal *journal, struct err *err);

/* The places as they are now: as many as there are points; free() them. */
struct sweep_journal_place *sweep_journal_places(struct sweep_journal *journal);

/* Reads the line at `place`.  `row` is zeroed before the first time; free(row->line). */
int sweep_journal_read(const struct sweep_journal *journal,
                       const struct sweep_journal_place *place,
                       struct sweep_journal_row *row, struct err *err);

/* The value of that name, or NULL. */
const char *sweep_journal_value(const struct sweep_journal_row *row, const char *name);

#endif
