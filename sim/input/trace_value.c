#include "input/trace_value.h"

#include "base/decimal.h"
#include "input/trace_csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SECOND_DECIMALS = 9, TIME_BYTES = 64 };

/* "1e-05", as some programs write small numbers; false if it is no such decimal. */
static bool read_exponent(struct trace_field field, int64_t *ns, bool *fits)
{
    char text[TIME_BYTES + 1] = {0};
    if (field.length == 0 || field.length > TIME_BYTES || field.text[0] < '0' ||
        field.text[0] > '9') {
        return false;
    }
    memcpy(text, field.text, field.length);
    wide mantissa;
    int exponent;
    const char *end = decimal_read(text, &mantissa, &exponent);
    if (end != text + field.length || end[-1] == '.') {
        return false;
    }
    *fits = decimal_round(mantissa, exponent + SECOND_DECIMALS, ns);
    return true;
}

static const int64_t most_ns = TRACE_CSV_MOST * INT64_C(1000000000);

/* A time that is not simply a decimal within the bounds. */
static int read_odd_seconds(const struct source_line *line, const char *column,
                            struct trace_field field, bool fits, int64_t *ns,
                            struct err *err)
{
    if (!fits && !read_exponent(field, ns, &fits)) {
        return trace_csv_refuse(line, column, field,
                                "is not a time in seconds such as 12.0375", err);
    }
    if (!fits || *ns > most_ns) {
        return trace_csv_refuse(line, column, field, "is more than 1000000000", err);
    }
    return 0;
}

int trace_value_seconds(const struct source_line *line, const char *column,
                        struct trace_field field, int64_t *ns, struct err *err)
{
    bool fits = decimal_scan(field.text, field.length, SECOND_DECIMALS, ns);
    if (fits && *ns <= most_ns) { /* mostly */
        return 0;
    }
    return read_odd_seconds(line, column, field, fits, ns, err);
}

int trace_value_priority(const struct source_line *line, const char *column,
                         struct trace_field field, int64_t *priority, struct err *err)
{
    bool negative = field.length > 0 && field.text[0] == '-';
    int64_t value = 0;
    bool good = field.length > negative;
    for (size_t i = negative; i < field.length && good; i++) {
        good = field.text[i] >= '0' && field.text[i] <= '9' && value <= INT32_MAX;
        value = value * 10 + (field.text[i] - '0');
    }
    value = negative ? -value : value;
    if (!good || value < INT32_MIN || value > INT32_MAX) {
        return trace_csv_refuse(line, column, field,
                                "is not an integer from -2147483648 to 2147483647",
                                err);
    }
    *priority = value;
    return 0;
}

int trace_value_count(const struct source_line *line, const char *column,
                      struct trace_field field, int64_t most, int64_t *count,
                      struct err *err)
{
    char reason[80];
    int64_t value;
    bool fits = decimal_scan(field.text, field.length, 0, &value);
    if (fits && memchr(field.text, '.', field.length) == NULL && value <= most) {
        *count = value;
        return 0;
    }
    snprintf(reason, sizeof reason, "is not an integer from 0 to %" PRId64, most);
    return trace_csv_refuse(line, column, field, reason, err);
}

bool trace_value_is_zero(struct trace_field field)
{
    size_t i = 0;
    while (i < field.length && field.text[i] == '0') {
        i++;
    }
    return field.length > 0 && i == field.length;
}

static bool is_label(struct trace_field field)
{
    for (size_t i = 0; i < field.length; i++) {
        unsigned char c = (unsigned char)field.text[i];
        if (c < ' ' || c == 0x7f || c == ',' || c == '"') {
            return false;
        }
    }
    return true;
}

static int refuse_text(const struct source_line *line, const char *column,
                       struct trace_field field, size_t most, struct err *err)
{
    char reason[128];
    snprintf(reason, sizeof reason,
             "is not a label (at most %zu bytes without comma, double "
             "quote or control character)",
             most);
    return trace_csv_refuse(line, column, field, reason, err);
}

static int read_text(const struct source_line *line, const char *column,
                     struct trace_field field, size_t most, char *text,
                     const char **label, struct err *err)
{
    *label = NULL;
    if (field.length == 0) {
        return 0;
    }
    if (field.length > most || !is_label(field)) {
        return refuse_text(line, column, field, most, err);
    }
    memcpy(text, field.text, field.length);
    text[field.length] = '\0';
    *label = text;
    return 0;
}

int trace_value_label(const struct source_line *line, const char *column,
                      struct trace_field field, char text[TRACE_LABEL_BYTES + 1],
                      const char **label, struct err *err)
{
    return read_text(line, column, field, TRACE_LABEL_BYTES, text, label, err);
}

int trace_value_parents(const struct source_line *line, const char *column,
                        struct trace_field field, char text[TRACE_PARENT_BYTES + 1],
                        const char **parents, struct err *err)
{
    return read_text(line, column, field, TRACE_PARENT_BYTES, text, parents, err);
}
