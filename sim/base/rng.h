/* rng: random numbers from streams with a name.
 *
 * One seed, many streams: a stream's numbers depend on the seed and its own name only,
 * so drawing more in one place never shifts what another place sees.  The generator is
 * GSL's mt19937, always; GSL_RNG_TYPE and GSL_RNG_SEED are never read.
 */
#ifndef SERVESIM_BASE_RNG_H
#define SERVESIM_BASE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

struct rng {
    gsl_rng *generator; /* for GSL's samplers; `run` may only use the integers below */
};

/* Starts the stream of that seed and name at its beginning; rng_free() it. */
void rng_init(struct rng *rng, uint64_t seed, const char *name);

/* The next 32 bits, all values equally likely. */
uint32_t rng_bits(struct rng *rng);

/* A whole number from 0 to bound - 1, all equally likely, from integers alone: the same
 * on every machine.  `bound` is 1 to 2^32. */
int64_t rng_below(struct rng *rng, int64_t bound);

/* An exponentially distributed time with that mean, from integers alone, by von Neumann's
 * comparison of uniform numbers ("Various techniques used in connection with random
 * digits", 1951): floor(mean x variate), the variate exact but for a grain of 2^-64.
 * `mean_ns` is 0 to 2^62; a time that would not fit is INT64_MAX. */
int64_t rng_exponential(struct rng *rng, int64_t mean_ns);

void rng_free(struct rng *rng);

/* The seed that mt19937 gets.  It has 32 bits: two names share a stream with odds of
 * 1 in 4 billion. */
uint32_t rng_mix(uint64_t seed, const char *name);

#endif
