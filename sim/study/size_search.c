#include "study/size_search.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "study/size_line.h"

/* A candidate in search. */
struct seeker {
    struct size_line line;
    struct size_line_state state;
    int32_t most; /* that the limits allow; line.most may be less */
    int64_t guess_nano;
    bool is_out; /* never or refused */
};

struct seeking {
    struct size_book *book;
    const struct size_search_options *options;
    struct seeker *seekers;
    int32_t n;
    int32_t n_groups;
};

static struct size_fleet alone(int32_t candidate, int32_t n)
{
    return (struct size_fleet){.n_parts = 1, .candidate = {candidate}, .replicas = {n}};
}

static int32_t group_of(const struct seeking *seeking, int32_t i)
{
    return seeking->options->by_group ? seeking->book->candidates->list[i].group : 0;
}

static bool best_of(const struct seeking *seeking, int32_t group,
                    struct size_fleet *best)
{
    bool has_best = false;
    for (int32_t i = 0; i < seeking->n; i++) {
        const struct seeker *seeker = &seeking->seekers[i];
        if (seeker->is_out || seeker->state.meets == 0 ||
            group_of(seeking, i) != group) {
            continue;
        }
        struct size_fleet fleet = alone(i, seeker->state.meets);
        if (!has_best || size_fleet_better(seeking->book->candidates, &fleet, best)) {
            *best = fleet;
            has_best = true;
        }
    }
    return has_best;
}

/* The most replicas of the candidate that are better than `best`: prices never fall. */
static int32_t most_better(const struct seeking *seeking, int32_t i,
                           const struct size_fleet *best)
{
    int32_t low = 0;
    int32_t high = seeking->seekers[i].most + 1;
    while (high - low > 1) {
        int32_t n = low + (high - low) / 2;
        struct size_fleet fleet = alone(i, n);
        if (size_fleet_better(seeking->book->candidates, &fleet, best)) {
            low = n;
        } else {
            high = n;
        }
    }
    return low;
}

/* How many more replicas than estimated those needed of which it is known. */
static double slack_of(const struct seeking *seeking, int32_t group)
{
    const struct size_candidates *candidates = seeking->book->candidates;
    double sums[2] = {0};
    int32_t n[2] = {0};
    for (int32_t i = 0; i < seeking->n; i++) {
        const struct seeker *seeker = &seeking->seekers[i];
        double guess = candidates->list[i].guess_rps[POOL_BOTH];
        int is_other = group_of(seeking, i) != group;
        if (seeker->state.meets > 0 && guess > 0) {
            sums[is_other] += seeker->state.meets * guess / candidates->rate_rps;
            n[is_other]++;
        }
    }
    const double first = 1.1;
    return n[0] > 0 ? sums[0] / n[0] : n[1] > 0 ? sums[1] / n[1] : first;
}

static int32_t guess_start(const struct seeking *seeking, int32_t i)
{
    const struct size_candidate *candidate = &seeking->book->candidates->list[i];
    const struct size_search_found *hints = seeking->options->hints;
    if (hints != NULL && hints[i].meets > 0) {
        return hints[i].meets;
    }
    double slack = slack_of(seeking, group_of(seeking, i));
    double n = ceil(seeking->book->candidates->rate_rps * slack /
                    fmax(candidate->guess_rps[POOL_BOTH], 1e-9));
    return n < candidate->most ? (int32_t)fmax(n, 1) : candidate->most;
}

static void init(struct seeking *seeking)
{
    const struct size_candidates *candidates = seeking->book->candidates;
    for (int32_t i = 0; i < seeking->n; i++) {
        const struct size_candidate *candidate = &candidates->list[i];
        struct seeker *seeker = &seeking->seekers[i];
        seeker->is_out = candidate->refused != NULL || candidate->never != NULL;
        seeker->most = candidate->most;
        seeker->line = (struct size_line){
            .what = {.fleet = alone(i, 0), .factor = seeking->options->factor},
            .least = candidate->least,
            .most = candidate->most};
    }
}

/* Brings all up to date with what is booked; the limits follow from the best, so they are
 * looked at twice. */
