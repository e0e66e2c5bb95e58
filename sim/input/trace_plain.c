#include "input/trace_csv.h"
#include "input/trace_value.h"

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
    .n_names = N_COLUMNS,
};

struct plain {
    struct trace_csv csv;
    char request_id[TRACE_LABEL_BYTES + 1];
    char tenant[TRACE_LABEL_BYTES + 1];
    char session_id[TRACE_LABEL_BYTES + 1];
    char prefix[TRACE_LABEL_BYTES + 1];
    char model[TRACE_LABEL_BYTES + 1];
    char class[TRACE_LABEL_BYTES + 1];
    char adapter[TRACE_LABEL_BYTES + 1];
    char parent_id[TRACE_PARENT_BYTES + 1];
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

/* Mostly there is nothing. */
static inline int read_label(const struct source_line *line,
                             const struct trace_field *fields, int column, char *text,
                             const char **label, struct err *err)
{
    return fields[column].length == 0
               ? 0
               : trace_value_label(line, names[column], fields[column], text, label,
                                   err);
}

static inline int read_seconds(const struct source_line *line,
                               const struct trace_field *fields, int column,
                               int64_t *ns, struct err *err)
{
    return fields[column].length == 0
               ? 0
               : trace_value_seconds(line, names[column], fields[column], ns, err);
}

static int read_labels(struct plain *plain, const struct source_line *line,
                       const struct trace_field *fields, struct trace_row *row,
                       struct err *err)
{
    bool good =
        read_label(line, fields, REQUEST_ID, plain->request_id, &row->request_id,
                   err) == 0 &&
        read_label(line, fields, TENANT, plain->tenant, &row->tenant, err) == 0 &&
        read_label(line, fields, SESSION_ID, plain->session_id, &row->session_id,
                   err) == 0 &&
        read_label(line, fields, PREFIX_HASH, plain->prefix, &row->prefix, err) == 0 &&
        (fields[PARENT_ID].length == 0 ||
         trace_value_parents(line, names[PARENT_ID], fields[PARENT_ID],
                             plain->parent_id, &row->parent_id, err) == 0) &&
        read_label(line, fields, MODEL, plain->model, &row->model, err) == 0 &&
        read_label(line, fields, CLASS, plain->class, &row->class, err) == 0 &&
        read_label(line, fields, ADAPTER, plain->adapter, &row->adapter, err) == 0;
    return good ? 0 : -1;
}

/* Those of its output that come before the answer, of which at least one is left. */
static int read_reasoning(const struct source_line *line, struct trace_field field,
                          struct trace_row *row, struct err *err)
{
    if (field.length == 0 || trace_value_is_zero(field)) {
        return 0;
    }
    if (trace_csv_tokens(line, names[REASONING], field, &row->reasoning_tokens, err) !=
        0) {
        return -1;
    }
    return row->reasoning_tokens < row->output_tokens
               ? 0
               : trace_csv_refuse(line, names[REASONING], field,
                                  "is not less than output_tokens", err);
}

static int read_numbers(const struct source_line *line,
                        const struct trace_field *fields, struct trace_row *row,
                        struct err *err)
{
    if (fields[PREFIX_TOKENS].length > 0 &&
        trace_csv_tokens(line, names[PREFIX_TOKENS], fields[PREFIX_TOKENS],
                         &row->prefix_tokens, err) != 0) {
        return -1;
    }
    if (fields[PRIORITY].length > 0 &&
        trace_value_priority(line, names[PRIORITY], fields[PRIORITY], &row->priority,
                             err) != 0) {
        return -1;
    }
    if (read_seconds(line, fields, DEADLINE, &row->deadline_ns, err) != 0 ||
        read_seconds(line, fields, THINK, &row->think_ns, err) != 0) {
        return -1;
    }
    return read_reasoning(line, fields[REASONING], row, err);
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
    if (trace_value_seconds(line, names[ARRIVAL], *arrival, &row->arrival_ns, err) !=
            0 ||
        trace_csv_tokens(line, names[PROMPT], fields[PROMPT], &row->prompt_tokens,
                         err) != 0 ||
        trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT], &row->output_tokens,
                         err) != 0) {
        return -1;
    }
    return read_labels(plain, line, fields, row, err) == 0
               ? read_numbers(line, fields, row, err)
               : -1;
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
};
