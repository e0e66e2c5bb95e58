#include "input/trace_csv.h"

#include <string.h>

enum { TIMESTAMP, PROMPT, OUTPUT, N_COLUMNS };

static const char *const names[N_COLUMNS] = {
    [TIMESTAMP] = "TIMESTAMP",
    [PROMPT] = "ContextTokens",
    [OUTPUT] = "GeneratedTokens",
};

static const struct trace_csv_table table = {
    .names = names,
    .n_needed = N_COLUMNS,
    .n_names = N_COLUMNS,
    .others = TRACE_CSV_NAMED,
};

/* "2023-11-16 18:17:03": the date, then the time of day. */
enum { DATE_BYTES = 10, SECOND_BYTES = 19 };

static const int64_t second_ns = 1000000000;

struct azure {
    struct trace_csv csv;
    char date[DATE_BYTES]; /* of the row before, and where it starts */
    int64_t date_ns;
    bool has_first;
    int64_t first_ns;
};

static bool test(const struct source_line *line)
{
    return trace_csv_test(&table, line);
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct azure *azure = state;
    return trace_csv_header(&azure->csv, &table, line, err);
}

static const char *ignored(const void *state)
{
    const struct azure *azure = state;
    return azure->csv.ignored;
}

/* The `n` digits at `text`, or -1. */
static int32_t digits(const char *text, int n)
{
    int32_t value = 0;
    for (int i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Nanoseconds from 1970 to a date "YYYY-MM-DD" before 2200 (later ones do not fit). */
static bool read_date(const char *text, int64_t *date_ns)
{
    static const int32_t days_before[] = {0,   31,  59,  90,  120, 151, 181,
                                          212, 243, 273, 304, 334, 365};
    int32_t year = digits(text, 4);
    int32_t month = digits(text + 5, 2);
    int32_t day = digits(text + 8, 2);
    if (text[4] != '-' || text[7] != '-' || year < 1970 || year > 2199 || month < 1 ||
        month > 12) {
        return false;
    }
    int32_t leap_day = is_leap(year) && month == 2;
    if (day < 1 || day > days_before[month] - days_before[month - 1] + leap_day) {
        return false;
    }
    int32_t before = year - 1; /* its last day; 719162 days lie before 1970 */
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    days += days_before[month - 1] + (is_leap(year) && month > 2) + day - 1;
    *date_ns = days * 86400 * second_ns;
    return true;
}

/* The nanoseconds of ".9799600", up to nine digits, or of nothing. */
static bool read_fraction(const char *text, size_t length, int64_t *ns)
{
    *ns = 0;
    if (length == 0) {
        return true;
    }
    if (text[0] != '.' || length < 2 || length > 10) {
        return false;
    }
    int64_t unit = second_ns;
    for (size_t i = 1; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        unit /= 10;
        *ns += (text[i] - '0') * unit;
    }
    return true;
}

static bool read_clock(const char *text, int64_t *ns)
{
    int32_t hour = digits(text, 2);
    int32_t minute = digits(text + 3, 2);
    int32_t second = digits(text + 6, 2);
    if (text[2] != ':' || text[5] != ':' || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59) {
        return false;
    }
    *ns = (hour * 3600 + minute * 60 + second) * second_ns;
    return true;
}

/* The bytes before "+00:00" or "Z", as the week of 2024 has them; other zones are none. */
static size_t without_zone(struct trace_field field)
{
    static const char utc[] = {'+', '0', '0', ':', '0', '0'};
    const char *end = field.text + field.length;
    if (field.length > sizeof utc && memcmp(end - sizeof utc, utc, sizeof utc) == 0) {
        return field.length - sizeof utc;
    }
    return field.length > 0 && end[-1] == 'Z' ? field.length - 1 : field.length;
}

/* Nanoseconds since 1970.  The date is worked out only where it changes. */
static bool read_timestamp(struct azure *azure, struct trace_field field, int64_t *ns)
{
    const char *text = field.text;
    size_t length = without_zone(field);
    if (length < SECOND_BYTES || (text[DATE_BYTES] != ' ' && text[DATE_BYTES] != 'T')) {
        return false;
    }
    if (memcmp(text, azure->date, DATE_BYTES) != 0) {
        if (!read_date(text, &azure->date_ns)) {
            azure->date[0] = '\0'; /* what is no date is not one the next time either */
            return false;
        }
        memcpy(azure->date, text, DATE_BYTES);
    }
    int64_t clock_ns;
    int64_t fraction_ns;
    if (!read_clock(text + DATE_BYTES + 1, &clock_ns) ||
        !read_fraction(text + SECOND_BYTES, length - SECOND_BYTES, &fraction_ns)) {
        return false;
    }
    *ns = azure->date_ns + clock_ns + fraction_ns;
    return true;
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct azure *azure = state;
    struct trace_field fields[N_COLUMNS];
    if (trace_csv_row(&azure->csv, line, fields, err) != 0) {
        return -1;
    }
    *arrival = fields[TIMESTAMP];
    int64_t ns;
    if (!read_timestamp(azure, *arrival, &ns)) {
        return trace_csv_refuse(line, names[TIMESTAMP], *arrival,
                                "is not a time such as 2023-11-16 18:17:03.9799600",
                                err);
    }
    if (trace_csv_tokens(line, names[PROMPT], fields[PROMPT], &row->prompt_tokens,
                         err) != 0 ||
        trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT], &row->output_tokens,
                         err) != 0) {
        return -1;
    }
    if (azure->has_first && ns - azure->first_ns > TRACE_CSV_MOST * second_ns) {
        return trace_csv_refuse(line, names[TIMESTAMP], *arrival,
                                "is more than 1000000000 s after the first row", err);
    }
    if (!azure->has_first) {
        azure->has_first = true;
        azure->first_ns = ns;
    }
    row->arrival_ns = ns - azure->first_ns;
    return 0;
}

const struct trace_format trace_azure = {
    .name = "azure",
    .first_line = "TIMESTAMP,ContextTokens,GeneratedTokens",
    .arrival = "TIMESTAMP",
    .state_bytes = sizeof(struct azure),
    .test = test,
    .header = read_header,
    .row = read_row,
    .ignored = ignored,
};
