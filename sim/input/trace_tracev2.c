/* TraceV2 of BLIS (inference-sim/inference-sim, sim/workload/tracev2.go, versions 2 and 3).
 *
 * Times are microseconds: of the simulation, or since 1970 where a real server was watched.
 * input_tokens are those behind the common prefix; a deadline is a time, not a span.  BLIS
 * keeps its YAML header in a file of its own; where one stands above the rows it is passed
 * over. */
#include <string.h>

#include "base/decimal.h"
#include "input/trace_csv.h"
#include "input/trace_value.h"

enum {
    ARRIVAL,
    INPUT,
    OUTPUT,
    REQUEST_ID,
    TENANT,
    CLASS,
    VLLM_PRIORITY,
    PRIORITY,
    SESSION_ID,
    PREFIX_GROUP,
    PREFIX_LENGTH,
    REASON_RATIO,
    MODEL,
    ADAPTER,
    DEADLINE,
    STATUS,
    N_COLUMNS
};

static const char *const names[N_COLUMNS] = {
    [ARRIVAL] = "arrival_time_us",
    [INPUT] = "input_tokens",
    [OUTPUT] = "output_tokens",
    [REQUEST_ID] = "request_id",
    [TENANT] = "tenant_id",
    [CLASS] = "slo_class",
    [VLLM_PRIORITY] = "vllm_priority",
    [PRIORITY] = "priority",
    [SESSION_ID] = "session_id",
    [PREFIX_GROUP] = "prefix_group",
    [PREFIX_LENGTH] = "prefix_length",
    [REASON_RATIO] = "reason_ratio",
    [MODEL] = "model",
    [ADAPTER] = "adapter",
    [DEADLINE] = "deadline_us",
    [STATUS] = "status",
};

/* What input_tokens consist of, and what became of the request. */
static const char *const unread[] = {
    "client_id",           "round_index",        "streaming",    "text_tokens",
    "image_tokens",        "audio_tokens",       "video_tokens", "send_time_us",
    "first_chunk_time_us", "last_chunk_time_us", "num_chunks",   "error_message",
    "server_input_tokens", "finish_reason",      "x_request_id", NULL};

static const struct trace_csv_table table = {
    .names = names,
    .n_needed = REQUEST_ID,
    .n_names = N_COLUMNS,
    .others = TRACE_CSV_NAMED,
    .unread = unread,
};

enum { NS_PER_US = 1000, RATIO_DECIMALS = 9, N_LABELS = 7 };

/* Later than this is since 1970: 10^9 s are 31 years. */
static const int64_t epoch_us = TRACE_CSV_MOST * INT64_C(1000000);
static const int64_t most_us = INT64_MAX / NS_PER_US;

struct tracev2 {
    struct trace_csv csv;
    bool has_header;
    bool has_first;
    int64_t zero_us; /* that arrivals count from */
    char labels[N_LABELS][TRACE_LABEL_BYTES + 1];
};

static bool starts(const struct source_line *line, const char *text)
{
    size_t length = strlen(text);
    return line->length >= length && memcmp(line->text, text, length) == 0;
}

static bool names_arrivals(const struct source_line *line)
{
    const char *name = names[ARRIVAL];
    return memmem(line->text, line->length, name, strlen(name)) != NULL;
}

static bool test(const struct source_line *line)
{
    return names_arrivals(line) || starts(line, "trace_version:");
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct tracev2 *tracev2 = state;
    if (starts(line, "trace_version:")) {
        return 0;
    }
    tracev2->has_header = true;
    return trace_csv_header(&tracev2->csv, &table, line, err);
}

static int end(const void *state, const char *file, struct err *err)
{
    const struct tracev2 *tracev2 = state;
    return tracev2->has_header
               ? 0
               : err_set(err,
                         "%s: this is the header of a TraceV2 trace without its "
                         "requests: give the CSV file that goes with it",
                         file);
}

static const char *ignored(const void *state)
{
    const struct tracev2 *tracev2 = state;
    return tracev2->csv.ignored;
}

