/* label_stats: how many requests have which label: tenants, classes, priorities.
 *
 * Memory: some 100 bytes per distinct label.
 */
#ifndef SERVESIM_STUDY_LABEL_STATS_H
#define SERVESIM_STUDY_LABEL_STATS_H

#include <stdint.h>

#include "input/names.h"

/* Zeroed it is empty and ready. */
struct label_stats {
    struct names names;
    int64_t *counts; /* by number, from 1 */
    int32_t room;
    int64_t n_labelled;
};

/* The label of the next request; NULL and "" are none. */
void label_stats_add(struct label_stats *stats, const char *label);

/* Fills the numbers of the labels that most requests have, at most `most`, those of equal
 * counts in the order of the trace; returns how many. */
int32_t label_stats_top(const struct label_stats *stats, int32_t most,
                        int32_t *numbers);

void label_stats_free(struct label_stats *stats);

#endif
