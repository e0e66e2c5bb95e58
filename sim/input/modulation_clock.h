/* modulation_clock: a clock that knows by how much [modulation] multiplies the rate.
 *
 * It only goes forward.  Integrals are exact: between two moments at which anything begins
 * or ends the factor is a polynomial of degree 2.
 */
#ifndef SERVESIM_INPUT_MODULATION_CLOCK_H
#define SERVESIM_INPUT_MODULATION_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "input/modulation.h"

struct modulation_clock {
    const struct modulation_spec *spec;
    struct rng spikes;
    int64_t start_ns; /* of the part in which the factor is `factor` */
    int64_t end_ns;
    double passed_s;  /* of that part */
    double factor[3]; /* f(x) = factor[0] + factor[1] x + factor[2] x^2 */
    int32_t corner;   /* the part of the profile */
    int64_t lap_ns;   /* where the period under way began */
    int32_t spike;    /* the next of the known ones, or the one under way */
    struct modulation_spike random; /* likewise */
};

/* Starts the clock at 0; modulation_clock_free() it.  The spec must outlive it. */
void modulation_clock_init(struct modulation_clock *clock,
                           const struct modulation_spec *spec, uint64_t seed);
void modulation_clock_free(struct modulation_clock *clock);

/* Goes on until the integral of the factor over seconds has grown by `area`, or to
 * until_ns, and returns how much of the area is left: 0 if it got there. */
double modulation_clock_pass(struct modulation_clock *clock, double area,
                             int64_t until_ns);

/* Where the clock stands, rounded to nanoseconds. */
int64_t modulation_clock_now_ns(const struct modulation_clock *clock);

/* Whether the factor is 0 from here to the end. */
bool modulation_clock_is_over(const struct modulation_clock *clock);

#endif
