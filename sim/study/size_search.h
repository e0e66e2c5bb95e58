/* size_search: the smallest fleet of every candidate that is worth knowing.
 *
 * Candidates are looked at in the order of what they are likely to cost.  One is dropped as
 * soon as the fewest replicas that it may yet need cost more than the best fleet that is
 * known, of the same accelerator or of all; before that it is asked at the highest number
 * that would still be cheaper.  Rounds are decided by what is booked alone.
 */
#ifndef SERVESIM_STUDY_SIZE_SEARCH_H
#define SERVESIM_STUDY_SIZE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "study/size_book.h"

enum { SIZE_SEARCH_ROUND = 4 }; /* fleets that a round simulates at least, if it can */

enum size_search_outcome {
    SIZE_SEARCH_MEETS,
    SIZE_SEARCH_FAILS,  /* with as many as the limits allow */
    SIZE_SEARCH_DEARER, /* what would be cheaper than the best fails */
    SIZE_SEARCH_PRUNED, /* nothing of it could be cheaper: not simulated */
    SIZE_SEARCH_NEVER,
    SIZE_SEARCH_REFUSED,
};

struct size_search_found {
    enum size_search_outcome outcome;
    int32_t meets; /* replicas; 0 if none */
    int32_t
        fails; /* the most below it, or of all, that were simulated in vain; 0: none */
    int32_t least; /* that it was known to need */
    int32_t n_tried_below;
    const char *reason; /* why it was refused; NULL */
};

/* What is known beforehand of the numbers: where each candidate's search starts; 0: not. */
struct size_search_options {
    double factor;
    bool by_group; /* the best of every accelerator, not of all */
    const struct size_search_found *hints;
};

/* Fills one `found` per candidate. */
int size_search(struct size_book *book, const struct size_search_options *options,
                struct size_search_found *found, struct err *err);

/* The best fleet of those found, of the group or (-1) of all; false: none meets. */
bool size_search_best(const struct size_book *book,
                      const struct size_search_found *found, int32_t group,
                      struct size_fleet *best);

#endif
