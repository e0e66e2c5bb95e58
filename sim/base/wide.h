/* wide: 128-bit integers.
 *
 * Integrals over time, energy and money do not fit 64 bits: the sojourns of a million
 * overloaded requests overflow them in nanoseconds, one step of a 405B model on a small
 * GPU in femtoseconds.  ISO C has no such type, so it gets the one typedef of the house.
 */
#ifndef SERVESIM_BASE_WIDE_H
#define SERVESIM_BASE_WIDE_H

#include <stdint.h>

#include "base/check.h"

__extension__ typedef __int128 wide;

/* floor(a / b) for a >= 0, b > 0.  Most values fit 64 bits, where division is cheap. */
static inline wide wide_div(wide a, int64_t b)
{
    if (a == (int64_t)a) {
        return (int64_t)a / b;
    }
    return a / b;
}

/* a / b rounded half up, for a >= 0, b > 0. */
static inline wide wide_div_half_up(wide a, wide b)
{
    return (2 * a + b) / (2 * b);
}

/* a / b x 10^decimals rounded half up, for a >= 0, b > 0: digit by digit, so that only the
 * result has to fit. */
static inline wide wide_ratio(wide a, wide b, int decimals)
{
    wide whole = a / b;
    wide rest = a % b;
    for (int i = 0; i < decimals; i++) {
        rest *= 10;
        whole = whole * 10 + rest / b;
        rest %= b;
    }
    return whole + (rest >= b - rest);
}

/* The value as 64 bits; more than that is a bug or an absurd input that was let in. */
static inline int64_t wide_narrow(wide a)
{
    CHECK(a == (int64_t)a);
    return (int64_t)a;
}

#endif
