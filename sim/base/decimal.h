/* decimal: numbers from text, exactly.
 *
 * A decimal in a file becomes an integer count of a small unit straight from its
 * digits, half up, never through a double: "0.0137" seconds is 13,700,000 ns on every
 * machine.
 */
#ifndef SERVESIM_BASE_DECIMAL_H
#define SERVESIM_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wide.h"

/* Reads a decimal of at most 38 digits ("12", "-0.5", "1.5e3") at `text`.  The value is
 * *mantissa x 10^*exponent; returns the first byte after it, or NULL if none is. */
const char *decimal_read(const char *text, wide *mantissa, int *exponent);

/* mantissa x 10^exponent rounded half up (away from zero below it) to an int64_t;
 * false if it does not fit. */
bool decimal_round(wide mantissa, int exponent, int64_t *value);

/* The whole of `text`, of `length` bytes, as digits only with an optional fraction,
 * times 10^decimals, half up.  The fast path of trace readers: no sign, no exponent, no
 * spaces.  False if it is anything else or does not fit. */
bool decimal_scan(const char *text, size_t length, int decimals, int64_t *value);

/* Writes value / 10^decimals exactly, without trailing zeros, to `text` (48 bytes);
 * at most 18 decimals. */
void decimal_print(int64_t value, int decimals, char *text);

#endif
