/* Vidur's processed traces (microsoft/vidur, MLSys 2024): seconds as Python prints floats.
 * Some of its files have lengths and no arrivals: then every request arrives at 0. */
#include "input/trace_csv.h"
#include "input/trace_value.h"

enum { PROMPT, OUTPUT, ARRIVAL, N_COLUMNS };

static const char *const names[N_COLUMNS] = {
    [PROMPT] = "num_prefill_tokens",
    [OUTPUT] = "num_decode_tokens",
    [ARRIVAL] = "arrived_at",
};

/* The sum and the ratio of the two lengths. */
static const char *const unread[] = {"num_total_tokens", "pd_ratio", NULL};

static const struct trace_csv_table table = {
    .names = names,
    .n_needed = ARRIVAL,
    .n_names = N_COLUMNS,
    .others = TRACE_CSV_NAMED,
    .unread = unread,
};

struct vidur {
    struct trace_csv csv;
    bool has_arrivals;
};

static bool test(const struct source_line *line)
{
    return trace_csv_test(&table, line);
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct vidur *vidur = state;
    if (trace_csv_header(&vidur->csv, &table, line, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < vidur->csv.n_columns; i++) {
        vidur->has_arrivals = vidur->has_arrivals || vidur->csv.columns[i] == ARRIVAL;
    }
    return 0;
}

static const char *ignored(const void *state)
{
    const struct vidur *vidur = state;
    return vidur->csv.ignored;
}

static bool has_arrivals(const void *state)
{
    const struct vidur *vidur = state;
    return vidur->has_arrivals;
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct vidur *vidur = state;
    struct trace_field fields[N_COLUMNS] = {[ARRIVAL] = {"0", 1}};
    if (trace_csv_row(&vidur->csv, line, fields, err) != 0) {
        return -1;
    }
    *arrival = fields[ARRIVAL];
    bool good = trace_value_seconds(line, names[ARRIVAL], *arrival, &row->arrival_ns,
                                    err) == 0 &&
                trace_csv_tokens(line, names[PROMPT], fields[PROMPT],
                                 &row->prompt_tokens, err) == 0 &&
                trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT],
                                 &row->output_tokens, err) == 0;
    return good ? 0 : -1;
}

const struct trace_format trace_vidur = {
    .name = "vidur",
    .first_line = "arrived_at,num_prefill_tokens,num_decode_tokens",
    .arrival = "arrived_at",
    .state_bytes = sizeof(struct vidur),
    .test = test,
    .header = read_header,
    .row = read_row,
    .ignored = ignored,
    .has_arrivals = has_arrivals,
};
