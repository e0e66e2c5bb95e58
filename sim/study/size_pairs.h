/* size_pairs: fleets of two pools that may be cheaper than the best one of one pool.
 *
 * Of the pairs that are likely to be the cheapest, SIZE_PAIRS_MOST at most, are looked at:
 * mixed ones, of two candidates behind the configuration's router, and such as prefill and
 * decode apart (engine/disaggregate.h), of two candidates of one accelerator, or of any two
 * where both are asked for.  Only fleets that cost less than the best and that the roofline
 * allows are of interest.  If there are SIZE_PAIRS_ALL of them or fewer they are tried in the
 * order of what they cost, until one meets: the answer is the cheapest.  If there are more,
 * a few numbers of the first part are tried, each with the fewest of the second that meet:
 * the answer is one that is cheaper, not certainly the cheapest, and it says so.
 */
#ifndef SERVESIM_STUDY_SIZE_PAIRS_H
#define SERVESIM_STUDY_SIZE_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "study/size_book.h"

enum { SIZE_PAIRS_ALL = 200, SIZE_PAIRS_MOST = 16, SIZE_PAIRS_LINES = 6 };

/* What came of one kind of pairs. */
struct size_pairs {
    int32_t n_all;      /* pairs of candidates; */
    int32_t n_pairs;    /* of them those looked at, likely to be the cheapest */
    int64_t n_possible; /* fleets that could be cheaper than the best without them */
    int32_t n_tried;
    bool all; /* every one that is cheaper than the answer was tried */
    bool found;
    struct size_fleet best;
};

/* `best`: the best without pairs, or NULL.  `pairs->best` is what beats it, if found. */
int size_pairs_search(struct size_book *book, double factor, bool disaggregated,
                      const struct size_fleet *best, struct size_pairs *pairs,
                      struct err *err);

#endif