static int read_labels(struct tracev2 *tracev2, const struct source_line *line,
                       const struct trace_field *fields, struct trace_row *row,
                       struct err *err)
{
    const struct {
        int column;
        const char **label;
    } labels[N_LABELS] = {
        {REQUEST_ID, &row->request_id}, {TENANT, &row->tenant},
        {CLASS, &row->class},           {SESSION_ID, &row->session_id},
        {PREFIX_GROUP, &row->prefix},   {MODEL, &row->model},
        {ADAPTER, &row->adapter},
    };
    for (int i = 0; i < N_LABELS; i++) {
        int column = labels[i].column;
        if (trace_value_label(line, names[column], fields[column], tracev2->labels[i],
                              labels[i].label, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool is(struct trace_field field, const char *text)
{
    return field.length == strlen(text) && memcmp(field.text, text, field.length) == 0;
}

/* Of what failed or timed out nobody knows how long its output would have been; what had
 * not ended with a simulation is asked for like the others. */
static bool has_failed(const struct trace_field *fields)
{
    struct trace_field status = fields[STATUS];
    bool good = status.length == 0 || is(status, "ok") || is(status, "incomplete");
    return !good || trace_value_is_zero(fields[OUTPUT]);
}

/* A group without a length is no common beginning: BLIS writes it where the prefix was longer
 * than the prompt. */
static int read_prompt(const struct source_line *line, const struct trace_field *fields,
                       struct trace_row *row, struct err *err)
{
    int64_t behind;
    int64_t prefix = 0;
    if (trace_value_count(line, names[INPUT], fields[INPUT], TRACE_CSV_MOST, &behind,
                          err) != 0 ||
        (fields[PREFIX_LENGTH].length > 0 &&
         trace_value_count(line, names[PREFIX_LENGTH], fields[PREFIX_LENGTH],
                           TRACE_CSV_MOST, &prefix, err) != 0)) {
        return -1;
    }
    row->prompt_tokens = behind + prefix;
    if (row->prompt_tokens < 1 || row->prompt_tokens > TRACE_CSV_MOST) {
        return trace_csv_refuse(line, names[INPUT], fields[INPUT],
                                "and prefix_length are not 1 to 1000000000 together",
                                err);
    }
    row->prefix_tokens = row->prefix != NULL ? prefix : 0;
    row->prefix = prefix > 0 ? row->prefix : NULL;
    return 0;
}

/* The share of the output that is reasoning; one token at least is the answer. */
static int read_reasoning(const struct source_line *line, struct trace_field field,
                          struct trace_row *row, struct err *err)
{
    int64_t nano;
    if (field.length == 0 || trace_value_is_zero(field)) {
        return 0;
    }
    if (!decimal_scan(field.text, field.length, RATIO_DECIMALS, &nano) ||
        nano > 1000000000) {
        return trace_csv_refuse(line, names[REASON_RATIO], field,
                                "is not a share from 0 to 1", err);
    }
    int64_t tokens =
        (int64_t)wide_div_half_up((wide)nano * row->output_tokens, 1000000000);
    row->reasoning_tokens = tokens < row->output_tokens ? tokens : tokens - 1;
    return 0;
}

/* 0 is none. */
static int read_deadline(const struct source_line *line, struct trace_field field,
                         int64_t arrival_us, struct trace_row *row, struct err *err)
{
    int64_t us;
    if (field.length == 0 || trace_value_is_zero(field)) {
        return 0;
    }
    if (trace_value_count(line, names[DEADLINE], field, most_us, &us, err) != 0) {
        return -1;
    }
    if (us < arrival_us || us - arrival_us > epoch_us) {
        return trace_csv_refuse(line, names[DEADLINE], field,
                                "is not within 1000000000 s after arrival_time_us",
                                err);
    }
    row->deadline_ns = (us - arrival_us) * NS_PER_US;
    return 0;
}

/* Both spellings: the smaller is the more urgent, as here. */
static int read_priority(const struct source_line *line,
                         const struct trace_field *fields, struct trace_row *row,
                         struct err *err)
{
    int column = fields[VLLM_PRIORITY].length > 0 ? VLLM_PRIORITY : PRIORITY;
    return fields[column].length == 0
               ? 0
               : trace_value_priority(line, names[column], fields[column],
                                      &row->priority, err);
}

static int set_arrival(struct tracev2 *tracev2, const struct source_line *line,
                       struct trace_field field, int64_t us, struct trace_row *row,
                       struct err *err)
{
    int64_t zero_us = tracev2->has_first ? tracev2->zero_us : us > epoch_us ? us : 0;
    if (us - zero_us > epoch_us) {
        return trace_csv_refuse(line, names[ARRIVAL], field,
                                "is more than 1000000000 s after the first row", err);
    }
    tracev2->has_first = true;
    tracev2->zero_us = zero_us;
    row->arrival_ns = (us - zero_us) * NS_PER_US;
    return 0;
}

/* What is asked for. */
static int read_request(struct tracev2 *tracev2, const struct source_line *line,
                        const struct trace_field *fields, int64_t arrival_us,
                        struct trace_row *row, struct err *err)
{
    bool good = read_labels(tracev2, line, fields, row, err) == 0 &&
                read_prompt(line, fields, row, err) == 0 &&
                trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT],
                                 &row->output_tokens, err) == 0 &&
                read_reasoning(line, fields[REASON_RATIO], row, err) == 0 &&
                read_deadline(line, fields[DEADLINE], arrival_us, row, err) == 0 &&
                read_priority(line, fields, row, err) == 0;
    return good ? 0 : -1;
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct tracev2 *tracev2 = state;
    struct trace_field fields[N_COLUMNS] = {{NULL, 0}};
    if (!tracev2->has_header) {
        tracev2->has_header = names_arrivals(line);
        bool good = !tracev2->has_header ||
                    trace_csv_header(&tracev2->csv, &table, line, err) == 0;
        return good ? TRACE_NO_ROW : -1;
    }
    int64_t us;
    if (trace_csv_row(&tracev2->csv, line, fields, err) != 0 ||
        trace_value_count(line, names[ARRIVAL], fields[ARRIVAL], most_us, &us, err) !=
            0) {
        return -1;
    }
    *arrival = fields[ARRIVAL];
    bool failed = has_failed(fields);
    if ((!failed && read_request(tracev2, line, fields, us, row, err) != 0) ||
        set_arrival(tracev2, line, *arrival, us, row, err) != 0) {
        return -1;
    }
    return failed ? TRACE_FAILED : 0;
}

const struct trace_format trace_tracev2 = {
    .name = "tracev2",
    .first_line = "request_id,client_id,...,arrival_time_us,... (of BLIS)",
    .arrival = "arrival_time_us",
    .state_bytes = sizeof(struct tracev2),
    .test = test,
    .header = read_header,
    .row = read_row,
    .ignored = ignored,
    .end = end,
};
