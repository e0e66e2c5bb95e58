#include "input/trace_csv.h"

#include "base/check.h"
#include "base/memory.h"

#include <csv.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 64 };

/* The fields of a line in the file's order; `n` counts also those there is no room for.
 */
struct cut {
    char *next; /* where the next unquoted text goes */
    int32_t n;
    struct trace_field fields[TRACE_CSV_COLUMNS];
};

static void push(struct cut *cut, const char *text, size_t length)
{
    if (cut->n < TRACE_CSV_COLUMNS) {
        cut->fields[cut->n] = (struct trace_field){text, length};
    }
    cut->n++;
}

/* libcsv lends a field only during this call, so its text is put back into the line, in
 * front of what libcsv has still to read: unquoting never makes a text longer. */
static void push_unquoted(void *text, size_t length, void *state)
{
    struct cut *cut = state;
    memcpy(cut->next, text, length);
    push(cut, cut->next, length);
    cut->next += length;
}

static int never(unsigned char c)
{
    (void)c;
    return 0;
}

static void *grow(void *block, size_t size)
{
    return memory_grow(block, size, 1);
}

/* Blanks are part of a field and the line's end is ours, so libcsv is told that neither
 * blanks nor newlines exist. */
static int cut_quoted(struct cut *cut, const struct source_line *line, struct err *err)
{
    struct csv_parser parser;
    CHECK(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0);
    csv_set_realloc_func(&parser, grow);
    csv_set_space_func(&parser, never);
    csv_set_term_func(&parser, never);
    cut->next = line->text;
    size_t n = csv_parse(&parser, line->text, line->length, push_unquoted, NULL, cut);
    bool fits = n == line->length;
    bool closed = fits && csv_fini(&parser, push_unquoted, NULL, cut) == 0;
    csv_free(&parser);
    if (!fits) {
        return err_at(
            err, line->file, line->number,
            "column %d: a double quote stands inside a field (write it twice and "
            "quote the whole field)",
            cut->n + 1);
    }
    if (!closed) {
        return err_at(err, line->file, line->number,
                      "column %d: the double quote is not closed on this line",
                      cut->n + 1);
    }
    return 0;
}

static int cut_line(struct cut *cut, const struct source_line *line, struct err *err)
{
    cut->n = 0;
    if (memchr(line->text, '"', line->length) != NULL) {
        return cut_quoted(cut, line, err);
    }
    const char *at = line->text;
    const char *end = line->text + line->length;
    const char *comma;
    while ((comma = memchr(at, ',', (size_t)(end - at))) != NULL) {
        push(cut, at, (size_t)(comma - at));
        at = comma + 1;
    }
    push(cut, at, (size_t)(end - at));
    return 0;
}

bool trace_csv_test(const struct trace_csv_table *table, const struct source_line *line)
{
    for (int32_t i = 0; i < table->n_needed; i++) {
        const char *name = table->names[i];
        if (memmem(line->text, line->length, name, strlen(name)) != NULL) {
            return true;
        }
    }
    return false;
}

static int32_t find(const struct trace_csv_table *table, struct trace_field name)
{
    for (int32_t i = 0; i < table->n_names; i++) {
        if (strlen(table->names[i]) == name.length &&
            memcmp(table->names[i], name.text, name.length) == 0) {
            return i;
        }
    }
    return -1;
}

static void list_columns(const struct trace_csv_table *table, char text[512])
{
    int used = snprintf(text, 512, "needed: ");
    for (int32_t i = 0; i < table->n_names; i++) {
        const char *before = i == 0 ? "" : i == table->n_needed ? "; optional: " : ", ";
        used +=
            snprintf(text + used, 512 - (size_t)used, "%s%s", before, table->names[i]);
        CHECK(used < 512);
    }
}

static int refuse_header(const struct trace_csv_table *table,
                         const struct source_line *line, struct trace_field name,
                         const char *fault, struct err *err)
{
    char columns[512];
    list_columns(table, columns);
    bool is_long = name.length > SHOWN_BYTES;
    return err_at(err, line->file, line->number, "column '%.*s%s' %s (%s)",
                  (int)(is_long ? SHOWN_BYTES : name.length), name.text,
                  is_long ? "..." : "", fault, columns);
}

/* Names a column that is passed over, as far as there is room; control characters do not
 * reach a terminal. */
static void add_ignored(struct trace_csv *csv, struct trace_field name)
{
    size_t used = strlen(csv->ignored);
    size_t room = sizeof csv->ignored - used;
    const char *before = used > 0 ? ", " : "";
    if (csv->ignored_is_cut) {
        return;
    }
    csv->ignored_is_cut = name.length + sizeof ", , ..." > room;
    if (csv->ignored_is_cut) {
        snprintf(csv->ignored + used, room, "%s...", before);
        return;
    }
    snprintf(csv->ignored + used, room, "%s%.*s", before, (int)name.length, name.text);
    for (char *c = csv->ignored + used; *c != '\0'; c++) {
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    }
}

