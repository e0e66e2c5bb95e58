#include "study/sweep_pareto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static int compare_values(const struct sweep_pareto_point *a,
                          const struct sweep_pareto_point *b)
{
    int order = 0;
    for (int i = 0; i < SWEEP_PARETO_VALUES && order == 0; i++) {
        order = compare_doubles(&a->values[i], &b->values[i]);
    }
    return order;
}

static int compare_points(const void *a, const void *b)
{
    const struct sweep_pareto_point *x = a;
    const struct sweep_pareto_point *y = b;
    int order = compare_values(x, y);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

/* Points that differ from each other, in lexicographic order. */
struct front {
    const struct sweep_pareto_point **points;
    int64_t n;
    int64_t *ranks; /* of the third value of each, from 1 */
    int64_t n_ranks;
    double *least; /* a Fenwick tree over the ranks: the least fourth value so far */
    bool *dominated;
    int64_t *order; /* blocks of it are sorted by the second value */
    int64_t *merged;
};

static void insert(struct front *front, int64_t i, double value)
{
    for (int64_t at = front->ranks[i]; at <= front->n_ranks; at += at & -at) {
        front->least[at] = value < front->least[at] ? value : front->least[at];
    }
}

/* Empties what insert() filled. */
static void forget(struct front *front, int64_t i)
{
    for (int64_t at = front->ranks[i]; at <= front->n_ranks; at += at & -at) {
        front->least[at] = INFINITY;
    }
}

static double least_up_to(const struct front *front, int64_t rank)
{
    double least = INFINITY;
    for (int64_t at = rank; at > 0; at -= at & -at) {
        least = front->least[at] < least ? front->least[at] : least;
    }
    return least;
}

/* Merges order[from .. middle - 1] and order[middle .. to - 1]. */
static void merge(struct front *front, int64_t from, int64_t middle, int64_t to)
{
    int64_t left = from;
    int64_t n = 0;
    for (int64_t right = middle; right < to; right++) {
        int64_t j = front->order[right];
        const double *values = front->points[j]->values;
        while (left < middle &&
               front->points[front->order[left]]->values[1] <= values[1]) {
            int64_t i = front->order[left++];
            insert(front, i, front->points[i]->values[3]);
            front->merged[n++] = i;
        }
        if (least_up_to(front, front->ranks[j]) <= values[3]) {
            front->dominated[j] = true;
        }
        front->merged[n++] = j;
    }
    for (int64_t k = from; k < left; k++) {
        forget(front, front->order[k]);
    }
    while (left < middle) {
        front->merged[n++] = front->order[left++];
    }
    memcpy(&front->order[from], front->merged, (size_t)n * sizeof *front->merged);
}

static void rank_thirds(struct front *front)
{
    double *thirds = memory_new((size_t)front->n, sizeof *thirds);
    for (int64_t i = 0; i < front->n; i++) {
        thirds[i] = front->points[i]->values[2];
    }
    qsort(thirds, (size_t)front->n, sizeof *thirds, compare_doubles);
    for (int64_t i = 0; i < front->n; i++) {
        if (i == 0 || thirds[i] != thirds[front->n_ranks - 1]) {
            thirds[front->n_ranks++] = thirds[i];
        }
    }
    for (int64_t i = 0; i < front->n; i++) {
        const double *at =
            bsearch(&front->points[i]->values[2], thirds, (size_t)front->n_ranks,
                    sizeof *thirds, compare_doubles);
        front->ranks[i] = at - thirds + 1;
    }
    free(thirds);
}

static void find_dominated(struct front *front)
{
    rank_thirds(front);
    front->least = memory_new((size_t)front->n_ranks + 1, sizeof *front->least);
    for (int64_t i = 0; i <= front->n_ranks; i++) {
        front->least[i] = INFINITY;
    }
    for (int64_t i = 0; i < front->n; i++) {
        front->order[i] = i;
    }
    for (int64_t width = 1; width < front->n; width *= 2) {
        for (int64_t from = 0; from + width < front->n; from += 2 * width) {
            int64_t to = from + 2 * width;
            merge(front, from, from + width, to < front->n ? to : front->n);
        }
    }
    free(front->least);
}

void sweep_pareto_mark(struct sweep_pareto_point *points, int64_t n)
{
    size_t room = (size_t)n + 1;
    struct front front = {
        .points = memory_new(room, sizeof(const struct sweep_pareto_point *)),
        .ranks = memory_new(room, sizeof *front.ranks),
        .dominated = memory_new(room, sizeof *front.dominated),
        .order = memory_new(room, sizeof *front.order),
        .merged = memory_new(room, sizeof *front.merged),
    };
    qsort(points, (size_t)n, sizeof *points, compare_points);
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || compare_values(&points[i - 1], &points[i]) != 0) {
            front.points[front.n++] = &points[i];
        }
    }
    find_dominated(&front);
    int64_t at = -1;
    for (int64_t i = 0; i < n; i++) {
        at += at + 1 < front.n && front.points[at + 1] == &points[i];
        points[i].is_best = !front.dominated[at];
    }
    free(front.points);
    free(front.ranks);
    free(front.dominated);
    free(front.order);
    free(front.merged);
}
