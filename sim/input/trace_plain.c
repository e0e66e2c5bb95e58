#include "base/decimal.h"
#include "input/trace_csv.h"

#include <string.h>

enum {
    ARRIVAL,
    PROMPT,
    OUTPUT,
    REQUEST_ID,
    TENANT,
    PRIORITY,
    SESSION_ID,
    PREFIX_HASH,
    DEADLINE,
    MODEL,
    CLASS,
    ADAPTER,
    PREFIX_TOKENS,
    REASONING,
    PARENT_ID,
    THINK,
    N_COLUMNS
};

static const char *const names[N_COLUMNS] = {
    [ARRIVAL] = "arrival_s",
    [PROMPT] = "prompt_tokens",
    [OUTPUT] = "output_tokens",
    [REQUEST_ID] = "request_id",
    [TENANT] = "tenant",
    [PRIORITY] = "priority",
    [SESSION_ID] = "session_id",
    [DEADLINE] = "deadline_s",
    [PARENT_ID] = "parent_id",
    [THINK] = "think_s",
    [PREFIX_HASH] = "prefix_hash",
    [MODEL] = "model",
    [CLASS] = "class",
    [ADAPTER] = "adapter",
    [PREFIX_TOKENS] = "prefix_tokens",
    [REASONING] = "reasoning_tokens",
};

static const struct trace_csv_table table = {
    .names = names,
    .n_needed = REQUEST_ID,
    .n_simulated = N_COLUMNS,
    .n_names = N_COLUMNS,
};

enum { ARRIVAL_DECIMALS = 9, ARRIVAL_BYTES = 64 };

struct plain {
    struct trace_csv csv;
    char request_id[TRACE_LABEL_BYTES + 1];
    char tenant[TRACE_LABEL_BYTES + 1];
    char session_id[TRACE_LABEL_BYTES + 1];
    char prefix[TRACE_LABEL_BYTES + 1];
    char model[TRACE_LABEL_BYTES + 1];
    char class[TRACE_LABEL_BYTES + 1];
    char adapter[TRACE_LABEL_BYTES + 1];
    char parent_id[TRACE_PARENTS_BYTES + 1];
};

static bool test(const struct source_line *line)
{
    return trace_csv_test(&table, line);
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct plain *plain = state;
    return trace_csv_header(&plain->csv, &table, line, err);
}

static const char *ignored(const void *state)
{
    const struct plain *plain = state;
    return plain->csv.ignored;
}

static bool links(const void *state)
{
    const struct plain *plain = state;
    for (int32_t i = 0; i < plain->csv.n_columns; i++) {
        if (plain->csv.columns[i] == PARENT_ID) {
            return true;
        }
    }
    return false;
}

/* "1e-05", as some programs write small numbers; false if it is no such decimal. */
static bool read_exponent(struct trace_field field, int64_t *ns, bool *fits)
{
    char text[ARRIVAL_BYTES + 1] = {0};
    if (field.length == 0 || field.length > ARRIVAL_BYTES || field.text[0] < '0' ||
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
    *fits = decimal_round(mantissa, exponent + ARRIVAL_DECIMALS, ns);
    return true;
}

static const int64_t most_ns = TRACE_CSV_MOST * INT64_C(1000000000);

/* A time that is not simply a decimal within the bounds. */
static int read_odd_time(const struct source_line *line, int column,
                         struct trace_field field, bool fits, int64_t *ns,
                         struct err *err)
{
    if (!fits && !read_exponent(field, ns, &fits)) {
        return trace_csv_refuse(line, names[column], field,
                                "is not a time in seconds such as 12.0375", err);
    }
    if (!fits || *ns > most_ns) {
        return trace_csv_refuse(line, names[column], field, "is more than 1000000000",
                                err);
    }
    return 0;
}

static inline int read_time(const struct source_line *line, int column,
                            struct trace_field field, int64_t *ns, struct err *err)
{
    bool fits = decimal_scan(field.text, field.length, ARRIVAL_DECIMALS, ns);
    if (fits && *ns <= most_ns) { /* mostly */
        return 0;
    }
    return read_odd_time(line, column, field, fits, ns, err);
}

static int read_priority(const struct source_line *line, struct trace_field field,
                         int64_t *priority, struct err *err)
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
        return trace_csv_refuse(line, names[PRIORITY], field,
                                "is not an integer from -2147483648 to 2147483647",
                                err);
    }
    *priority = value;
    return 0;
}

/* Labels are written back to CSV as they are, so what would need quotes is refused. */
static bool is_label(struct trace_field field, size_t most_bytes)
{
    for (size_t i = 0; i < field.length; i++) {
        unsigned char c = (unsigned char)field.text[i];
        if (c < ' ' || c == 0x7f || c == ',' || c == '"') {
            return false;
        }
    }
    return field.length <= most_bytes;
}

/* *label becomes `text`, or NULL for an empty field. */
static int read_label(const struct source_line *line, int column,
                      struct trace_field field, char *text, const char **label,
                      struct err *err)
{
    if (!is_label(field, TRACE_LABEL_BYTES)) {
        return trace_csv_refuse(
            line, names[column], field,
            "is not a label (at most 64 bytes without comma, double "
            "quote or control character)",
            err);
    }
    memcpy(text, field.text, field.length);
    text[field.length] = '\0';
    *label = field.length > 0 ? text : NULL;
    return 0;
}

