#include "output/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

static const char pairs[201] = "00010203040506070809101112131415161718192021222324"
                               "25262728293031323334353637383940414243444546474849"
                               "50515253545556575859606162636465666768697071727374"
                               "75767778798081828384858687888990919293949596979899";

int text_open(struct text *text, const char *folder, const char *name, struct err *err)
{
    text->failed = 0;
    text->at = text->buffer;
    int length = snprintf(text->path, sizeof text->path, "%s/%s", folder, name);
    if (length >= (int)sizeof text->path) {
        return err_set(err, "%s/%s: the path is longer than %zu bytes", folder, name,
                       sizeof text->path - 1);
    }
    text->fd = open(text->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (text->fd < 0) {
        return err_set(err, "%s: cannot create: %s", text->path, strerror(errno));
    }
    return 0;
}

static void write_out(struct text *text)
{
    const char *from = text->buffer;
    while (from < text->at && text->failed == 0) {
        ssize_t n = write(text->fd, from, (size_t)(text->at - from));
        if (n >= 0) {
            from += n;
        } else if (errno != EINTR) {
            text->failed = errno;
        }
    }
    text->at = text->buffer;
}

void text_flush_if_full(struct text *text)
{
    if (text->at - text->buffer >= TEXT_BUFFER) {
        write_out(text);
    }
}

int text_close(struct text *text, struct err *err)
{
    write_out(text);
    if (text->failed == 0 && fsync(text->fd) != 0 && errno != EINVAL &&
        errno != EROFS) {
        text->failed = errno;
    }
    if (close(text->fd) != 0 && text->failed == 0) {
        text->failed = errno;
    }
    if (text->failed != 0) {
        return err_set(err, "%s: cannot write: %s", text->path, strerror(text->failed));
    }
    return 0;
}

void text_string(struct text *text, const char *string)
{
    size_t length = strlen(string);
    CHECK(length <= TEXT_MOST_PIECE);
    memcpy(text->at, string, length);
    text->at += length;
    text_flush_if_full(text);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->at, TEXT_MOST_PIECE, format, arguments);
    va_end(arguments);
    CHECK(length >= 0 && length < TEXT_MOST_PIECE);
    text->at += length;
    text_flush_if_full(text);
}

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

/* Exactly `n` digits of `value`, with leading zeros. */
static void put_fixed(struct text *text, uint64_t value, int n)
{
    char *end = text->at + n;
    text->at = end;
    for (; n >= 2; n -= 2) {
        uint64_t rest = value / 100;
        memcpy(end -= 2, pairs + 2 * (value - rest * 100), 2);
        value = rest;
    }
    if (n == 1) {
        *--end = (char)('0' + value);
    }
}

static void put_unsigned(struct text *text, uint64_t value)
{
    if (value < 10) {
        *text->at++ = (char)('0' + value);
        return;
    }
    /* log10(2) = 1233 / 4096: the number of digits of a power of two, one short at most */
    int bits = 64 - __builtin_clzll(value);
    int n = (bits * 1233) >> 12;
    if (n < 19) {
        n += value >= powers[n];
    } else {
        n += value >= UINT64_C(10000000000000000000);
    }
    put_fixed(text, value, n);
}

void text_integer(struct text *text, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        *text->at++ = '-';
        magnitude = 0 - magnitude;
    }
    put_unsigned(text, magnitude);
}

void text_decimal(struct text *text, int64_t value, int decimals)
{
    CHECK(value >= 0 && decimals >= 0 && decimals <= 18);
    uint64_t whole = (uint64_t)value / powers[decimals];
    put_unsigned(text, whole);
    if (decimals > 0) {
        *text->at++ = '.';
        put_fixed(text, (uint64_t)value - whole * powers[decimals], decimals);
    }
    text_flush_if_full(text);
}

void text_wide(struct text *text, wide value, int decimals)
{
    if (value == (int64_t)value) {
        text_decimal(text, (int64_t)value, decimals);
        return;
    }
    CHECK(value >= 0 && decimals >= 0 && decimals <= 18);
    wide whole = value / (int64_t)powers[decimals];
    uint64_t fraction = (uint64_t)(value - whole * (int64_t)powers[decimals]);
    const wide chunk = 1000000000000000000;
    if (whole >= chunk) {
        CHECK(whole / chunk < chunk);
        put_unsigned(text, (uint64_t)(whole / chunk));
        put_fixed(text, (uint64_t)(whole % chunk), 18);
    } else {
        put_unsigned(text, (uint64_t)whole);
    }
    if (decimals > 0) {
        *text->at++ = '.';
        put_fixed(text, fraction, decimals);
    }
    text_flush_if_full(text);
}

/* Nine digits of value < 10^9.  value x 2^57 / 10^8, rounded up, has the first digit above
 * bit 57; times 100 the next two come up there, and so on.  What rounding up adds stays
 * below one unit of the last digit: 10^9 x 0.25 x 10^8 / 2^57 < 0.2. */
static void put_nine(struct text *text, uint64_t value)
{
    const uint64_t below = (UINT64_C(1) << 57) - 1;
    uint64_t shifted = value * UINT64_C(1441151881);
    char *at = text->at;
    *at++ = (char)('0' + (shifted >> 57));
    for (int i = 0; i < 4; i++) {
        shifted = (shifted & below) * 100;
        memcpy(at, pairs + 2 * (shifted >> 57), 2);
        at += 2;
    }
    text->at = at;
}

void text_comma_seconds(struct text *text, int64_t ns)
{
    if (ns <= 0) {
        memcpy(text->at, ",0.000000000", 12);
        text->at += ns < 0 ? 1 : 12;
        return;
    }
    uint64_t whole = (uint64_t)ns / 1000000000;
    *text->at++ = ',';
    put_unsigned(text, whole);
    *text->at++ = '.';
    put_nine(text, (uint64_t)ns - whole * 1000000000);
}

void text_comma_integer(struct text *text, int64_t value)
{
    *text->at++ = ',';
    text_integer(text, value);
}
