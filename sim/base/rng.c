#include "base/rng.h"

#include "base/check.h"

#include <gsl/gsl_errno.h>
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

void rng_free(struct rng *rng)
{
    gsl_rng_free(rng->generator);
    rng->generator = NULL;
}
