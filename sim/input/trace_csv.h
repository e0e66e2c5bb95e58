/* trace_csv: one line of CSV as the columns a format knows.
 *
 * A line without a double quote is cut at its commas; every other line goes through
 * libcsv in strict mode.  The two agree, blanks included, which are part of a field.
 * A field cannot hold a newline.
 */
#ifndef SERVESIM_INPUT_TRACE_CSV_H
#define SERVESIM_INPUT_TRACE_CSV_H

#include "input/trace_format.h"

enum { TRACE_CSV_COLUMNS = 24, TRACE_CSV_MOST = 1000000000 };

/* The columns of a format: first those it needs, then those it may have, then those
 * that are accepted and not simulated. */
struct trace_csv_table {
    const char *const *names;
    int32_t n_needed;
    int32_t n_simulated;
    int32_t n_names;
};

/* Which column of the table stands where in this file. */
struct trace_csv {
    int32_t n_columns;
    int32_t columns[TRACE_CSV_COLUMNS];
    char ignored[256];
};

/* Whether the line names a column that the table needs. */
bool trace_csv_test(const struct trace_csv_table *table,
                    const struct source_line *line);

/* Reads the names in the first line. -1 and `err` if one is unknown, twice or missing.
 */
int trace_csv_header(struct trace_csv *csv, const struct trace_csv_table *table,
                     const struct source_line *line, struct err *err);

/* Cuts a line into fields[column of the table]; those of columns the file does not have
 * are left alone.  -1 and `err` if it does not have as many as the first line. */
int trace_csv_row(const struct trace_csv *csv, const struct source_line *line,
                  struct trace_field *fields, struct err *err);

/* Reads a number of tokens: 1 to TRACE_CSV_MOST, digits only. */
int trace_csv_tokens(const struct source_line *line, const char *column,
                     struct trace_field field, int64_t *tokens, struct err *err);

/* Reads a text of at most `most` bytes, closed by a NUL, into `text`; *label becomes it, or
 * NULL for an empty field.  Labels are written to CSV as they are, so what would need
 * quotes is refused. */
int trace_csv_label(const struct source_line *line, const char *column,
                    struct trace_field field, int32_t most, char *text,
                    const char **label, struct err *err);

/* Reads an integer of 32 bits. */
int trace_csv_priority(const struct source_line *line, const char *column,
                       struct trace_field field, int64_t *priority, struct err *err);

/* "column: 'value' " and `reason` at the line; a long value is shortened. */
int trace_csv_refuse(const struct source_line *line, const char *column,
                     struct trace_field field, const char *reason, struct err *err);

#endif
