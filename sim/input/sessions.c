#include "input/sessions.h"

#include <stdlib.h>

#include "base/memory.h"

/* A request that nobody has continued yet. */
struct sessions_turn {
    int64_t tokens; /* prompt and output */
    int64_t session;
    struct sessions_turn
        *next; /* of as many tokens and earlier; of the fresh ones: later */
};

/* All such turns of one number of tokens.  There are far fewer of these than of turns, so the
 * tree stays in the processor's cache.  A node of a treap: in order by tokens, and a heap by
 * rank, which depends on nothing but the tokens; so the tree is as deep as one built in random
 * order. */
struct sessions_length {
    int64_t tokens;
    uint64_t rank;
    struct sessions_turn *latest;
    struct sessions_length *left;
    struct sessions_length *right;
};

/* SplitMix64's output function (Steele, Lea and Flood, OOPSLA 2014). */
static uint64_t rank_of(int64_t tokens)
{
    uint64_t z = (uint64_t)tokens * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Puts the node where its rank belongs; the tree that was there is split by it in two. */
static void insert(struct sessions_length **at, struct sessions_length *length)
{
    while (*at != NULL && (*at)->rank >= length->rank) {
        at = length->tokens < (*at)->tokens ? &(*at)->left : &(*at)->right;
    }
    struct sessions_length *rest = *at;
    struct sessions_length **less = &length->left;
    struct sessions_length **more = &length->right;
    *at = length;
    while (rest != NULL) {
        if (rest->tokens < length->tokens) {
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
static struct sessions_length *take(struct sessions_length **at)
{
    struct sessions_length *length = *at;
    struct sessions_length *left = length->left;
    struct sessions_length *right = length->right;
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
    return length;
}

/* Where the greatest number of fewer than `tokens` tokens stands; NULL if there is none. */
static struct sessions_length **find(struct sessions_length **at, int64_t tokens)
{
    struct sessions_length **found = NULL;
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

/* A turn that may be continued from now on, later than all others. */
static void push(struct sessions *sessions, struct sessions_turn *turn)
{
    struct sessions_length **at = find(&sessions->root, turn->tokens + 1);
    struct sessions_length *length = at != NULL ? *at : NULL;
    if (length == NULL || length->tokens != turn->tokens) {
        length = memory_new(1, sizeof *length);
        length->tokens = turn->tokens;
        length->rank = rank_of(turn->tokens);
        insert(&sessions->root, length);
    }
    turn->next = length->latest;
    length->latest = turn;
}

/* The latest of those turns; the node goes with the last of them. */
static struct sessions_turn *pop(struct sessions_length **at)
{
    struct sessions_turn *turn = (*at)->latest;
    (*at)->latest = turn->next;
    if (turn->next == NULL) {
        free(take(at));
    }
    return turn;
}

/* What arrived before this instant may be continued now. */
static void settle(struct sessions *sessions, int64_t arrival_ns)
{
    if (arrival_ns == sessions->fresh_ns) {
        return;
    }
    while (sessions->fresh != NULL) {
        struct sessions_turn *turn = sessions->fresh;
        sessions->fresh = turn->next;
        push(sessions, turn);
    }
    sessions->last_fresh = NULL;
    sessions->fresh_ns = arrival_ns;
}

int64_t sessions_add(struct sessions *sessions, int64_t arrival_ns,
                     int64_t prompt_tokens, int64_t output_tokens,
                     int64_t *continued_tokens)
{
    settle(sessions, arrival_ns);
    struct sessions_length **at = find(&sessions->root, prompt_tokens);
    struct sessions_turn *turn = NULL;
    if (at != NULL) {
        turn = pop(at); /* it serves for the new turn */
        *continued_tokens = turn->tokens;
    } else {
        turn = memory_new(1, sizeof *turn);
        turn->session = sessions->n_sessions++;
        *continued_tokens = 0;
    }
    sessions->n_turns++;
    turn->tokens = prompt_tokens + output_tokens;
    turn->next = NULL;
    if (sessions->last_fresh != NULL) {
        sessions->last_fresh->next = turn;
    } else {
        sessions->fresh = turn;
    }
    sessions->last_fresh = turn;
    return turn->session;
}

void sessions_free(struct sessions *sessions)
{
    settle(sessions, sessions->fresh_ns + 1);
    while (sessions->root != NULL) {
        free(pop(&sessions->root));
    }
    *sessions = (struct sessions){0};
}
