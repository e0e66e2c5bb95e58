#include "input/sessions.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

/* A node of a treap: in order by (tokens, number), and a heap by rank, which depends on
 * nothing but the number; so the tree is as deep as one built in random order. */
struct sessions_turn {
    int64_t tokens; /* prompt and output */
    int64_t number;
    int64_t session;
    uint64_t rank;
    struct sessions_turn *left;
    struct sessions_turn *right; /* of the fresh ones: the next */
};

/* SplitMix64's output function (Steele, Lea and Flood, OOPSLA 2014). */
static uint64_t rank_of(int64_t number)
{
    uint64_t z = (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool is_less(const struct sessions_turn *a, const struct sessions_turn *b)
{
    return a->tokens != b->tokens ? a->tokens < b->tokens : a->number < b->number;
}

/* Puts the turn where its rank belongs; the tree that was there is split by it in two. */
static void insert(struct sessions_turn **at, struct sessions_turn *turn)
{
    while (*at != NULL && (*at)->rank >= turn->rank) {
        at = is_less(turn, *at) ? &(*at)->left : &(*at)->right;
    }
    struct sessions_turn *rest = *at;
    struct sessions_turn **less = &turn->left;
    struct sessions_turn **more = &turn->right;
    *at = turn;
    while (rest != NULL) {
        if (is_less(rest, turn)) {
            *less = rest;
            less = &rest->right;
            rest = rest->right;
        } else {
            *more = rest;
            more = &rest->left;
            rest = rest->left;
        }
    }
    *less = NULL;
    *more = NULL;
}

/* Takes out what stands there; its two trees become one. */
static struct sessions_turn *take(struct sessions_turn **at)
{
    struct sessions_turn *turn = *at;
    struct sessions_turn *left = turn->left;
    struct sessions_turn *right = turn->right;
    while (left != NULL && right != NULL) {
        if (left->rank >= right->rank) {
            *at = left;
            at = &left->right;
            left = left->right;
        } else {
            *at = right;
            at = &right->left;
            right = right->left;
        }
    }
    *at = left != NULL ? left : right;
    return turn;
}

/* Where the greatest turn of fewer than `tokens` tokens stands; NULL if there is none. */
static struct sessions_turn **find(struct sessions_turn **at, int64_t tokens)
{
    struct sessions_turn **found = NULL;
    while (*at != NULL) {
        if ((*at)->tokens < tokens) {
            found = at;
            at = &(*at)->right;
        } else {
            at = &(*at)->left;
        }
    }
    return found;
}

/* What arrived before this instant may be continued now. */
static void settle(struct sessions *sessions, int64_t arrival_ns)
{
    if (arrival_ns == sessions->fresh_ns) {
        return;
    }
    while (sessions->fresh != NULL) {
        struct sessions_turn *turn = sessions->fresh;
        sessions->fresh = turn->right;
        insert(&sessions->root, turn);
    }
    sessions->fresh_ns = arrival_ns;
}

int64_t sessions_add(struct sessions *sessions, int64_t arrival_ns,
                     int64_t prompt_tokens, int64_t output_tokens,
                     int64_t *continued_tokens)
{
    settle(sessions, arrival_ns);
    struct sessions_turn **at = find(&sessions->root, prompt_tokens);
    struct sessions_turn *turn = NULL;
    if (at != NULL) {
        turn = take(at); /* its node serves for the new turn */
        *continued_tokens = turn->tokens;
    } else {
        turn = memory_new(1, sizeof *turn);
        turn->session = sessions->n_sessions++;
        *continued_tokens = 0;
    }
    turn->number = sessions->n_turns++;
    turn->tokens = prompt_tokens + output_tokens;
    turn->rank = rank_of(turn->number);
    turn->right = sessions->fresh;
    sessions->fresh = turn;
    return turn->session;
}

void sessions_free(struct sessions *sessions)
{
    settle(sessions, sessions->fresh_ns + 1);
    while (sessions->root != NULL) {
        free(take(&sessions->root));
    }
    *sessions = (struct sessions){0};
}