static void look(struct seeking *seeking)
{
    for (int32_t i = 0; i < seeking->n; i++) {
        struct seeker *seeker = &seeking->seekers[i];
        if (!seeker->is_out) {
            seeker->line.most = seeker->most;
            size_line_look(&seeker->line, seeking->book, &seeker->state);
        }
    }
    for (int32_t group = 0; group < seeking->n_groups; group++) {
        struct size_fleet best;
        bool has_best = best_of(seeking, group, &best);
        for (int32_t i = 0; i < seeking->n; i++) {
            struct seeker *seeker = &seeking->seekers[i];
            if (seeker->is_out || group_of(seeking, i) != group) {
                continue;
            }
            seeker->line.start = guess_start(seeking, i);
            if (has_best && best.candidate[0] != i) {
                seeker->line.most = most_better(seeking, i, &best);
                size_line_look(&seeker->line, seeking->book, &seeker->state);
            }
            seeker->guess_nano =
                size_candidate_nano(seeking->book->candidates, i, seeker->line.start);
        }
    }
}

/* Of the group: with something to try, and likely to be the cheapest; -1: none. */
static int32_t next_of_group(const struct seeking *seeking, int32_t group)
{
    int32_t next = -1;
    for (int32_t i = 0; i < seeking->n; i++) {
        const struct seeker *seeker = &seeking->seekers[i];
        bool open =
            !seeker->is_out && seeker->state.next != 0 && group_of(seeking, i) == group;
        if (open &&
            (next < 0 || seeker->guess_nano < seeking->seekers[next].guess_nano)) {
            next = i;
        }
    }
    return next;
}

static int32_t propose(const struct seeking *seeking, struct size_case *cases)
{
    int32_t n_open = 0;
    int32_t n = 0;
    for (int32_t group = 0; group < seeking->n_groups; group++) {
        n_open += next_of_group(seeking, group) >= 0;
    }
    for (int32_t group = 0; group < seeking->n_groups; group++) {
        int32_t next = next_of_group(seeking, group);
        int32_t most = n_open > 0 ? SIZE_SEARCH_ROUND / n_open : 0;
        if (next >= 0) {
            n += size_line_propose(&seeking->seekers[next].line, seeking->book,
                                   most > 1 ? most : 1, &cases[n]);
        }
    }
    return n;
}

static void tell(const struct seeking *seeking, struct size_search_found *found)
{
    for (int32_t i = 0; i < seeking->n; i++) {
        const struct size_candidate *candidate = &seeking->book->candidates->list[i];
        const struct seeker *seeker = &seeking->seekers[i];
        struct size_search_found *at = &found[i];
        *at = (struct size_search_found){
            .meets = seeker->state.meets,
            .fails = seeker->state.fails,
            .least = candidate->least,
            .n_tried_below = seeker->state.n_tried,
        };
        if (candidate->refused != NULL || seeker->state.error != NULL) {
            at->outcome = SIZE_SEARCH_REFUSED;
            at->meets = 0;
            at->reason =
                candidate->refused != NULL ? candidate->refused : seeker->state.error;
        } else if (candidate->never != NULL) {
            at->outcome = SIZE_SEARCH_NEVER;
            at->reason = candidate->never;
        } else if (at->meets > 0) {
            at->outcome = SIZE_SEARCH_MEETS;
        } else if (seeker->line.most == seeker->most) {
            at->outcome = SIZE_SEARCH_FAILS;
        } else {
            at->outcome = at->fails > 0 ? SIZE_SEARCH_DEARER : SIZE_SEARCH_PRUNED;
        }
    }
}

int size_search(struct size_book *book, const struct size_search_options *options,
                struct size_search_found *found, struct err *err)
{
    int32_t n = book->candidates->n;
    int32_t n_groups = options->by_group ? book->candidates->n_groups : 1;
    struct seeking seeking = {
        .book = book,
        .options = options,
        .seekers = memory_new((size_t)n, sizeof *seeking.seekers),
        .n = n,
        .n_groups = n_groups,
    };
    struct size_case *cases =
        memory_new((size_t)n_groups + SIZE_SEARCH_ROUND, sizeof *cases);
    int status = 0;
    init(&seeking);
    for (look(&seeking); status == 0; look(&seeking)) {
        int32_t n_cases = propose(&seeking, cases);
        if (n_cases == 0) {
            break;
        }
        status = size_book_run(book, cases, n_cases, err);
    }
    tell(&seeking, found);
    free(cases);
    free(seeking.seekers);
    return status;
}

bool size_search_best(const struct size_book *book,
                      const struct size_search_found *found, int32_t group,
                      struct size_fleet *best)
{
    bool has_best = false;
    for (int32_t i = 0; i < book->candidates->n; i++) {
        bool counts = group < 0 || book->candidates->list[i].group == group;
        struct size_fleet fleet = alone(i, found[i].meets);
        if (counts && found[i].outcome == SIZE_SEARCH_MEETS &&
            (!has_best || size_fleet_better(book->candidates, &fleet, best))) {
            *best = fleet;
            has_best = true;
        }
    }
    return has_best;
}
