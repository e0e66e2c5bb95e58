/* trace_csv: one line of CSV as the columns a format knows.
 *
 * A line without a double quote is cut at its commas; every other line goes through
 * libcsv in strict mode.  The two agree, blanks included, which are part of a field.
 * A field cannot hold a newline.
 */
#ifndef SERVESIM_INPUT_TRACE_CSV_H
#define SERVESIM_INPUT_TRACE_CSV_H

#include "input/trace_format.h"

enum { TRACE_CSV_COLUMNS = 64, TRACE_CSV_MOST = 1000000000 };

/* What becomes of columns with names that a format does not know. */
enum trace_csv_others {
    TRACE_CSV_REFUSED, /* in our own format: they may be misspelt */
    TRACE_CSV_NAMED,   /* passed over; trace_ignored_columns() names them */
    TRACE_CSV_UNREAD   /* passed over */
};

/* The columns of a format: first those it needs, then those it may have. */
struct trace_csv_table {
    const char *const *names;
    int32_t n_needed;
    int32_t n_names;
    enum trace_csv_others others;
    const char *const *unread; /* names, then NULL, of columns that tell nothing that
                                  could be simulated; NULL: none */
};

/* Which column of the table stands where in this file; -1: none. */
struct trace_csv {
    int64_t line; /* where it names them */
    int32_t n_columns;
    int32_t columns[TRACE_CSV_COLUMNS];
    char ignored[256];
    bool ignored_is_cut; /* there were more names than room for them */
};

/* Whether the line names a column that the table needs. */
bool trace_csv_test(const struct trace_csv_table *table,
                    const struct source_line *line);

/* Reads the names in the first line.  -1 and `err` if one is missing, twice or refused,
 * or there are more than TRACE_CSV_COLUMNS. */
int trace_csv_header(struct trace_csv *csv, const struct trace_csv_table *table,
                     const struct source_line *line, struct err *err);

/* Cuts a line into fields[column of the table]; those of columns the file does not have
 * are left alone.  -1 and `err` if it does not have as many as the first line. */
int trace_csv_row(const struct trace_csv *csv, const struct source_line *line,
                  struct trace_field *fields, struct err *err);

/* Reads a number of tokens: 1 to TRACE_CSV_MOST, digits only. */
int trace_csv_tokens(const struct source_line *line, const char *column,
                     struct trace_field field, int64_t *tokens, struct err *err);

/* "column: 'value' " and `reason` at the line; a long value is shortened. */
int trace_csv_refuse(const struct source_line *line, const char *column,
                     struct trace_field field, const char *reason, struct err *err);

#endif
