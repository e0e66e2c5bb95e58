/* tournament: the least of many keys that change, the lowest index winning ties.
 *
 * A binary tree of matches over the indexes: changing a key plays log2(n) matches at most,
 * looking up the winner none.  An index may have no key: it takes no part.
 */
#ifndef SERVESIM_ENGINE_TOURNAMENT_H
#define SERVESIM_ENGINE_TOURNAMENT_H

#include <stdint.h>

/* A key below this one. */
static const int64_t TOURNAMENT_NONE = INT64_MAX;

struct tournament_match {
    int64_t key; /* the winner's; TOURNAMENT_NONE: nobody took part */
    int32_t index;
};

struct tournament {
    struct tournament_match *matches; /* the final is 1; the leaves are the last ones */
    int32_t n_leaves;                 /* a power of two */
    int32_t n;
};

/* Nobody takes part yet.  tournament_free() it; a zeroed one may be freed, too. */
void tournament_init(struct tournament *tournament, int32_t n);
void tournament_free(struct tournament *tournament);

/* Gives an index a key, or takes it out. */
void tournament_set(struct tournament *tournament, int32_t index, int64_t key);
void tournament_remove(struct tournament *tournament, int32_t index);

/* The index with the least key; -1 if none has one. */
static inline int32_t tournament_first(const struct tournament *tournament)
{
    const struct tournament_match *final = &tournament->matches[1];
    return final->key == TOURNAMENT_NONE ? -1 : final->index;
}

/* Its key, or TOURNAMENT_NONE. */
static inline int64_t tournament_least(const struct tournament *tournament)
{
    return tournament->matches[1].key;
}

/* The key of an index, or TOURNAMENT_NONE. */
int64_t tournament_key(const struct tournament *tournament, int32_t index);

#endif
