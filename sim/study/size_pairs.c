#include "study/size_pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/size_line.h"

struct pair {
    int32_t of[SIZE_FLEET_PARTS];
    double guess_usd; /* an hour of what it is likely to need; orders pairs */
    double needs[SIZE_FLEET_PARTS]; /* replicas, by estimate */
};

struct pairing {
    struct size_book *book;
    double factor;
    bool disaggregated;
    const struct size_fleet *best; /* NULL: none */
    struct pair *pairs;
    int32_t n;
};

static const struct size_candidate *part_of(const struct pairing *pairing,
                                            const struct pair *pair, int part)
{
    return &pairing->book->candidates->list[pair->of[part]];
}

static struct size_fleet fleet_of(const struct pairing *pairing,
                                  const struct pair *pair, int32_t a, int32_t b)
{
    return (struct size_fleet){.n_parts = 2,
                               .candidate = {pair->of[0], pair->of[1]},
                               .replicas = {a, b},
                               .disaggregated = pairing->disaggregated};
}

static int64_t role_of(const struct pairing *pairing, int part)
{
    return !pairing->disaggregated ? POOL_BOTH : part == 0 ? POOL_PREFILL : POOL_DECODE;
}

/* Estimates of what the pair needs: both parts of it, or half of the load each. */
static void guess(const struct pairing *pairing, struct pair *pair)
{
    const struct size_candidates *candidates = pairing->book->candidates;
    double share = pairing->disaggregated ? 1 : 0.5;
    pair->guess_usd = 0;
    for (int i = 0; i < SIZE_FLEET_PARTS; i++) {
        double rps = part_of(pairing, pair, i)->guess_rps[role_of(pairing, i)];
        double nano = (double)size_candidate_nano(candidates, pair->of[i], 1);
        pair->needs[i] = share * candidates->rate_rps / fmax(rps, 1e-9);
        pair->guess_usd += nano * pair->needs[i];
    }
}

static int by_guess(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    if (x->guess_usd != y->guess_usd) {
        return x->guess_usd < y->guess_usd ? -1 : 1;
    }
    int32_t first = x->of[0] - y->of[0];
    return first != 0 ? first : x->of[1] - y->of[1];
}

static bool may_pair(const struct pairing *pairing, int32_t i, int32_t j)
{
    const struct size_candidate *list = pairing->book->candidates->list;
    bool mixed = list[i].config.study.size.mixed != 0;
    if (list[i].refused != NULL || list[j].refused != NULL) {
        return false;
    }
    if (!pairing->disaggregated) {
        return i < j;
    }
    struct err err;
    struct pair pair = {.of = {i, j}};
    struct size_fleet fleet = fleet_of(pairing, &pair, 1, 1);
    return (mixed || list[i].group == list[j].group) &&
           size_fleet_check(pairing->book->candidates, &fleet, &err) == 0;
}

static void list_pairs(struct pairing *pairing)
{
    int32_t n = pairing->book->candidates->n;
    pairing->pairs = memory_new((size_t)n * (size_t)n + 1, sizeof *pairing->pairs);
    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = 0; j < n; j++) {
            if (may_pair(pairing, i, j)) {
                struct pair *pair = &pairing->pairs[pairing->n++];
                *pair = (struct pair){.of = {i, j}};
                guess(pairing, pair);
            }
        }
    }
    qsort(pairing->pairs, (size_t)pairing->n, sizeof *pairing->pairs, by_guess);
}

static int32_t committed_of(const struct size_candidate *candidate)
{
    int64_t n = candidate->config.pools[0].price.n_committed;
    return n > 1 ? (int32_t)n : 1;
}

/* The fewest of a part that the roofline allows beside `others` of the first one. */
static int32_t least_of(const struct pairing *pairing, const struct pair *pair,
                        int part, int32_t others)
{
    const struct size_candidate *candidate = part_of(pairing, pair, part);
    double rate = pairing->book->candidates->rate_rps;
    if (!pairing->disaggregated) {
        rate -=
            part == 1 ? others * part_of(pairing, pair, 0)->most_rps[POOL_BOTH] : rate;
    }
    double n = ceil(rate / candidate->most_rps[role_of(pairing, part)] - 1e-9);
    int32_t committed = committed_of(candidate);
    return n > 1e9 ? INT32_MAX / 2 : n > committed ? (int32_t)n : committed;
}

