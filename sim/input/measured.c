#include "input/measured.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/decimal.h"
#include "base/memory.h"
#include "input/measured_columns.h"
#include "input/trace_csv.h"

struct measured {
    struct source *source;
    const struct measured_columns *columns;
    enum measured_kind kind;
    struct trace_csv csv;
    const char *names[TRACE_CSV_COLUMNS];
};

static void strip(struct source_line *line)
{
    if (line->number == 1 && line->length >= 3 &&
        memcmp(line->text, "\xef\xbb\xbf", 3) == 0) {
        line->text += 3;
        line->length -= 3;
    }
    if (line->length > 0 && line->text[line->length - 1] == '\r') {
        line->length--;
    }
}

static bool ends_name(char c)
{
    return c == ',' || c == '"';
}

/* Whether the first line has a column of that name, whole. */
static bool has_column(const struct source_line *line, const char *name)
{
    size_t length = strlen(name);
    const char *end = line->text + line->length;
    const char *at = line->text;
    while ((at = memmem(at, (size_t)(end - at), name, length)) != NULL) {
        const char *after = at + length;
        if ((at == line->text || ends_name(at[-1])) &&
            (after == end || ends_name(*after))) {
            return true;
        }
        at = after;
    }
    return false;
}

static int refuse_file(const struct source_line *line, struct err *err)
{
    char marks[256];
    int used = 0;
    for (int i = 0; i < MEASURED_KINDS; i++) {
        used += snprintf(marks + used, sizeof marks - (size_t)used, "%s%s (%s)",
                         i == 0 ? "" : ", ", measured_columns_all[i].mark,
                         measured_columns_all[i].what);
    }
    bool is_long = line->length > 64;
    return err_at(err, line->file, line->number,
                  "the first line '%.*s%s' is of no kind of measurements known here, "
                  "which have a column %s",
                  (int)(is_long ? 64 : line->length), line->text, is_long ? "..." : "",
                  marks);
}

static int read_header(struct measured *measured, const struct source_line *line,
                       struct err *err)
{
    int kind = 0;
    while (kind < MEASURED_KINDS &&
           !has_column(line, measured_columns_all[kind].mark)) {
        kind++;
    }
    if (kind == MEASURED_KINDS) {
        return refuse_file(line, err);
    }
    measured->kind = (enum measured_kind)kind;
    measured->columns = &measured_columns_all[kind];
    CHECK(measured->columns->n <= TRACE_CSV_COLUMNS);
    int32_t n_needed = 0;
    for (int32_t i = 0; i < measured->columns->n; i++) {
        const struct measured_column *column = &measured->columns->columns[i];
        measured->names[i] = column->name;
        n_needed += column->needed;
        CHECK(column->needed == (n_needed == i + 1)); /* the needed ones come first */
    }
    struct trace_csv_table table = {.names = measured->names,
                                    .n_needed = n_needed,
                                    .n_names = measured->columns->n};
    return trace_csv_header(&measured->csv, &table, line, err);
}

struct measured *measured_open(const char *path, struct err *err)
{
    struct source *source = source_open(path, err);
    if (source == NULL) {
        return NULL;
    }
    struct measured *measured = memory_new(1, sizeof *measured);
    measured->source = source;
    struct source_line line;
    int result = source_next(source, &line, err);
    if (result == 0) {
        result = err_set(err, "%s: the file is empty", source_name(source));
    } else if (result > 0) {
        strip(&line);
        result = read_header(measured, &line, err);
    }
    if (result < 0) {
        measured_close(measured);
        return NULL;
    }
    return measured;
}

enum measured_kind measured_kind(const struct measured *measured)
{
    return measured->kind;
}

const char *measured_name(const struct measured *measured)
{
    return source_name(measured->source);
}

static int read_text(const struct source_line *line,
                     const struct measured_column *column, struct trace_field field,
                     char *to, struct err *err)
{
    if (field.length >= MEASURED_TEXT) {
        return trace_csv_refuse(line, column->name, field,
                                "is longer than 127 characters", err);
    }
    memcpy(to, field.text, field.length);
    to[field.length] = '\0';
    return 0;
}

