/* LLMServingSim's format: a line of JSON per request, or per session of an agent whose
 * calls follow each other: each is sent when the tool that the one before called has
 * ended, tool_duration_ns after its last token.  Lines of both kinds may be mixed.
 *
 * Token ids, where there are any, say which prompts begin alike: they become hashes of
 * blocks of 16 tokens with all that stands before them. */
#include "base/decimal.h"
#include "engine/jump.h"
#include "input/trace_csv.h"
#include "input/trace_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ARRIVAL,
    PROMPT,
    OUTPUT,
    TOKEN_IDS,
    SESSION_ID,
    CALLS,
    TOOL,
    OUTPUT_IDS,
    N_KEYS
};

static const char *const names[N_KEYS] = {
    [ARRIVAL] = "arrival_time_ns", [PROMPT] = "input_toks",
    [OUTPUT] = "output_toks",      [TOKEN_IDS] = "input_tok_ids",
    [SESSION_ID] = "session_id",   [CALLS] = "sub_requests",
    [TOOL] = "tool_duration_ns",   [OUTPUT_IDS] = "output_tok_ids",
};

/* A line. */
static const struct trace_json_table line_table = {
    .names = names,
    .n_needed = PROMPT,
    .n_names = N_KEYS,
};

/* A call of a session, which has neither arrival nor calls. */
static const struct trace_json_table call_table = {
    .names = names,
    .n_needed = 0,
    .n_names = N_KEYS,
};

/* What tells such a file: no other one has these keys. */
static const char *const marks[] = {"input_toks", "sub_requests"};
static const struct trace_json_table mark_table = {.names = marks, .n_names = 2};

enum {
    BLOCK_TOKENS = 16,
    MOST_TOKENS = 1 << 19, /* a line of 1 MiB holds no more ids */
    SESSION_BYTES = TRACE_LABEL_BYTES - 11
};

struct llmservingsim {
    char ignored[TRACE_JSON_IGNORED];
    char request_id[TRACE_LABEL_BYTES + 1];
    char parent_id[TRACE_LABEL_BYTES + 1];
    char session_id[TRACE_LABEL_BYTES + 1];
    struct trace_field arrival; /* of the session that is read, in the line */
    struct trace_field calls;
    struct trace_field call; /* the last one that was read */
    int32_t n_left;          /* calls behind it; 0: the next line */
    int32_t n_read;
    int64_t think_ns; /* behind it */
    int64_t tokens[MOST_TOKENS];
    int64_t hash_ids[MOST_TOKENS / BLOCK_TOKENS + 1];
};

static bool test(const struct source_line *line)
{
    return trace_json_names(&mark_table, line);
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct llmservingsim *file = state;
    (void)err;
    trace_json_ignored(&line_table, line, file->ignored);
    return 0;
}

static const char *ignored(const void *state)
{
    const struct llmservingsim *file = state;
    return file->ignored;
}

static bool again(const void *state)
{
    const struct llmservingsim *file = state;
    return file->n_left > 0;
}

static int read_time(const struct source_line *line, int key, struct trace_field field,
                     int64_t *ns, struct err *err)
{
    if (!decimal_scan(field.text, field.length, 0, ns)) {
        return trace_csv_refuse(line, names[key], field,
                                "is not a time in nanoseconds such as 27482000000",
                                err);
    }
    if (*ns > TRACE_CSV_MOST * INT64_C(1000000000)) {
        return trace_csv_refuse(line, names[key], field,
                                "is more than 1000000000000000000", err);
    }
    return 0;
}

/* Each block's hash goes into that of the next one. */
static int read_tokens(struct llmservingsim *file, const struct source_line *line,
                       struct trace_field field, struct trace_row *row, struct err *err)
{
    int64_t block[BLOCK_TOKENS + 1] = {0};
    int64_t n =
        trace_json_list(line, names[TOKEN_IDS], field, file->tokens, MOST_TOKENS, err);
    if (n < 0) {
        return -1;
    }
    if (n > 0 && n != row->prompt_tokens) {
        return err_at(err, line->file, line->number,
                      "%s: %" PRId64 " ids, and %s is %" PRId64, names[TOKEN_IDS], n,
                      names[PROMPT], row->prompt_tokens);
    }
    for (int64_t at = 0; at < n; at += BLOCK_TOKENS) {
        int64_t here = n - at < BLOCK_TOKENS ? n - at : BLOCK_TOKENS;
        memcpy(block + 1, file->tokens + at, (size_t)here * sizeof *block);
        uint64_t hash =
            jump_text((const char *)block, (here + 1) * (int64_t)sizeof *block);
        block[0] = (int64_t)(hash >> 1);
        file->hash_ids[row->n_hash_ids++] = block[0];
    }
    row->hash_tokens = BLOCK_TOKENS;
    row->hash_ids = n > 0 ? file->hash_ids : NULL;
    return 0;
}

