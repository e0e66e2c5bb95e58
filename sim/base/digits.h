/* digits: numbers as text, fast.
 *
 * A million rows of 28 numbers are most of the work of a long run, so digits are made by
 * hand, two at a time.  Every function writes at `at`, where there is room, and returns
 * where it stopped; nothing is terminated.
 */
#ifndef SERVESIM_BASE_DIGITS_H
#define SERVESIM_BASE_DIGITS_H

#include <stdint.h>

enum { DIGITS_MOST = 40 };

char *digits_integer(char *at, int64_t value);

/* value / 10^decimals with exactly that many decimals; value >= 0, decimals 0 to 18. */
char *digits_decimal(char *at, int64_t value, int decimals);

/* The last `n` decimal digits of `value`, with leading zeros. */
char *digits_fixed(char *at, uint64_t value, int n);

/* Nanoseconds >= 0 as seconds with nine decimals. */
char *digits_seconds(char *at, int64_t ns);

#endif
