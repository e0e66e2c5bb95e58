#include "output/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/digits.h"

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

bool text_failed(const struct text *text, struct err *err)
{
    if (text->failed != 0) {
        err_set(err, "%s: cannot write: %s", text->path, strerror(text->failed));
    }
    return text->failed != 0;
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
    return text_failed(text, err) ? -1 : 0;
}

void text_string(struct text *text, const char *string)
{
    size_t length = strlen(string);
    CHECK(length <= TEXT_MOST_PIECE);
    memcpy(text->at, string, length);
    text->at += length;
    text_flush_if_full(text);
}

void text_quoted(struct text *text, const char *word)
{
    bool is_quoted = strpbrk(word, ",\"\r\n") != NULL;
    size_t length = strlen(word);
    if (!is_quoted && length <= TEXT_MOST_PIECE) {
        text_string(text, word);
        return;
    }
    text_string(text, is_quoted ? "\"" : "");
    for (; *word != '\0'; word++) {
        text_printf(text, "%s%c", is_quoted && *word == '"' ? "\"" : "", *word);
    }
    text_string(text, is_quoted ? "\"" : "");
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

void text_integer(struct text *text, int64_t value)
{
    text->at = digits_integer(text->at, value);
}

void text_decimal(struct text *text, int64_t value, int decimals)
{
    text->at = digits_decimal(text->at, value, decimals);
    text_flush_if_full(text);
}

void text_wide(struct text *text, wide value, int decimals)
{
    const wide chunk = 1000000000000000000;
    if (value == (int64_t)value) {
        text_decimal(text, (int64_t)value, decimals);
        return;
    }
    CHECK(value >= 0 && decimals >= 0 && decimals <= 18);
    wide unit = 1;
    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    wide whole = value / unit;
    if (whole >= chunk) {
        CHECK(whole / chunk < chunk);
        text->at = digits_integer(text->at, (int64_t)(whole / chunk));
        text->at = digits_fixed(text->at, (uint64_t)(whole % chunk), 18);
    } else {
        text->at = digits_integer(text->at, (int64_t)whole);
    }
    if (decimals > 0) {
        *text->at++ = '.';
        text->at = digits_fixed(text->at, (uint64_t)(value % unit), decimals);
    }
    text_flush_if_full(text);
}

void text_comma_seconds(struct text *text, int64_t ns)
{
    *text->at++ = ',';
    if (ns >= 0) {
        text->at = digits_seconds(text->at, ns);
    }
}

void text_comma_integer(struct text *text, int64_t value)
{
    *text->at++ = ',';
    text->at = digits_integer(text->at, value);
}
