#include "study/size_book.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

void size_book_free(struct size_book *book)
{
    free(book->entries);
}

static bool same_case(const struct size_case *a, const struct size_case *b)
{
    return a->z == b->z && a->factor == b->factor &&
           size_fleet_same(&a->fleet, &b->fleet);
}

const struct size_entry *size_book_find(const struct size_book *book,
                                        const struct size_case *what)
{
    for (int32_t i = 0; i < book->n; i++) {
        if (same_case(&book->entries[i].what, what)) {
            return &book->entries[i];
        }
    }
    return NULL;
}

static bool is_latency(const char *metric)
{
    size_t length = strlen(metric);
    return length > 3 && strcmp(metric + length - 3, "_ms") == 0;
}

void size_book_scale(struct trial_spec *spec, struct config *config, double factor)
{
    if (factor == 1) {
        return;
    }
    goal_scale_slo(&config->slo, factor);
    for (int32_t i = 0; i < spec->goal.n; i++) {
        struct goal_criterion *criterion = &spec->goal.list[i];
        if (is_latency(criterion->metric) && !criterion->at_least) {
            criterion->bound *= factor;
        }
    }
}

/* The goal as a deployment that is off by z is held to it. */
static struct goal goal_of(const struct trial_spec *spec, double z)
{
    struct goal goal = spec->goal;
    goal_scale_ttft(&goal, 1 / trial_ttft_factor(spec->config, z));
    return goal;
}

/* Whether more seeds could still save it: shares are at most 1, latencies at least 0. */
static bool is_lost(const struct goal *goal, const struct goal_verdict *verdict,
                    int32_t n_seeds)
{
    for (int32_t i = 0; i < goal->n; i++) {
        const struct goal_criterion *criterion = &goal->list[i];
        double mean = verdict->mean[i];
        bool is_share = strcmp(criterion->metric, "slo_attainment") == 0;
        if (isnan(mean)) {
            continue;
        }
        if (criterion->at_least && is_share &&
            mean + (n_seeds - 1) < criterion->bound * n_seeds * (1 - 1e-9)) {
            return true;
        }
        if (!criterion->at_least && is_latency(criterion->metric) &&
            mean > criterion->bound * n_seeds * (1 + 1e-9)) {
            return true;
        }
    }
    return false;
}

/* Missed by so much that with fewer replicas it is no better: the queue grows, or three
 * times as many requests miss the bounds as may, or a latency is three times its bound. */
static bool is_hopeless(const struct goal *goal, const struct goal_verdict *verdict,
                        int32_t n_seeds)
{
    const double far = 3;
    if (verdict->meets) {
        return false;
    }
    bool is_far = verdict->n_overloaded == n_seeds;
    for (int32_t i = 0; i < goal->n && !is_far; i++) {
        const struct goal_criterion *criterion = &goal->list[i];
        double mean = verdict->mean[i];
        if (criterion->at_least && strcmp(criterion->metric, "slo_attainment") == 0) {
            is_far = 1 - mean > far * (1 - criterion->bound) + 0.05;
        } else if (!criterion->at_least && is_latency(criterion->metric)) {
            is_far = mean > far * criterion->bound;
        }
    }
    return is_far;
}

struct playing {
    const struct size_book *book;
    struct size_entry *entries; /* those that are to be filled */
    struct err *errs;
    bool *failed;
};

static bool play_one(void *state, int32_t i)
{
    const struct playing *playing = state;
    const struct size_book *book = playing->book;
    struct size_entry *entry = &playing->entries[i];
    struct trial_spec spec = book->spec;
    struct config config;
    struct pool_config pools[SIZE_FLEET_PARTS];
    size_fleet_config(book->candidates, &entry->what.fleet, &config, pools);
    size_book_scale(&spec, &config, entry->what.factor);
    spec.config = &config;
    const struct goal goal = goal_of(&spec, entry->what.z);
    struct trial trial = {.z = entry->what.z, .n_seeds = 1};
    entry->n_seeds = 1;
    int status = trial_run(&spec, &trial, &entry->result, &playing->errs[i]);
    if (status == 0 && spec.n_seeds > 1 &&
        !is_lost(&goal, &entry->result.verdict, spec.n_seeds)) {
        trial.n_seeds = 0;
        entry->n_seeds = spec.n_seeds;
        status = trial_run(&spec, &trial, &entry->result, &playing->errs[i]);
    }
    playing->failed[i] = status != 0;
    entry->hopeless =
        status == 0 && is_hopeless(&goal, &entry->result.verdict, entry->n_seeds);
    progress_add(book->progress, 1);
    return spec.interrupted == NULL || !*spec.interrupted;
}

static void make_room(struct size_book *book, int32_t n)
{
    if (book->n + n > book->room) {
        book->room = 2 * book->room + n;
        book->entries =
            memory_grow(book->entries, (size_t)book->room, sizeof *book->entries);
    }
}

int size_book_run(struct size_book *book, const struct size_case *cases, int32_t n,
                  struct err *err)
{
    make_room(book, n);
    int32_t first = book->n;
    for (int32_t i = 0; i < n; i++) {
        if (size_book_find(book, &cases[i]) == NULL) {
            book->entries[book->n++] = (struct size_entry){.what = cases[i]};
        }
    }
    n = book->n - first;
    struct playing playing = {
        .book = book,
        .entries = &book->entries[first],
        .errs = memory_new((size_t)n + 1, sizeof *playing.errs),
        .failed = memory_new((size_t)n + 1, sizeof *playing.failed),
    };
    int status = 0;
    parallel_each(n, book->n_threads, play_one, &playing);
    if (book->spec.interrupted != NULL && *book->spec.interrupted) {
        status = err_set(err, "interrupted: nothing was written");
    }
    for (int32_t i = 0; i < n; i++) {
        if (playing.failed[i]) { /* a fleet that cannot be run is no answer */
            playing.entries[i].error =
                memory_arena_text(book->arena, playing.errs[i].text);
            playing.entries[i].result.verdict.meets = false;
        }
    }
    free(playing.errs);
    free(playing.failed);
    return status;
}

bool size_book_tells(const struct size_book *book, const struct size_entry *entry,
                     double factor, bool *meets)
{
    *meets = entry->error == NULL && entry->result.verdict.meets;
    double other = entry->what.factor;
    if (other == factor || entry->error != NULL) {
        return true;
    }
    return !book->slo_matters && (*meets ? factor > other : factor < other);
}
