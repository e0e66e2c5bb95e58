/* import_scrapes: samples of a server's metrics, in any order, as intervals.
 *
 * Samples are sorted by time; at each time those of one metric are added over its series
 * (the engines of a server), or averaged for the share of KV blocks.  A counter becomes its
 * increase since the time before: empty if it fell (a restart) or if series came or went.
 */
#ifndef SERVESIM_INPUT_IMPORT_SCRAPES_H
#define SERVESIM_INPUT_IMPORT_SCRAPES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct import_scrapes_sample {
    int64_t t_ms; /* by the server's clock */
    int32_t metric;
    double value;
};

/* Zeroed: empty. */
struct import_scrapes {
    struct import_scrapes_sample *samples;
    int64_t n;
    int64_t room;
};

/* The number of a metric that is known here, by its name without labels; -1 if none. */
int32_t import_scrapes_find(const char *name, size_t length);

/* Adds a sample; one that is not finite is passed over. */
void import_scrapes_push(struct import_scrapes *scrapes, int64_t t_ms, int32_t metric,
                         double value);

/* Writes the intervals.  -1 and `err` if there are fewer than two times. */
int import_scrapes_write(struct import_scrapes *scrapes, const char *file, FILE *out,
                         struct err *err);

void import_scrapes_free(struct import_scrapes *scrapes);

#endif