/* A number between the column's bounds; what it counts follows from its type. */
static int read_number(const struct source_line *line,
                       const struct measured_column *column, struct trace_field field,
                       int64_t *value, struct err *err)
{
    static const int decimals[] = {
        [MEASURED_COUNT] = 0,       [MEASURED_ORDINAL] = 0, [MEASURED_NANO] = 9,
        [MEASURED_FRACTION] = 9,    [MEASURED_S] = 9,       [MEASURED_MS] = 6,
        [MEASURED_POSITIVE_MS] = 6,
    };
    char text[64];
    wide mantissa;
    int exponent;
    bool ok = field.length < sizeof text;
    if (ok) {
        memcpy(text, field.text, field.length);
        text[field.length] = '\0';
        const char *end = decimal_read(text, &mantissa, &exponent);
        ok = end != NULL && end == text + field.length &&
             decimal_round(mantissa, exponent + decimals[column->type], value);
    }
    if (!ok || !measured_columns_allows(column->type, mantissa, exponent, *value)) {
        return trace_csv_refuse(line, column->name, field,
                                measured_columns_expect(column->type), err);
    }
    return 0;
}

/* "2.5x600;6.0x600": requests per second x seconds. */
static int read_stages(const struct source_line *line,
                       const struct measured_column *column, struct trace_field field,
                       struct measured_open *open, struct err *err)
{
    static const char expect[] =
        "is not stages of requests per second x seconds such as 2.5x600;6.0x600 "
        "(at most 16)";
    const char *at = field.text;
    const char *end = field.text + field.length;
    open->n_stages = 0;
    for (; at <= end; at++) { /* past the ';' */
        const char *stop = memchr(at, ';', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        const char *x = memchr(at, 'x', (size_t)(stop - at));
        if (x == NULL || open->n_stages == MEASURED_STAGES) {
            return trace_csv_refuse(line, column->name, field, expect, err);
        }
        struct measured_stage *stage = &open->stages[open->n_stages++];
        if (!decimal_scan(at, (size_t)(x - at), 9, &stage->rate_nano) ||
            !decimal_scan(x + 1, (size_t)(stop - x - 1), 9, &stage->length_ns) ||
            stage->rate_nano == 0 || stage->length_ns == 0) {
            return trace_csv_refuse(line, column->name, field, expect, err);
        }
        at = stop;
    }
    return 0;
}

static int read_cell(const struct source_line *line,
                     const struct measured_column *column, struct trace_field field,
                     struct measured_row *row, struct err *err)
{
    char *at = (char *)row + column->offset; /* bytes of a struct, by offset */
    if (field.text == NULL || field.length == 0) {
        if (column->needed) {
            return trace_csv_refuse(line, column->name, field,
                                    "is empty: write what was measured", err);
        }
        if (column->type != MEASURED_NAME) { /* texts are empty already */
            memcpy(at, &column->standard, sizeof column->standard);
        }
        return 0;
    }
    if (column->type == MEASURED_NAME) {
        return read_text(line, column, field, at, err);
    }
    if (column->type == MEASURED_STAGE_LIST) {
        return read_stages(line, column, field, &row->open, err);
    }
    int64_t value = 0;
    if (read_number(line, column, field, &value, err) != 0) {
        return -1;
    }
    memcpy(at, &value, sizeof value);
    return 0;
}

/* What no single column can say. */
static int check_row(const struct measured *measured, const struct source_line *line,
                     const struct measured_row *row, struct err *err)
{
    bool is_server = measured->kind < MEASURED_REQUEST;
    if (is_server && row->server.system[0] == '\0') {
        return err_at(err, line->file, line->number,
                      "system: is missing or empty: write what it was measured on "
                      "(`hardware` is read, too)");
    }
    if (measured->kind == MEASURED_OPEN && row->open.stage >= row->open.n_stages) {
        return err_at(err, line->file, line->number,
                      "stage: %lld is not one of the %lld stages, counted from 0 "
                      "(-1: all of them)",
                      (long long)row->open.stage, (long long)row->open.n_stages);
    }
    return 0;
}

int measured_next(struct measured *measured, struct measured_row *row, struct err *err)
{
    struct source_line line;
    do {
        int result = source_next(measured->source, &line, err);
        if (result <= 0) {
            return result;
        }
        strip(&line);
    } while (line.length == 0);
    struct trace_field fields[TRACE_CSV_COLUMNS] = {0};
    if (trace_csv_row(&measured->csv, &line, fields, err) != 0) {
        return -1;
    }
    memset(row, 0, sizeof *row);
    row->line = line.number;
    for (int32_t i = 0; i < measured->columns->n; i++) {
        const struct measured_column *column = &measured->columns->columns[i];
        if (read_cell(&line, column, fields[i], row, err) != 0) {
            return -1;
        }
    }
    return check_row(measured, &line, row, err) == 0 ? 1 : -1;
}

void measured_close(struct measured *measured)
{
    source_close(measured->source);
    free(measured);
}
