/* trace_json: a line of JSON as the keys a format knows.
 *
 * A line is one flat object.  Values are handed out as the text they are, so that numbers
 * become integers from their digits; what stands in values of unknown keys is passed over
 * unread.
 */
#ifndef SERVESIM_INPUT_TRACE_JSON_H
#define SERVESIM_INPUT_TRACE_JSON_H

#include "input/trace_format.h"

enum { TRACE_JSON_KEYS = 24, TRACE_JSON_IGNORED = 256 };

/* Another name of a key. */
struct trace_json_alias {
    const char *alias;
    int32_t name; /* which of the table's names it stands for */
};

/* The keys of a format: first those it needs, then those it may have. */
struct trace_json_table {
    const char *const *names;
    int32_t n_needed;
    int32_t n_names;
    const struct trace_json_alias *aliases;
    int32_t n_aliases;
};

/* Sets fields[i] to the value of the i-th name, if it is there and not null.  -1 and `err`
 * if the line is no object, or a key is twice or missing. */
int trace_json_row(const struct trace_json_table *table, const struct source_line *line,
                   struct trace_field *fields, struct err *err);

/* The same for an object that stands in the line: an element of a list. */
int trace_json_object(const struct trace_json_table *table,
                      const struct source_line *line, struct trace_field object,
                      struct trace_field *fields, struct err *err);

/* Whether the line is an object that has one of these keys; what stands behind the first
 * fault is not looked at. */
bool trace_json_names(const struct trace_json_table *table,
                      const struct source_line *line);

/* The other keys of the line, joined by ", ", as far as there is room. */
void trace_json_ignored(const struct trace_json_table *table,
                        const struct source_line *line,
                        char ignored[TRACE_JSON_IGNORED]);

/* Reads "[1, 2, 3]", integers of at least 0, into `values`: how many there are, or -1 and
 * `err` if it is no such list or has more than `most`. */
int64_t trace_json_list(const struct source_line *line, const char *key,
                        struct trace_field field, int64_t *values, int64_t most,
                        struct err *err);

/* The element of the list behind `element`, {NULL, 0} being before the first: 1, 0 behind
 * the last one, or -1 and `err` if this is no list. */
int trace_json_element(const struct source_line *line, const char *key,
                       struct trace_field list, struct trace_field *element,
                       struct err *err);

/* Copies a string, or the digits of a number, to `text`; *label becomes it, or NULL for an
 * empty string.  -1 and `err` if it is no label (trace_value_label()) or has escapes. */
int trace_json_label(const struct source_line *line, const char *key,
                     struct trace_field field, char text[TRACE_LABEL_BYTES + 1],
                     const char **label, struct err *err);

#endif
