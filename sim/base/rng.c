#include "base/rng.h"

#include "base/check.h"
#include "base/wide.h"

#include <gsl/gsl_errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* FNV-1a of 64 bits (Fowler, Noll and Vo): the two numbers are its published offset
 * basis and prime. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* One step of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014, with Vigna's constants): every bit of the input moves about
 * half of the output, so seeds 1, 2, 3 ... start as far apart as any others. */
static uint64_t scramble(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint32_t rng_mix(uint64_t seed, const char *name)
{
    /* The seed is scrambled alone first, or seeds and names could cancel in the xor. */
    return (uint32_t)(scramble(scramble(seed) ^ hash_name(name)) >> 32);
}

void rng_init(struct rng *rng, uint64_t seed, const char *name)
{
    gsl_set_error_handler_off(); /* GSL's own handler aborts */
    rng->generator = gsl_rng_alloc(gsl_rng_mt19937);
    if (rng->generator == NULL) {
        fputs("servesim: out of memory\n", stderr); /* as memory.c says it */
        exit(1);
    }
    gsl_rng_set(rng->generator, rng_mix(seed, name));
}

uint32_t rng_bits(struct rng *rng)
{
    return (uint32_t)gsl_rng_get(rng->generator);
}

int64_t rng_below(struct rng *rng, int64_t bound)
{
    CHECK(bound >= 1 && bound <= INT64_C(1) << 32);
    /* Values past the last whole multiple of `bound` would favour small results. */
    uint64_t range = UINT64_C(1) << 32;
    uint64_t limit = range - range % (uint64_t)bound;
    uint64_t bits = rng_bits(rng);
    while (bits >= limit) {
        bits = rng_bits(rng);
    }
    return (int64_t)(bits % (uint64_t)bound);
}

static uint64_t bits_64(struct rng *rng)
{
    uint64_t high = rng_bits(rng);
    return high << 32 | rng_bits(rng);
}

/* The fraction of an exponential variate, if it has just one: x is kept if the run of
 * falling numbers x > u1 > u2 > ... that it begins has an odd length, which for x is as
 * likely as e^-x.  False: the variate is greater by 1, and another is tried. */
static bool is_kept(struct rng *rng, uint64_t *fraction)
{
    bool odd = true;
    uint64_t least = *fraction = bits_64(rng);
    for (uint64_t next; (next = bits_64(rng)) < least; least = next) {
        odd = !odd;
    }
    return odd;
}

int64_t rng_exponential(struct rng *rng, int64_t mean_ns)
{
    CHECK(mean_ns >= 0 && mean_ns <= INT64_C(1) << 62);
    wide whole = 0;
    uint64_t fraction;
    while (!is_kept(rng, &fraction)) {
        whole++;
    }
    /* mean x fraction / 2^64, in halves of the fraction: the products fit 128 bits */
    wide high = (wide)mean_ns * (int64_t)(fraction >> 32);
    wide low = (wide)mean_ns * (int64_t)(fraction & UINT32_MAX);
    wide ns = whole * mean_ns + ((high + (low >> 32)) >> 32);
    return ns < INT64_MAX ? (int64_t)ns : INT64_MAX;
}

void rng_free(struct rng *rng)
{
    gsl_rng_free(rng->generator);
    rng->generator = NULL;
}
