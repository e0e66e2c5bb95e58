/* trace_value: what stands in the columns of trace files, as rows have it.
 *
 * Every format reads its times, labels and numbers with these, so that all refuse the same
 * things with the same words.  Numbers of tokens: trace_csv_tokens().
 */
#ifndef SERVESIM_INPUT_TRACE_VALUE_H
#define SERVESIM_INPUT_TRACE_VALUE_H

#include "input/trace_format.h"

/* Reads seconds, "12.0375" or "1e-05", to the nearest nanosecond, half up: 0 to 10^9 s. */
int trace_value_seconds(const struct source_line *line, const char *column,
                        struct trace_field field, int64_t *ns, struct err *err);

/* Reads a label into `text`; *label becomes it, or NULL for an empty field.  A column that
 * the file does not have is empty.  Labels are written back to CSV as they are, so what
 * would need quotes is refused. */
int trace_value_label(const struct source_line *line, const char *column,
                      struct trace_field field, char text[TRACE_LABEL_BYTES + 1],
                      const char **label, struct err *err);

/* The same for the ids of several requests, separated by blanks. */
int trace_value_parents(const struct source_line *line, const char *column,
                        struct trace_field field, char text[TRACE_PARENT_BYTES + 1],
                        const char **parents, struct err *err);

/* Reads an integer of 32 bits, with its sign. */
int trace_value_priority(const struct source_line *line, const char *column,
                         struct trace_field field, int64_t *priority, struct err *err);

/* Reads digits as an integer of 0 to `most`, which is at most 10^18. */
int trace_value_count(const struct source_line *line, const char *column,
                      struct trace_field field, int64_t most, int64_t *count,
                      struct err *err);

/* Whether the field is zeros only: "0". */
bool trace_value_is_zero(struct trace_field field);

#endif
