/* The requests.csv of a run, so that what was served can be served again: when requests
 * were sent, what they asked for, and who they were.  All else is what became of them. */
#include <string.h>

#include "input/trace_csv.h"
#include "input/trace_value.h"

enum {
    ARRIVAL,
    PROMPT,
    OUTPUT,
    CACHED,
    STATUS,
    REQUEST_ID,
    TENANT,
    PRIORITY,
    SESSION_ID,
    N_COLUMNS
};

static const char *const names[N_COLUMNS] = {
    [ARRIVAL] = "arrival_s",    [PROMPT] = "prompt_tokens", [OUTPUT] = "output_tokens",
    [CACHED] = "cached_tokens", [STATUS] = "status",        [REQUEST_ID] = "request_id",
    [TENANT] = "tenant",        [PRIORITY] = "priority",    [SESSION_ID] = "session_id",
};

static const struct trace_csv_table table = {
    .names = names,
    .n_needed = REQUEST_ID,
    .n_names = N_COLUMNS,
    .others = TRACE_CSV_UNREAD,
};

struct results {
    struct trace_csv csv;
    char request_id[TRACE_LABEL_BYTES + 1];
    char tenant[TRACE_LABEL_BYTES + 1];
    char session_id[TRACE_LABEL_BYTES + 1];
};

static bool names_column(const struct source_line *line, int column)
{
    return memmem(line->text, line->length, names[column], strlen(names[column])) !=
           NULL;
}

/* The plain format has the same columns and no results. */
static bool test(const struct source_line *line)
{
    return names_column(line, ARRIVAL) && names_column(line, CACHED) &&
           names_column(line, STATUS);
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct results *results = state;
    return trace_csv_header(&results->csv, &table, line, err);
}

static int read_labels(struct results *results, const struct source_line *line,
                       const struct trace_field *fields, struct trace_row *row,
                       struct err *err)
{
    bool good = trace_value_label(line, names[REQUEST_ID], fields[REQUEST_ID],
                                  results->request_id, &row->request_id, err) == 0 &&
                trace_value_label(line, names[TENANT], fields[TENANT], results->tenant,
                                  &row->tenant, err) == 0 &&
                trace_value_label(line, names[SESSION_ID], fields[SESSION_ID],
                                  results->session_id, &row->session_id, err) == 0;
    return good ? 0 : -1;
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct results *results = state;
    struct trace_field fields[N_COLUMNS] = {{NULL, 0}};
    if (trace_csv_row(&results->csv, line, fields, err) != 0) {
        return -1;
    }
    *arrival = fields[ARRIVAL];
    bool good = trace_value_seconds(line, names[ARRIVAL], *arrival, &row->arrival_ns,
                                    err) == 0 &&
                trace_csv_tokens(line, names[PROMPT], fields[PROMPT],
                                 &row->prompt_tokens, err) == 0 &&
                trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT],
                                 &row->output_tokens, err) == 0 &&
                (fields[PRIORITY].length == 0 ||
                 trace_value_priority(line, names[PRIORITY], fields[PRIORITY],
                                      &row->priority, err) == 0) &&
                read_labels(results, line, fields, row, err) == 0;
    return good ? 0 : -1;
}

const struct trace_format trace_results = {
    .name = "results",
    .first_line = "request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,...",
    .arrival = "arrival_s",
    .state_bytes = sizeof(struct results),
    .test = test,
    .header = read_header,
    .row = read_row,
};
