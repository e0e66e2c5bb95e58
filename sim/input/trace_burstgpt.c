/* BurstGPT's format (Wang et al., arXiv 2401.17644; HPMLL/BurstGPT, releases 1.0 to 2.0):
 * a row per request to ChatGPT or GPT-4.  The first releases have no sessions.  A response
 * of 0 tokens is a request that failed. */
#include "input/trace_csv.h"
#include "input/trace_value.h"

enum { TIMESTAMP, PROMPT, OUTPUT, SESSION_ID, MODEL, LOG_TYPE, N_COLUMNS };

static const char *const names[N_COLUMNS] = {
    [TIMESTAMP] = "Timestamp",
    [PROMPT] = "Request tokens",
    [OUTPUT] = "Response tokens",
    [SESSION_ID] = "Session ID",
    [MODEL] = "Model",
    [LOG_TYPE] = "Log Type",
};

/* How long the answer took, and a sum. */
static const char *const unread[] = {"Elapsed time", "Total tokens", NULL};

static const struct trace_csv_table table = {
    .names = names,
    .n_needed = SESSION_ID,
    .n_names = N_COLUMNS,
    .others = TRACE_CSV_NAMED,
    .unread = unread,
};

static const int64_t day_ns = INT64_C(86400) * 1000000000;

struct burstgpt {
    struct trace_csv csv;
    bool has_first;
    int64_t first_day_ns;
    char session_id[TRACE_LABEL_BYTES + 1];
    char model[TRACE_LABEL_BYTES + 1];
    char class[TRACE_LABEL_BYTES + 1];
};

static bool test(const struct source_line *line)
{
    return trace_csv_test(&table, line);
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct burstgpt *burstgpt = state;
    return trace_csv_header(&burstgpt->csv, &table, line, err);
}

static const char *ignored(const void *state)
{
    const struct burstgpt *burstgpt = state;
    return burstgpt->csv.ignored;
}

/* Times count from the first day of the whole log, and BurstGPT_3.csv begins on day 225:
 * whole days before the first row are left out, and the time of the day stays. */
static void set_arrival(struct burstgpt *burstgpt, int64_t ns, struct trace_row *row)
{
    if (!burstgpt->has_first) {
        burstgpt->has_first = true;
        burstgpt->first_day_ns = ns - ns % day_ns;
    }
    row->arrival_ns = ns - burstgpt->first_day_ns;
}

static int read_labels(struct burstgpt *burstgpt, const struct source_line *line,
                       const struct trace_field *fields, struct trace_row *row,
                       struct err *err)
{
    bool good = trace_value_label(line, names[SESSION_ID], fields[SESSION_ID],
                                  burstgpt->session_id, &row->session_id, err) == 0 &&
                trace_value_label(line, names[MODEL], fields[MODEL], burstgpt->model,
                                  &row->model, err) == 0 &&
                trace_value_label(line, names[LOG_TYPE], fields[LOG_TYPE],
                                  burstgpt->class, &row->class, err) == 0;
    return good ? 0 : -1;
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct burstgpt *burstgpt = state;
    struct trace_field fields[N_COLUMNS] = {{NULL, 0}};
    int64_t ns;
    if (trace_csv_row(&burstgpt->csv, line, fields, err) != 0) {
        return -1;
    }
    *arrival = fields[TIMESTAMP];
    if (trace_value_seconds(line, names[TIMESTAMP], *arrival, &ns, err) != 0) {
        return -1;
    }
    if (trace_value_is_zero(fields[OUTPUT])) {
        set_arrival(burstgpt, ns, row);
        return TRACE_FAILED;
    }
    if (trace_csv_tokens(line, names[PROMPT], fields[PROMPT], &row->prompt_tokens,
                         err) != 0 ||
        trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT], &row->output_tokens,
                         err) != 0 ||
        read_labels(burstgpt, line, fields, row, err) != 0) {
        return -1;
    }
    set_arrival(burstgpt, ns, row);
    return 0;
}

const struct trace_format trace_burstgpt = {
    .name = "burstgpt",
    .first_line = "Timestamp,Session ID,Elapsed time,Model,Request tokens,...",
    .arrival = "Timestamp",
    .state_bytes = sizeof(struct burstgpt),
    .test = test,
    .header = read_header,
    .row = read_row,
    .ignored = ignored,
};
