#include "base/digits.h"

#include <endian.h>
#include <string.h>

#include "base/check.h"

static const char pairs[201] = "00010203040506070809101112131415161718192021222324"
                               "25262728293031323334353637383940414243444546474849"
                               "50515253545556575859606162636465666768697071727374"
                               "75767778798081828384858687888990919293949596979899";

static const uint64_t powers[19] = {1ULL,
                                    10ULL,
                                    100ULL,
                                    1000ULL,
                                    10000ULL,
                                    100000ULL,
                                    1000000ULL,
                                    10000000ULL,
                                    100000000ULL,
                                    1000000000ULL,
                                    10000000000ULL,
                                    100000000000ULL,
                                    1000000000000ULL,
                                    10000000000000ULL,
                                    100000000000000ULL,
                                    1000000000000000ULL,
                                    10000000000000000ULL,
                                    100000000000000000ULL,
                                    1000000000000000000ULL};

/* Eight digits of value < 10^8, all at once: halves of four digits in the two halves of a
 * word, then pairs in its quarters, then digits in its bytes.  n x 10486 / 2^20 is n / 100
 * below 10^4, n x 103 / 2^10 is n / 10 below 100. */
static inline char *put_eight(char *at, uint64_t value)
{
    uint64_t high = value / 10000;
    uint64_t fours = high | (value - high * 10000) << 32;
    uint64_t hundreds = fours * 10486 >> 20 & UINT64_C(0x0000007f0000007f);
    uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
    uint64_t tens = twos * 103 >> 10 & UINT64_C(0x000f000f000f000f);
    uint64_t ones = tens | (twos - tens * 10) << 8;
    uint64_t text = htole64(ones + UINT64_C(0x3030303030303030)); /* '0' is 0x30 */
    memcpy(at, &text, 8);
    return at + 8;
}

/* Four digits of value < 10^4 in the same way. */
static inline void put_four(char *at, uint64_t value)
{
    uint64_t hundreds = value * 10486 >> 20;
    uint64_t twos = hundreds | (value - hundreds * 100) << 16;
    uint64_t tens = twos * 103 >> 10 & UINT64_C(0x000f000f);
    uint64_t ones = tens | (twos - tens * 10) << 8;
    uint32_t text = htole32((uint32_t)(ones + UINT64_C(0x30303030)));
    memcpy(at, &text, 4);
}

char *digits_fixed(char *at, uint64_t value, int n)
{
    char *end = at + n;
    for (; n >= 4; n -= 4) {
        uint64_t rest = value / 10000;
        put_four(at + n - 4, value - rest * 10000);
        value = rest;
    }
    if (n >= 2) {
        n -= 2;
        memcpy(at + n, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (n == 1) {
        *at = (char)('0' + value % 10);
    }
    return end;
}

static inline char *put_unsigned(char *at, uint64_t value)
{
    if (value < 10) {
        *at = (char)('0' + value);
        return at + 1;
    }
    /* log10(2) = 1233 / 4096: the digits of a power of two, one short at most */
    int n = ((64 - __builtin_clzll(value)) * 1233) >> 12;
    if (n < 19) {
        n += value >= powers[n];
    } else {
        n += value >= UINT64_C(10000000000000000000);
    }
    return digits_fixed(at, value, n);
}

char *digits_integer(char *at, int64_t value)
{
    if (value < 0) {
        *at = '-';
        return put_unsigned(at + 1, 0 - (uint64_t)value);
    }
    return put_unsigned(at, (uint64_t)value);
}

char *digits_decimal(char *at, int64_t value, int decimals)
{
    CHECK(value >= 0 && decimals >= 0 && decimals <= 18);
    uint64_t whole = (uint64_t)value / powers[decimals];
    at = put_unsigned(at, whole);
    if (decimals == 0) {
        return at;
    }
    *at = '.';
    return digits_fixed(at + 1, (uint64_t)value - whole * powers[decimals], decimals);
}

char *digits_seconds(char *at, int64_t ns)
{
    if (ns == 0) {
        memcpy(at, "0.000000000", 11);
        return at + 11;
    }
    uint64_t whole = (uint64_t)ns / 1000000000;
    at = put_unsigned(at, whole);
    *at = '.';
    uint64_t fraction = (uint64_t)ns - whole * 1000000000;
    uint64_t first = fraction / 100000000;
    at[1] = (char)('0' + first);
    return put_eight(at + 2, fraction - first * 100000000);
}
