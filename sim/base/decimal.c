#include "base/decimal.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The exponent stops growing where no text is long enough to bring the value back. */
enum { MOST_DIGITS = 38, MOST_EXPONENT = 100000000 };

/* Reads "e-12" at `text` into *exponent; returns where it ends. */
static const char *read_exponent(const char *text, int *exponent)
{
    const char *at = text + 1;
    bool negative = *at == '-';
    if (*at == '-' || *at == '+') {
        at++;
    }
    if (*at < '0' || *at > '9') {
        return text; /* not an exponent: a unit such as "e..." is the caller's affair */
    }
    int value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value < MOST_EXPONENT ? value * 10 + (*at - '0') : value;
    }
    *exponent += negative ? -value : value;
    return at;
}

const char *decimal_read(const char *text, wide *mantissa, int *exponent)
{
    bool negative = *text == '-';
    const char *at = text + (*text == '-' || *text == '+');
    int digits = 0;
    bool fraction = false;
    bool any = false;
    *mantissa = 0;
    *exponent = 0;
    for (;; at++) {
        if (*at == '.' && !fraction) {
            fraction = true;
        } else if (*at >= '0' && *at <= '9') {
            any = true;
            if (digits >= MOST_DIGITS) {
                return NULL;
            }
            *mantissa = *mantissa * 10 + (*at - '0');
            digits += *mantissa != 0;
            *exponent -= fraction;
        } else {
            break;
        }
    }
    if (!any) {
        return NULL;
    }
    if (*at == 'e' || *at == 'E') {
        at = read_exponent(at, exponent);
    }
    if (negative) {
        *mantissa = -*mantissa;
    }
    return at;
}

bool decimal_round(wide mantissa, int exponent, int64_t *value)
{
    bool negative = mantissa < 0;
    wide a = negative ? -mantissa : mantissa;
    const wide most = INT64_MAX;
    for (; exponent > 0 && a != 0; exponent--) {
        if (a > most) {
            return false; /* before it grows: 38 digits times 10 leave 128 bits */
        }
        a *= 10;
    }
    int last = 0; /* the digit dropped last decides: half up */
    for (; exponent < 0 && (a != 0 || last != 0); exponent++) {
        last = (int)(a % 10);
        a /= 10;
    }
    a += last >= 5;
    if (a > most) {
        return false;
    }
    *value = negative ? -(int64_t)a : (int64_t)a;
    return true;
}

/* Puts one more digit behind `a`; false if that does not fit. */
static inline bool append_digit(int64_t *a, int digit)
{
    const int64_t most = INT64_MAX / 10;
    if (*a > most || (*a == most && digit > INT64_MAX % 10)) {
        return false;
    }
    *a = *a * 10 + digit;
    return true;
}

bool decimal_scan(const char *text, size_t length, int decimals, int64_t *value)
{
    int64_t a = 0;
    size_t i = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
        if (!append_digit(&a, text[i] - '0')) {
            return false;
        }
    }
    size_t whole = i;
    int missing = decimals;
    int next = 0; /* the first digit that is dropped */
    if (i < length && text[i] == '.') {
        for (i++; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
            if (missing > 0) {
                if (!append_digit(&a, text[i] - '0')) {
                    return false;
                }
                missing--;
            } else if (missing == 0) {
                next = text[i] - '0';
                missing = -1;
            }
        }
        if (i == whole + 1) {
            return false; /* "3." */
        }
    }
    for (; missing > 0; missing--) {
        if (!append_digit(&a, 0)) {
            return false;
        }
    }
    if (whole == 0 || i != length || (a == INT64_MAX && next >= 5)) {
        return false;
    }
    *value = a + (next >= 5);
    return true;
}

void decimal_print(int64_t value, int decimals, char *text)
{
    CHECK(decimals >= 0 && decimals <= 18);
    uint64_t a = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = 1;
    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    const char *sign = value < 0 ? "-" : "";
    if (decimals == 0) {
        snprintf(text, 48, "%s%" PRIu64, sign, a);
        return;
    }
    snprintf(text, 48, "%s%" PRIu64 ".%0*" PRIu64, sign, a / unit, decimals, a % unit);
    char *end = text + strlen(text);
    while (end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        end[-1] = '\0';
    }
}
