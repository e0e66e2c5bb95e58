/* capacity: the highest request rate at which a fleet does what [slo] asks.
 *
 * Rates tried are powers of 1 + precision, written with six digits: the number that is told
 * is the number that was simulated.  From an estimate the search goes up or down in steps
 * that double, halves the bracket down to neighbours, and then looks below: three neighbours
 * and some shares of the answer (0.9, 0.75, 0.5, 0.25) must meet, too; of a coarse lattice
 * (precision from 0.05 on) every rate down to a quarter.  Where one fails, the answer is the
 * highest rate below which everything that was tried meets, and the fleet is not monotone.
 */
#ifndef SERVESIM_STUDY_CAPACITY_H
#define SERVESIM_STUDY_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "study/trial.h"

struct capacity_try {
    int32_t power; /* of 1 + precision */
    double rate_rps;
    struct trial_result result;
};

struct capacity {
    struct capacity_try *tries; /* all that was simulated, by rate */
    int32_t n_tries;
    int32_t meets; /* the answer's index in `tries`; -1: no rate that was tried meets */
    int32_t
        fails; /* the next rate's; -1: nothing above the answer was tried; if no rate
                      * meets, the lowest, or the highest of which only more requests
                      * than come are asked */
    bool is_monotone; /* nothing above a failure meets */
    double again_rps; /* else the highest rate that meets all the same */
};

/* Searches; `like` says which draw and seeds, and with a rate where to begin (0: at the
 * estimate of output/load.h).  Limits and precision are the configuration's [capacity].
 * Whatever is returned, capacity_free() frees it. */
int capacity_search(const struct trial_spec *spec, const struct trial *like,
                    struct capacity *capacity, struct err *err);
void capacity_free(struct capacity *capacity);

/* The highest rate that meets; 0: none. */
double capacity_rps(const struct capacity *capacity);

/* What the fleet does at that rate, or at that of `fails` if none meets. */
const struct trial_result *capacity_result(const struct capacity *capacity);

enum { CAPACITY_TEXT = 32 };

/* A rate as it can be given back with -s workload.rate_rps=... */
void capacity_print_rate(double rate_rps, char text[CAPACITY_TEXT]);

/* (1 + precision)^power with six digits. */
double capacity_rate(double precision, int32_t power);

#endif
