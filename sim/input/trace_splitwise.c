/* The traces of splitwise-sim (Patel et al., ISCA 2024; Mutinifni/splitwise-sim). */
#include "input/trace_csv.h"
#include "input/trace_value.h"

enum { ARRIVAL, PROMPT, OUTPUT, REQUEST_ID, BATCH_SIZE, N_COLUMNS };

static const char *const names[N_COLUMNS] = {
    [ARRIVAL] = "arrival_timestamp", [PROMPT] = "prompt_size",
    [OUTPUT] = "token_size",         [REQUEST_ID] = "request_id",
    [BATCH_SIZE] = "batch_size",
};

/* Kinds and applications of that simulator: always 2 and 0 in its traces of LLMs. */
static const char *const unread[] = {"request_type", "application_id", NULL};

static const struct trace_csv_table table = {
    .names = names,
    .n_needed = REQUEST_ID,
    .n_names = N_COLUMNS,
    .others = TRACE_CSV_NAMED,
    .unread = unread,
};

struct splitwise {
    struct trace_csv csv;
    char request_id[TRACE_LABEL_BYTES + 1];
};

static bool test(const struct source_line *line)
{
    return trace_csv_test(&table, line);
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct splitwise *splitwise = state;
    return trace_csv_header(&splitwise->csv, &table, line, err);
}

static const char *ignored(const void *state)
{
    const struct splitwise *splitwise = state;
    return splitwise->csv.ignored;
}

/* A row is one request here: several that are bound together are not simulated. */
static int check_batch(const struct source_line *line, struct trace_field field,
                       struct err *err)
{
    if (field.length == 0 || (field.length == 1 && field.text[0] == '1')) {
        return 0;
    }
    return trace_csv_refuse(line, names[BATCH_SIZE], field,
                            "is not 1, and a row is one request here", err);
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct splitwise *splitwise = state;
    struct trace_field fields[N_COLUMNS] = {{NULL, 0}};
    if (trace_csv_row(&splitwise->csv, line, fields, err) != 0) {
        return -1;
    }
    *arrival = fields[ARRIVAL];
    bool good = trace_value_seconds(line, names[ARRIVAL], *arrival, &row->arrival_ns,
                                    err) == 0 &&
                trace_csv_tokens(line, names[PROMPT], fields[PROMPT],
                                 &row->prompt_tokens, err) == 0 &&
                trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT],
                                 &row->output_tokens, err) == 0 &&
                trace_value_label(line, names[REQUEST_ID], fields[REQUEST_ID],
                                  splitwise->request_id, &row->request_id, err) == 0 &&
                check_batch(line, fields[BATCH_SIZE], err) == 0;
    return good ? 0 : -1;
}

const struct trace_format trace_splitwise = {
    .name = "splitwise",
    .first_line = "request_id,request_type,application_id,arrival_timestamp,...",
    .arrival = "arrival_timestamp",
    .state_bytes = sizeof(struct splitwise),
    .test = test,
    .header = read_header,
    .row = read_row,
    .ignored = ignored,
};