/* What a request that stands alone and a call of a session have alike. */
static int read_lengths(struct llmservingsim *file, const struct source_line *line,
                        const struct trace_field *fields, struct trace_row *row,
                        struct err *err)
{
    for (int key = PROMPT; key <= OUTPUT; key++) {
        if (fields[key].text == NULL) {
            return err_at(err, line->file, line->number, "key '%s' is missing",
                          names[key]);
        }
    }
    if (trace_csv_tokens(line, names[PROMPT], fields[PROMPT], &row->prompt_tokens,
                         err) != 0 ||
        trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT], &row->output_tokens,
                         err) != 0) {
        return -1;
    }
    return fields[TOKEN_IDS].text != NULL
               ? read_tokens(file, line, fields[TOKEN_IDS], row, err)
               : 0;
}

/* How many calls the list holds: at least 1, or -1 and `err`. */
static int32_t count_calls(const struct source_line *line, struct trace_field calls,
                           struct err *err)
{
    struct trace_field call = {NULL, 0};
    int32_t n = 0;
    int got;
    while ((got = trace_json_element(line, names[CALLS], calls, &call, err)) > 0) {
        n++;
    }
    if (got == 0 && n == 0) {
        return trace_csv_refuse(line, names[CALLS], calls, "holds no call", err);
    }
    return got == 0 ? n : -1;
}

static int read_session_id(struct llmservingsim *file, const struct source_line *line,
                           struct trace_field field, struct err *err)
{
    const char *label = NULL;
    if (field.text != NULL && trace_json_label(line, names[SESSION_ID], field,
                                               file->session_id, &label, err) != 0) {
        return -1;
    }
    if (label == NULL) {
        snprintf(file->session_id, sizeof file->session_id, "line-%" PRId64,
                 line->number);
    } else if (strlen(label) > SESSION_BYTES || strchr(label, ' ') != NULL) {
        return trace_csv_refuse(
            line, names[SESSION_ID], field,
            "cannot be part of ids: at most 53 bytes without blanks", err);
    }
    return 0;
}

/* Gets ready for the calls of a session. */
static int begin_session(struct llmservingsim *file, const struct source_line *line,
                         const struct trace_field *fields, struct err *err)
{
    if (read_session_id(file, line, fields[SESSION_ID], err) != 0) {
        return -1;
    }
    int32_t n = count_calls(line, fields[CALLS], err);
    if (n < 0) {
        return -1;
    }
    file->arrival = fields[ARRIVAL];
    file->calls = fields[CALLS];
    file->call = (struct trace_field){NULL, 0};
    file->n_left = n;
    file->n_read = 0;
    return 0;
}

static int read_call(struct llmservingsim *file, const struct source_line *line,
                     struct trace_row *row, struct trace_field *arrival,
                     struct err *err)
{
    struct trace_field fields[N_KEYS] = {{NULL, 0}};
    int64_t tool_ns = 0;
    *arrival = file->arrival;
    if (read_time(line, ARRIVAL, *arrival, &row->arrival_ns, err) != 0 ||
        trace_json_element(line, names[CALLS], file->calls, &file->call, err) < 0 ||
        trace_json_object(&call_table, line, file->call, fields, err) != 0 ||
        read_lengths(file, line, fields, row, err) != 0 ||
        (fields[TOOL].text != NULL &&
         read_time(line, TOOL, fields[TOOL], &tool_ns, err) != 0)) {
        return -1;
    }
    if (file->n_read > 0) {
        memcpy(file->parent_id, file->request_id, sizeof file->parent_id);
        row->parent_id = file->parent_id;
        row->think_ns = file->think_ns;
    }
    snprintf(file->request_id, sizeof file->request_id, "%.53s:%" PRIu32,
             file->session_id, (uint32_t)(file->n_read + 1));
    row->request_id = file->request_id;
    row->session_id = file->session_id;
    file->think_ns = tool_ns;
    file->n_read++;
    return 0;
}

static int read_single(struct llmservingsim *file, const struct source_line *line,
                       const struct trace_field *fields, struct trace_row *row,
                       struct err *err)
{
    if (fields[SESSION_ID].text != NULL &&
        trace_json_label(line, names[SESSION_ID], fields[SESSION_ID], file->session_id,
                         &row->session_id, err) != 0) {
        return -1;
    }
    return read_time(line, ARRIVAL, fields[ARRIVAL], &row->arrival_ns, err) != 0
               ? -1
               : read_lengths(file, line, fields, row, err);
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct llmservingsim *file = state;
    struct trace_field fields[N_KEYS] = {{NULL, 0}};
    if (file->n_left == 0) {
        if (trace_json_row(&line_table, line, fields, err) != 0) {
            return -1;
        }
        *arrival = fields[ARRIVAL];
        if (fields[CALLS].text == NULL) {
            return read_single(file, line, fields, row, err);
        }
        if (begin_session(file, line, fields, err) != 0) {
            return -1;
        }
    }
    file->n_left--;
    if (read_call(file, line, row, arrival, err) != 0) {
        file->n_left = 0; /* what follows would wait for a request that is not there */
        return -1;
    }
    return 0;
}

const struct trace_format trace_llmservingsim = {
    .name = "llmservingsim",
    .first_line = "lines of {\"input_toks\": 6955, \"arrival_time_ns\": 27482, ...}",
    .arrival = "arrival_time_ns",
    .has_no_header = true,
    .state_bytes = sizeof(struct llmservingsim),
    .test = test,
    .header = read_header,
    .row = read_row,
    .again = again,
    .ignored = ignored,
};