/* The most of the second part beside `a` of the first that limits and the best allow. */
static int32_t most_beside(const struct pairing *pairing, const struct pair *pair,
                           const struct size_fleet *best, int32_t a)
{
    const struct config_study_size *size =
        &part_of(pairing, pair, 0)->config.study.size;
    const struct size_candidates *candidates = pairing->book->candidates;
    int32_t low = 0;
    int32_t high = (int32_t)(size->most_replicas - a) + 1;
    while (high - low > 1) {
        int32_t b = low + (high - low) / 2;
        struct size_fleet fleet = fleet_of(pairing, pair, a, b);
        bool fits = size->most_gpus == 0 ||
                    size_fleet_gpus(candidates, &fleet) <= size->most_gpus;
        if (fits && (best == NULL || size_fleet_better(candidates, &fleet, best))) {
            low = b;
        } else {
            high = b;
        }
    }
    return low;
}

/* Visits every fleet that could be cheaper: how many; the first `room` are kept. */
static int64_t enumerate(const struct pairing *pairing, struct size_fleet *fleets,
                         int64_t room)
{
    int64_t n = 0;
    for (int32_t i = 0; i < pairing->n; i++) {
        const struct pair *pair = &pairing->pairs[i];
        int32_t most =
            (int32_t)part_of(pairing, pair, 0)->config.study.size.most_replicas;
        for (int32_t a = least_of(pairing, pair, 0, 0); a < most; a++) {
            int32_t top = most_beside(pairing, pair, pairing->best, a);
            int32_t least = least_of(pairing, pair, 1, a);
            if (top < committed_of(part_of(pairing, pair, 1))) {
                break; /* nor with more of the first */
            }
            for (int32_t b = least; b <= top && n + b - least < room; b++) {
                fleets[n + b - least] = fleet_of(pairing, pair, a, b);
            }
            n += top >= least ? top - least + 1 : 0;
        }
    }
    return n;
}

static void sort(const struct pairing *pairing, struct size_fleet *fleets, int64_t n)
{
    const struct size_candidates *candidates = pairing->book->candidates;
    for (int64_t i = 1; i < n; i++) { /* a few hundred at most */
        struct size_fleet fleet = fleets[i];
        int64_t at = i;
        for (; at > 0 && size_fleet_better(candidates, &fleet, &fleets[at - 1]); at--) {
            fleets[at] = fleets[at - 1];
        }
        fleets[at] = fleet;
    }
}

static bool meets(const struct size_book *book, const struct size_case *what)
{
    const struct size_entry *entry = size_book_find(book, what);
    return entry != NULL && entry->error == NULL && entry->result.verdict.meets;
}

/* All of them, the cheapest first. */
static int try_all(const struct pairing *pairing, const struct size_fleet *fleets,
                   int32_t n, struct size_pairs *result, struct err *err)
{
    struct size_case cases[SIZE_PAIRS_ALL];
    const int32_t round = 4;
    result->all = true;
    for (int32_t i = 0; i < n; i++) {
        cases[i] = (struct size_case){.fleet = fleets[i], .factor = pairing->factor};
    }
    for (int32_t i = 0; i < n && !result->found; i += round) {
        int32_t some = n - i < round ? n - i : round;
        if (size_book_run(pairing->book, &cases[i], some, err) != 0) {
            return -1;
        }
        result->n_tried += some;
        for (int32_t j = i; j < i + some && !result->found; j++) {
            if (meets(pairing->book, &cases[j])) {
                result->found = true;
                result->best = fleets[j];
            }
        }
    }
    return 0;
}