static bool is_unread(const struct trace_csv_table *table, struct trace_field name)
{
    for (const char *const *at = table->unread; at != NULL && *at != NULL; at++) {
        if (strlen(*at) == name.length && memcmp(*at, name.text, name.length) == 0) {
            return true;
        }
    }
    return false;
}

/* Books the column at place `at`; seen[i] tells that the i-th one of the table was there.
 */
static int add_column(struct trace_csv *csv, const struct trace_csv_table *table,
                      const struct source_line *line, struct trace_field name,
                      int32_t at, bool *seen, struct err *err)
{
    int32_t column = find(table, name);
    csv->columns[at] = column;
    if (column >= 0) {
        if (seen[column]) {
            return refuse_header(table, line, name, "is there twice", err);
        }
        seen[column] = true;
        return 0;
    }
    if (is_unread(table, name) || table->others == TRACE_CSV_UNREAD) {
        return 0;
    }
    if (table->others == TRACE_CSV_REFUSED) {
        return refuse_header(table, line, name, "is not known", err);
    }
    add_ignored(csv, name);
    return 0;
}

int trace_csv_header(struct trace_csv *csv, const struct trace_csv_table *table,
                     const struct source_line *line, struct err *err)
{
    CHECK(table->n_names <= TRACE_CSV_COLUMNS);
    struct cut cut;
    if (cut_line(&cut, line, err) != 0) {
        return -1;
    }
    bool seen[TRACE_CSV_COLUMNS] = {false};
    for (int32_t i = 0; i < cut.n && i < TRACE_CSV_COLUMNS; i++) {
        if (add_column(csv, table, line, cut.fields[i], i, seen, err) != 0) {
            return -1;
        }
    }
    if (cut.n > TRACE_CSV_COLUMNS) {
        return err_at(err, line->file, line->number,
                      "the line names %d columns, and %d are the most", cut.n,
                      TRACE_CSV_COLUMNS);
    }
    csv->line = line->number;
    csv->n_columns = cut.n;
    for (int32_t i = 0; i < table->n_needed; i++) {
        if (!seen[i]) {
            struct trace_field name = {table->names[i], strlen(table->names[i])};
            return refuse_header(table, line, name, "is missing", err);
        }
    }
    return 0;
}

static int refuse_count(const struct trace_csv *csv, const struct source_line *line,
                        int32_t n, struct err *err)
{
    if (n < csv->n_columns && !line->has_newline) {
        return err_at(err, line->file, line->number,
                      "the last line ends after %d of %d columns: the file is cut off",
                      n, csv->n_columns);
    }
    return err_at(err, line->file, line->number,
                  "the line has %d column%s, line %" PRId64 " has %d", n,
                  n == 1 ? "" : "s", csv->line, csv->n_columns);
}

int trace_csv_row(const struct trace_csv *csv, const struct source_line *line,
                  struct trace_field *fields, struct err *err)
{
    struct cut cut;
    if (cut_line(&cut, line, err) != 0) {
        return -1;
    }
    if (cut.n != csv->n_columns) {
        return refuse_count(csv, line, cut.n, err);
    }
    for (int32_t i = 0; i < cut.n; i++) {
        if (csv->columns[i] >= 0) {
            fields[csv->columns[i]] = cut.fields[i];
        }
    }
    return 0;
}

int trace_csv_tokens(const struct source_line *line, const char *column,
                     struct trace_field field, int64_t *tokens, struct err *err)
{
    int64_t value = 0;
    for (size_t i = 0; i < field.length; i++) {
        if (field.text[i] < '0' || field.text[i] > '9') {
            return trace_csv_refuse(line, column, field, "is not a positive integer",
                                    err);
        }
        if (value <= TRACE_CSV_MOST) {
            value = value * 10 + (field.text[i] - '0');
        }
    }
    if (value == 0) {
        return trace_csv_refuse(line, column, field, "is not a positive integer", err);
    }
    if (value > TRACE_CSV_MOST) {
        return trace_csv_refuse(line, column, field, "is more than 1000000000", err);
    }
    *tokens = value;
    return 0;
}

int trace_csv_refuse(const struct source_line *line, const char *column,
                     struct trace_field field, const char *reason, struct err *err)
{
    bool is_long = field.length > SHOWN_BYTES;
    return err_at(err, line->file, line->number, "%s: '%.*s%s' %s", column,
                  (int)(is_long ? SHOWN_BYTES : field.length), field.text,
                  is_long ? "..." : "", reason);
}