/* Likewise; labels with a space between. */
static int read_parents(struct plain *plain, const struct source_line *line,
                        struct trace_field field, struct trace_row *row,
                        struct err *err)
{
    if (!is_label(field, TRACE_PARENTS_BYTES)) {
        return trace_csv_refuse(
            line, names[PARENT_ID], field,
            "is not a list of request ids with a space between (at "
            "most 1024 bytes without comma, double quote or control "
            "character)",
            err);
    }
    memcpy(plain->parent_id, field.text, field.length);
    plain->parent_id[field.length] = '\0';
    row->parent_id = field.length > 0 ? plain->parent_id : NULL;
    return 0;
}

static bool is_zero(struct trace_field field)
{
    return field.length == 1 && field.text[0] == '0';
}

/* What decides where a request may go. */
static int read_target(struct plain *plain, const struct source_line *line,
                       const struct trace_field *fields, struct trace_row *row,
                       struct err *err)
{
    int result = 0;
    if (fields[MODEL].text != NULL) {
        result = read_label(line, MODEL, fields[MODEL], plain->model, &row->model, err);
    }
    if (result == 0 && fields[CLASS].text != NULL) {
        result = read_label(line, CLASS, fields[CLASS], plain->class, &row->class, err);
    }
    if (result == 0 && fields[ADAPTER].text != NULL) {
        result = read_label(line, ADAPTER, fields[ADAPTER], plain->adapter,
                            &row->adapter, err);
    }
    return result;
}

/* What the request waits for, and how its answer begins. */
static int read_course(struct plain *plain, const struct source_line *line,
                       const struct trace_field *fields, struct trace_row *row,
                       struct err *err)
{
    int result = 0;
    if (fields[PARENT_ID].text != NULL) {
        result = read_parents(plain, line, fields[PARENT_ID], row, err);
    }
    if (result == 0 && fields[THINK].length > 0) {
        result = read_time(line, THINK, fields[THINK], &row->think_ns, err);
    }
    if (result == 0 && fields[REASONING].length > 0 && !is_zero(fields[REASONING])) {
        result = trace_csv_tokens(line, names[REASONING], fields[REASONING],
                                  &row->reasoning_tokens, err);
    }
    if (result == 0 && row->reasoning_tokens >= row->output_tokens) {
        result = trace_csv_refuse(line, names[REASONING], fields[REASONING],
                                  "is not less than output_tokens", err);
    }
    return result;
}

static int read_optional(struct plain *plain, const struct source_line *line,
                         const struct trace_field *fields, struct trace_row *row,
                         struct err *err)
{
    int result = 0;
    if (fields[REQUEST_ID].text != NULL) {
        result = read_label(line, REQUEST_ID, fields[REQUEST_ID], plain->request_id,
                            &row->request_id, err);
    }
    if (result == 0 && fields[TENANT].text != NULL) {
        result =
            read_label(line, TENANT, fields[TENANT], plain->tenant, &row->tenant, err);
    }
    if (result == 0 && fields[SESSION_ID].text != NULL) {
        result = read_label(line, SESSION_ID, fields[SESSION_ID], plain->session_id,
                            &row->session_id, err);
    }
    if (result == 0 && fields[PREFIX_HASH].text != NULL) {
        result = read_label(line, PREFIX_HASH, fields[PREFIX_HASH], plain->prefix,
                            &row->prefix, err);
    }
    if (result == 0 && fields[PREFIX_TOKENS].length > 0) {
        result = trace_csv_tokens(line, names[PREFIX_TOKENS], fields[PREFIX_TOKENS],
                                  &row->prefix_tokens, err);
    }
    if (result == 0 && fields[PRIORITY].length > 0) {
        result = read_priority(line, fields[PRIORITY], &row->priority, err);
    }
    if (result == 0 && fields[DEADLINE].length > 0) {
        result = read_time(line, DEADLINE, fields[DEADLINE], &row->deadline_ns, err);
    }
    if (result == 0) {
        result = read_course(plain, line, fields, row, err);
    }
    return result == 0 ? read_target(plain, line, fields, row, err) : result;
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct plain *plain = state;
    struct trace_field fields[N_COLUMNS] = {{NULL, 0}};
    if (trace_csv_row(&plain->csv, line, fields, err) != 0) {
        return -1;
    }
    *arrival = fields[ARRIVAL];
    if (read_time(line, ARRIVAL, *arrival, &row->arrival_ns, err) != 0 ||
        trace_csv_tokens(line, names[PROMPT], fields[PROMPT], &row->prompt_tokens,
                         err) != 0 ||
        trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT], &row->output_tokens,
                         err) != 0) {
        return -1;
    }
    return read_optional(plain, line, fields, row, err);
}

const struct trace_format trace_plain = {
    .name = "plain",
    .first_line = "arrival_s,prompt_tokens,output_tokens and optional columns",
    .arrival = "arrival_s",
    .state_bytes = sizeof(struct plain),
    .test = test,
    .header = read_header,
    .row = read_row,
    .ignored = ignored,
    .links = links,
};
