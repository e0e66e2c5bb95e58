#include "engine/tournament.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void tournament_init(struct tournament *tournament, int32_t n)
{
    CHECK(n >= 0 && n <= INT32_MAX / 4);
    tournament->n = n;
    tournament->n_leaves = 1;
    while (tournament->n_leaves < n) {
        tournament->n_leaves *= 2;
    }
    size_t n_matches = 2 * (size_t)tournament->n_leaves;
    tournament->matches = memory_new(n_matches, sizeof *tournament->matches);
    for (size_t i = 0; i < n_matches; i++) {
        tournament->matches[i].key = TOURNAMENT_NONE;
    }
    for (int32_t i = 0; i < tournament->n_leaves; i++) {
        tournament->matches[tournament->n_leaves + i].index = i;
    }
}

void tournament_free(struct tournament *tournament)
{
    free(tournament->matches);
    tournament->matches = NULL;
}

void tournament_set(struct tournament *tournament, int32_t index, int64_t key)
{
    CHECK(index >= 0 && index < tournament->n);
    struct tournament_match *matches = tournament->matches;
    int32_t at = tournament->n_leaves + index;
    matches[at].key = key;
    while (at > 1) {
        at /= 2;
        /* of equals the left one, which has the lower indexes */
        const struct tournament_match *left = &matches[2 * at];
        const struct tournament_match *right = left + 1;
        const struct tournament_match *winner = right->key < left->key ? right : left;
        if (matches[at].key == winner->key && matches[at].index == winner->index) {
            return; /* nothing changes further up */
        }
        matches[at] = *winner;
    }
}

void tournament_remove(struct tournament *tournament, int32_t index)
{
    tournament_set(tournament, index, TOURNAMENT_NONE);
}

int64_t tournament_key(const struct tournament *tournament, int32_t index)
{
    CHECK(index >= 0 && index < tournament->n);
    return tournament->matches[tournament->n_leaves + index].key;
}
