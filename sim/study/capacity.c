#include "study/capacity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "output/load.h"
#include "study/run.h"

/* How far from the estimate the search goes by itself: down to where requests are alone,
 * for batches are rarely of more than a few hundred, and up to where the estimate must be
 * wrong. */
static const double widest_down = 1024;
static const double widest_up = 16384;

static const double least_rate = 0.001; /* that generators draw at */
static const double most_rate = 1000000;

struct search {
    const struct trial_spec *spec;
    const struct trial *like;
    struct capacity *capacity;
    struct err *err;
    double precision;
    int32_t least; /* powers */
    int32_t most;
};

double capacity_rate(double precision, int32_t power)
{
    char text[40];
    snprintf(text, sizeof text, "%.5e", exp((double)power * log1p(precision)));
    return strtod(text, NULL);
}

void capacity_print_rate(double rate_rps, char text[CAPACITY_TEXT])
{
    snprintf(text, CAPACITY_TEXT, "%.6g", rate_rps);
    if (strchr(text, 'e') != NULL) {
        snprintf(text, CAPACITY_TEXT, "%.*f", rate_rps < 1 ? 9 : 0, rate_rps);
    }
}

/* The first of the tries at that power or above. */
static int32_t place_of(const struct capacity *capacity, int32_t power)
{
    int32_t at = 0;
    while (at < capacity->n_tries && capacity->tries[at].power < power) {
        at++;
    }
    return at;
}

/* Whether it meets, or would if more came: no reason to go down. */
static bool is_open_above(const struct capacity_try *try)
{
    return try->result.verdict.meets || try->result.verdict.too_few;
}

/* 1: meets, or asks for more requests, 0: fails, -1: an error. */
static int try_rate(struct search *search, int32_t power)
{
    struct capacity *capacity = search->capacity;
    int32_t at = place_of(capacity, power);
    if (at < capacity->n_tries && capacity->tries[at].power == power) {
        return is_open_above(&capacity->tries[at]);
    }
    struct trial trial = *search->like;
    struct capacity_try new = {.power = power,
                               .rate_rps = capacity_rate(search->precision, power)};
    trial.rate_rps = new.rate_rps;
    if (trial_run(search->spec, &trial, &new.result, search->err) != 0) {
        return -1;
    }
    capacity->tries = memory_grow(capacity->tries, (size_t)capacity->n_tries + 1,
                                  sizeof *capacity->tries);
    memmove(&capacity->tries[at + 1], &capacity->tries[at],
            (size_t)(capacity->n_tries - at) * sizeof *capacity->tries);
    capacity->tries[at] = new;
    capacity->n_tries++;
    return is_open_above(&new);
}

/* What the fleet can complete by its step prices alone. */
static int estimate(const struct trial_spec *spec, double *rate, struct err *err)
{
    const struct config *config = spec->config;
    struct pool *pools = memory_new((size_t)config->n_pools, sizeof *pools);
    int status = run_pools(config, pools, err);
    if (status == 0) {
        *rate = load_fleet_rps(pools, config->n_pools, spec->mean_prompt,
                               spec->mean_output);
        *rate = isfinite(*rate) && *rate > 0 ? *rate : 1;
    }
    run_free_pools(config, pools);
    return status;
}

static int32_t power_at(const struct search *search, double rate)
{
    return (int32_t)floor(log(rate) / log1p(search->precision) + 1e-9);
}

static int32_t clamp(const struct search *search, int64_t power)
{
    return power < search->least  ? search->least
           : power > search->most ? search->most
                                  : (int32_t)power;
}

/* The powers that may be tried. */
static void set_limits(struct search *search, double start)
{
    const struct config_study_capacity *config = &search->spec->config->study.capacity;
    double least = (double)config->least_rps_nano * 1e-9;
    double most = (double)config->most_rps_nano * 1e-9;
    least = least > 0 ? least : fmax(start / widest_down, least_rate);
    most = most > 0 ? most : fmin(start * widest_up, most_rate);
    search->least = power_at(search, least);
    search->least +=
        capacity_rate(search->precision, search->least) < least * (1 - 1e-9);
    search->most = power_at(search, most);
    search->most = search->most > search->least ? search->most : search->least;
}

/* From `from`, which fails, down to one that meets: its power in `meets`; false: none. */
static int go_down(struct search *search, int32_t from, int32_t *meets, int32_t *fails)
{
    int64_t step = 1 + (int64_t)(0.05 / search->precision);
    *fails = from;
    while (*fails > search->least) {
        int32_t power = clamp(search, *fails - step);
        int got = try_rate(search, power);
        if (got != 0) {
            *meets = power;
            return got;
        }
        *fails = power;
        step *= 2;
    }
    return 0;
}

/* From `from`, which meets, up to one that fails; false: the limit meets. */
static int go_up(struct search *search, int32_t from, int32_t *meets, int32_t *fails)
{
    int64_t step = 1 + (int64_t)(0.05 / search->precision);
    *meets = from;
    while (*meets < search->most) {
        int32_t power = clamp(search, *meets + step);
        int got = try_rate(search, power);
        if (got <= 0) {
            *fails = power;
            return got < 0 ? -1 : 1;
        }
        *meets = power;
        step *= 2;
    }
    return 0;
}