/* A few numbers of the first part for every pair, around what it is likely to need. */
static int32_t draw_lines(const struct pairing *pairing, struct size_line *lines)
{
    static const double shares[SIZE_PAIRS_LINES] = {1, 1.25, 0.75, 1.5, 0.5, 2};
    int32_t n = 0;
    for (int32_t i = 0; i < pairing->n; i++) {
        const struct pair *pair = &pairing->pairs[i];
        int32_t first = n;
        for (int k = 0; k < SIZE_PAIRS_LINES; k++) {
            double a = fmin(ceil(shares[k] * pair->needs[0]), 1e6);
            int32_t least = least_of(pairing, pair, 0, 0);
            int32_t number = a > least ? (int32_t)a : least;
            bool is_new = true;
            for (int32_t j = first; j < n; j++) {
                is_new = is_new && lines[j].what.fleet.replicas[0] != number;
            }
            if (!is_new) {
                continue;
            }
            struct size_line *line = &lines[n++];
            *line = (struct size_line){
                .what = {.fleet = fleet_of(pairing, pair, number, 0),
                         .factor = pairing->factor},
                .part = 1,
                .least = least_of(pairing, pair, 1, number),
                .start = (int32_t)fmin(ceil(pair->needs[1] * 1.1), 1e6)};
        }
    }
    return n;
}

/* The line's answer, where it is better than the best so far. */
static void take(const struct pairing *pairing, const struct size_line *line,
                 const struct size_line_state *state, struct size_pairs *result)
{
    struct size_case what = size_line_case(line, state->meets);
    const struct size_fleet *best = result->found ? &result->best : pairing->best;
    if (state->meets > 0 && state->error == NULL &&
        (best == NULL ||
         size_fleet_better(pairing->book->candidates, &what.fleet, best))) {
        result->best = what.fleet;
        result->found = true;
    }
}

static void limit(const struct pairing *pairing, struct size_line *line,
                  const struct size_pairs *result)
{
    const struct size_fleet *fleet = &line->what.fleet;
    const struct size_fleet *best = result->found ? &result->best : pairing->best;
    const struct pair pair = {.of = {fleet->candidate[0], fleet->candidate[1]}};
    bool is_own = result->found && best->candidate[0] == fleet->candidate[0] &&
                  best->candidate[1] == fleet->candidate[1] &&
                  best->replicas[0] == fleet->replicas[0];
    line->most = is_own ? best->replicas[1]
                        : most_beside(pairing, &pair, best, fleet->replicas[0]);
}

static int try_lines(const struct pairing *pairing, struct size_pairs *result,
                     struct err *err)
{
    enum { MOST = SIZE_PAIRS_MOST * SIZE_PAIRS_LINES, ROUND = 4 };
    struct size_line *lines = memory_new(MOST, sizeof *lines);
    int32_t n = draw_lines(pairing, lines);
    int32_t first = pairing->book->n;
    int status = 0;
    for (bool goes_on = true; goes_on && status == 0;) {
        struct size_case cases[ROUND];
        int32_t n_cases = 0;
        for (int32_t i = 0; i < n; i++) {
            struct size_line_state state;
            limit(pairing, &lines[i], result);
            size_line_look(&lines[i], pairing->book, &state);
            take(pairing, &lines[i], &state, result);
            if (state.next != 0 && n_cases < ROUND) {
                cases[n_cases++] = size_line_case(&lines[i], state.next);
            }
        }
        goes_on = n_cases > 0;
        status = size_book_run(pairing->book, cases, n_cases, err);
    }
    result->n_tried = pairing->book->n - first;
    free(lines);
    return status;
}

int size_pairs_search(struct size_book *book, double factor, bool disaggregated,
                      const struct size_fleet *best, struct size_pairs *pairs,
                      struct err *err)
{
    struct pairing pairing = {
        .book = book, .factor = factor, .disaggregated = disaggregated, .best = best};
    struct size_fleet fleets[SIZE_PAIRS_ALL];
    *pairs = (struct size_pairs){0};
    list_pairs(&pairing);
    pairs->n_all = pairing.n;
    pairing.n = pairing.n < SIZE_PAIRS_MOST ? pairing.n : SIZE_PAIRS_MOST;
    pairs->n_pairs = pairing.n;
    pairs->n_possible = enumerate(&pairing, fleets, SIZE_PAIRS_ALL);
    int status = 0;
    if (pairs->n_possible <= SIZE_PAIRS_ALL) {
        sort(&pairing, fleets, pairs->n_possible);
        status = try_all(&pairing, fleets, (int32_t)pairs->n_possible, pairs, err);
    } else {
        status = try_lines(&pairing, pairs, err);
    }
    free(pairing.pairs);
    return status;
}
