/* Mooncake's format: a line of JSON per request.  A hash id names 512 tokens of prompt
 * together with all that stands before them, so equal ids are equal beginnings. */
#include "base/decimal.h"
#include "input/trace_csv.h"
#include "input/trace_json.h"

#include <inttypes.h>

enum { TIMESTAMP, PROMPT, OUTPUT, HASH_IDS, N_KEYS };

static const char *const names[N_KEYS] = {
    [TIMESTAMP] = "timestamp",
    [PROMPT] = "input_length",
    [OUTPUT] = "output_length",
    [HASH_IDS] = "hash_ids",
};

static const struct trace_json_table table = {
    .names = names,
    .n_needed = HASH_IDS,
    .n_names = N_KEYS,
};

/* So many ids are a prompt of 33 million tokens. */
enum { HASH_TOKENS = 512, MOST_IDS = 1 << 16, MS_DECIMALS = 6 };

struct mooncake {
    char ignored[TRACE_JSON_IGNORED];
    int64_t hash_ids[MOST_IDS];
};

static bool test(const struct source_line *line)
{
    return line->length > 0 && line->text[0] == '{';
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct mooncake *mooncake = state;
    (void)err;
    trace_json_ignored(&table, line, mooncake->ignored);
    return 0;
}

static const char *ignored(const void *state)
{
    const struct mooncake *mooncake = state;
    return mooncake->ignored;
}

static int read_timestamp(const struct source_line *line, struct trace_field field,
                          int64_t *ns, struct err *err)
{
    if (!decimal_scan(field.text, field.length, MS_DECIMALS, ns)) {
        return trace_csv_refuse(line, names[TIMESTAMP], field,
                                "is not a time in milliseconds such as 27482", err);
    }
    if (*ns > TRACE_CSV_MOST * INT64_C(1000000000)) {
        return trace_csv_refuse(line, names[TIMESTAMP], field,
                                "is more than 1000000000000", err);
    }
    return 0;
}

static int read_hash_ids(struct mooncake *mooncake, const struct source_line *line,
                         struct trace_field field, struct trace_row *row,
                         struct err *err)
{
    int64_t n = trace_json_list(line, names[HASH_IDS], field, mooncake->hash_ids,
                                MOST_IDS, err);
    int64_t n_blocks = (row->prompt_tokens - 1) / HASH_TOKENS + 1;
    if (n < 0) {
        return -1;
    }
    if (n > 0 && n != n_blocks) {
        return err_at(err, line->file, line->number,
                      "%s: %" PRId64 " ids, and %" PRId64
                      " blocks of %d tokens are the %" PRId64 " of %s",
                      names[HASH_IDS], n, n_blocks, HASH_TOKENS, row->prompt_tokens,
                      names[PROMPT]);
    }
    row->hash_ids = n > 0 ? mooncake->hash_ids : NULL;
    row->n_hash_ids = n;
    return 0;
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct mooncake *mooncake = state;
    struct trace_field fields[N_KEYS] = {{NULL, 0}};
    if (trace_json_row(&table, line, fields, err) != 0) {
        return -1;
    }
    *arrival = fields[TIMESTAMP];
    row->hash_tokens = HASH_TOKENS;
    if (read_timestamp(line, *arrival, &row->arrival_ns, err) != 0 ||
        trace_csv_tokens(line, names[PROMPT], fields[PROMPT], &row->prompt_tokens,
                         err) != 0 ||
        trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT], &row->output_tokens,
                         err) != 0) {
        return -1;
    }
    return fields[HASH_IDS].text != NULL
               ? read_hash_ids(mooncake, line, fields[HASH_IDS], row, err)
               : 0;
}

const struct trace_format trace_mooncake = {
    .name = "mooncake",
    .first_line = "lines of {\"timestamp\": 27482, \"input_length\": 6955, ...}",
    .arrival = "timestamp",
    .has_no_header = true,
    .state_bytes = sizeof(struct mooncake),
    .test = test,
    .header = read_header,
    .row = read_row,
    .ignored = ignored,
};