/* Halves what is between until they are neighbours. */
static int halve(struct search *search, int32_t *meets, int32_t *fails)
{
    while (*fails - *meets > 1) {
        int32_t middle = *meets + (*fails - *meets) / 2;
        int got = try_rate(search, middle);
        if (got < 0) {
            return -1;
        }
        *(got > 0 ? meets : fails) = middle;
    }
    return 0;
}

/* The highest of the tries below `power`, all of which meet; else the search goes on below. */
static int find_below(struct search *search, int32_t *meets, int32_t *fails)
{
    struct capacity *capacity = search->capacity;
    int32_t at = place_of(capacity, *fails) - 1;
    if (at < 0) {
        int got = go_down(search, *fails, meets, fails);
        if (got <= 0) {
            return got;
        }
    } else {
        *meets = capacity->tries[at].power;
    }
    return halve(search, meets, fails) == 0 ? 1 : -1;
}

/* How many powers it is down to that share. */
static int32_t powers_down(const struct search *search, double share)
{
    return (int32_t)lround(-log(share) / log1p(search->precision));
}

/* Whether the powers below the answer meet: all of them down to a quarter where the lattice
 * is so coarse that they are few, else its neighbours and some shares.  Where one does not,
 * `fails` is it. */
static int look_below(struct search *search, int32_t meets, int32_t *fails)
{
    enum { FEW = 32, NEAR = 3 };
    static const double shares[] = {0.9, 0.75, 0.5, 0.25};
    int32_t downs[FEW];
    int32_t n = 0;
    int32_t all = powers_down(search, 0.25);
    for (int32_t down = 1; down <= (all <= FEW ? all : NEAR); down++) {
        downs[n++] = down;
    }
    for (size_t i = 0; all > FEW && i < sizeof shares / sizeof shares[0]; i++) {
        downs[n++] = powers_down(search, shares[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        int32_t power = meets - downs[i];
        if (power < search->least) {
            continue;
        }
        int got = try_rate(search, power);
        if (got <= 0) {
            *fails = power;
            return got;
        }
    }
    return 1;
}

static void conclude(struct capacity *capacity, bool found, int32_t meets)
{
    bool failed = false;
    int32_t at = found ? place_of(capacity, meets) : 0;
    found = found && capacity->tries[at].result.verdict.meets;
    capacity->meets = found ? at : -1;
    capacity->fails = !found ? at : at + 1 < capacity->n_tries ? at + 1 : -1;
    for (int32_t i = 0; i < capacity->n_tries; i++) {
        bool is_met = capacity->tries[i].result.verdict.meets;
        if (failed && is_met) {
            capacity->is_monotone = false;
            capacity->again_rps = capacity->tries[i].rate_rps;
        }
        failed = failed || !is_open_above(&capacity->tries[i]);
    }
}

/* The bracket about the rate to begin at; 0: none meets. */
static int first_bracket(struct search *search, int32_t start, int32_t *meets,
                         int32_t *fails)
{
    int got = try_rate(search, start);
    if (got < 0) {
        return -1;
    }
    if (got == 0) {
        got = go_down(search, start, meets, fails);
        return got > 0 ? halve(search, meets, fails) == 0 ? 1 : -1 : got;
    }
    got = go_up(search, start, meets, fails);
    if (got < 0 || (got > 0 && halve(search, meets, fails) != 0)) {
        return -1;
    }
    return 1;
}

int capacity_search(const struct trial_spec *spec, const struct trial *like,
                    struct capacity *capacity, struct err *err)
{
    struct search search = {
        .spec = spec,
        .like = like,
        .capacity = capacity,
        .err = err,
        .precision = (double)spec->config->study.capacity.precision_nano * 1e-9,
    };
    double start;
    *capacity = (struct capacity){.meets = -1, .fails = -1, .is_monotone = true};
    if (estimate(spec, &start, err) != 0) {
        return -1;
    }
    set_limits(&search, start);
    start = like->rate_rps > 0 ? like->rate_rps : start;
    int32_t meets = 0;
    int32_t fails = 0;
    int got = first_bracket(&search, clamp(&search, power_at(&search, start)), &meets,
                            &fails);
    while (got > 0) {
        int below = look_below(&search, meets, &fails);
        if (below != 0) {
            got = below;
            break;
        }
        got = find_below(&search, &meets, &fails);
    }
    conclude(capacity, got > 0, meets);
    return got < 0 ? -1 : 0;
}

void capacity_free(struct capacity *capacity)
{
    free(capacity->tries);
    capacity->tries = NULL;
}

double capacity_rps(const struct capacity *capacity)
{
    return capacity->meets < 0 ? 0 : capacity->tries[capacity->meets].rate_rps;
}

const struct trial_result *capacity_result(const struct capacity *capacity)
{
    return &capacity->tries[capacity->meets < 0 ? capacity->fails : capacity->meets]
                .result;
}
