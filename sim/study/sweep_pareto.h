/* sweep_pareto: which of many points no other is better than.
 *
 * Of four values each, all of which had better be less.  A point is dominated if another
 * is at least as good in all four and better in one; points with the same four values do
 * not dominate each other.
 *
 * O(n log^2 n) whatever the values: in lexicographic order only earlier points can
 * dominate later ones; a merge sort by the second value asks, at each merge, of every
 * point of the right half for the least fourth value among those of the left half whose
 * second and third are no greater, from a tree over the ranks of the third.  (A list of
 * those not dominated so far would be O(n^2) where most points are on the front.)
 */
#ifndef SERVESIM_STUDY_SWEEP_PARETO_H
#define SERVESIM_STUDY_SWEEP_PARETO_H

#include <stdbool.h>
#include <stdint.h>

enum { SWEEP_PARETO_VALUES = 4 };

struct sweep_pareto_point {
    double values[SWEEP_PARETO_VALUES];
    int64_t id; /* the caller's */
    bool is_best;
};

/* Sets is_best of each and sorts them: by their values, then by id. */
void sweep_pareto_mark(struct sweep_pareto_point *points, int64_t n);

#endif
