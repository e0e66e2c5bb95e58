/* Mooncake's format: a line of JSON per request.  A hash id names 512 tokens of prompt
 * together with all that stands before them, so equal ids are equal beginnings.
 *
 * Later programs added keys: ids, sessions whose rows come some time after the one before
 * (AIPerf's `delay`), and agents' calls that wait for other calls and tools (Dynamo's
 * `wait_for`, `delay` and `tool_wait_ms`, which add up).  A row that waits may go without
 * a timestamp; one that has both comes at the later of the two.
 *
 * Of each session the last request's id is remembered: about 200 bytes.
 */
#include "base/decimal.h"
#include "base/memory.h"
#include "input/names.h"
#include "input/trace_csv.h"
#include "input/trace_json.h"
#include "input/trace_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROMPT,
    OUTPUT,
    TIMESTAMP,
    HASH_IDS,
    REQUEST_ID,
    SESSION_ID,
    PRIORITY,
    DELAY,
    WAIT_FOR,
    TOOL_WAIT,
    N_KEYS
};

static const char *const names[N_KEYS] = {
    [PROMPT] = "input_length",   [OUTPUT] = "output_length",
    [TIMESTAMP] = "timestamp",   [HASH_IDS] = "hash_ids",
    [REQUEST_ID] = "request_id", [SESSION_ID] = "session_id",
    [PRIORITY] = "priority",     [DELAY] = "delay",
    [WAIT_FOR] = "wait_for",     [TOOL_WAIT] = "tool_wait_ms",
};

static const struct trace_json_alias aliases[] = {
    {"input_tokens", PROMPT},
    {"output_tokens", OUTPUT},
    {"created_time", TIMESTAMP},
    {"delay_ms", DELAY},
};

static const struct trace_json_table table = {
    .names = names,
    .n_needed = TIMESTAMP,
    .n_names = N_KEYS,
    .aliases = aliases,
    .n_aliases = sizeof aliases / sizeof aliases[0],
};

/* So many ids are a prompt of 33 million tokens. */
enum {
    HASH_TOKENS = 512,
    MOST_IDS = 1 << 16,
    MS_DECIMALS = 6,
    MOST_SESSIONS = 1 << 20,
    MADE_BYTES = TRACE_LABEL_BYTES - 11 /* of a session, where ids are made of it */
};

static const int64_t most_ns = TRACE_CSV_MOST * INT64_C(1000000000);

/* What a session has done so far. */
struct course {
    char last_id[TRACE_LABEL_BYTES + 1];
    int32_t n;
};

struct mooncake {
    char ignored[TRACE_JSON_IGNORED];
    int64_t hash_ids[MOST_IDS];
    int64_t arrival_ns; /* of the row above */
    char request_id[TRACE_LABEL_BYTES + 1];
    char session_id[TRACE_LABEL_BYTES + 1];
    char parent_id[TRACE_PARENT_BYTES + 1];
    struct names sessions; /* and the course of each, from 1 */
    struct course *courses;
    int32_t room;
};

static bool test(const struct source_line *line)
{
    return trace_json_names(&table, line);
}

static int read_header(void *state, const struct source_line *line, struct err *err)
{
    struct mooncake *mooncake = state;
    (void)err;
    trace_json_ignored(&table, line, mooncake->ignored);
    return 0;
}

static void release(void *state)
{
    struct mooncake *mooncake = state;
    names_free(&mooncake->sessions);
    free(mooncake->courses);
}

static const char *ignored(const void *state)
{
    const struct mooncake *mooncake = state;
    return mooncake->ignored;
}

static int read_time(const struct source_line *line, int key, struct trace_field field,
                     int64_t *ns, struct err *err)
{
    if (!decimal_scan(field.text, field.length, MS_DECIMALS, ns)) {
        return trace_csv_refuse(line, names[key], field,
                                "is not a time in milliseconds such as 27482", err);
    }
    if (*ns > most_ns) {
        return trace_csv_refuse(line, names[key], field, "is more than 1000000000000",
                                err);
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

/* Adds one id to those that the row waits for. */
static int add_parent(struct mooncake *mooncake, const struct source_line *line,
                      struct trace_field field, struct err *err)
{
    char id[TRACE_LABEL_BYTES + 1];
    const char *label = NULL;
    if (trace_json_label(line, names[WAIT_FOR], field, id, &label, err) != 0) {
        return -1;
    }
    if (label == NULL || strchr(label, ' ') != NULL) {
        return trace_csv_refuse(line, names[WAIT_FOR], field,
                                "is not an id without blanks", err);
    }
    char *text = mooncake->parent_id;
    size_t used = strlen(text);
    if (used + 1 + strlen(label) > TRACE_PARENT_BYTES) {
        return err_at(err, line->file, line->number, "%s: more than %d bytes of ids",
                      names[WAIT_FOR], TRACE_PARENT_BYTES);
    }
    snprintf(text + used, sizeof mooncake->parent_id - used, "%s%s",
             used > 0 ? " " : "", label);
    return 0;
}

/* One id, or a list of some. */
static int read_wait_for(struct mooncake *mooncake, const struct source_line *line,
                         struct trace_field field, struct err *err)
{
    mooncake->parent_id[0] = '\0';
    if (field.text == NULL) {
        return 0;
    }
    if (field.text[0] != '[') {
        return add_parent(mooncake, line, field, err);
    }
    struct trace_field element = {NULL, 0};
    int got;
    while ((got = trace_json_element(line, names[WAIT_FOR], field, &element, err)) >
           0) {
        if (add_parent(mooncake, line, element, err) != 0) {
            return -1;
        }
    }
    return got;
}

/* What the session has done; NULL and `err` if there are too many of them. */
static struct course *find_course(struct mooncake *mooncake, const char *session,
                                  const struct source_line *line, struct err *err)
{
    int32_t i = names_number(&mooncake->sessions, session);
    if (i > MOST_SESSIONS) {
        err_at(err, line->file, line->number, "%s: there are more than %d",
               names[SESSION_ID], MOST_SESSIONS);
        return NULL;
    }
    if (i >= mooncake->room) {
        int32_t room = 2 * i + 16;
        mooncake->courses =
            memory_grow(mooncake->courses, (size_t)room, sizeof *mooncake->courses);
        memset(mooncake->courses + mooncake->room, 0,
               (size_t)(room - mooncake->room) * sizeof *mooncake->courses);
        mooncake->room = room;
    }
    return &mooncake->courses[i];
}

/* The ids of the row; where it tells its session alone, they are session:1, :2 ... */
static int read_ids(struct mooncake *mooncake, const struct source_line *line,
                    const struct trace_field *fields, struct trace_row *row,
                    struct course **course, struct err *err)
{
    struct trace_field session = fields[SESSION_ID];
    struct trace_field id = fields[REQUEST_ID];
    if ((session.text != NULL &&
         trace_json_label(line, names[SESSION_ID], session, mooncake->session_id,
                          &row->session_id, err) != 0) ||
        (id.text != NULL &&
         trace_json_label(line, names[REQUEST_ID], id, mooncake->request_id,
                          &row->request_id, err) != 0)) {
        return -1;
    }
    if (row->session_id == NULL) {
        return 0;
    }
    *course = find_course(mooncake, row->session_id, line, err);
    if (*course == NULL) {
        return -1;
    }
    if (row->request_id == NULL) {
        if (strlen(row->session_id) > MADE_BYTES) {
            return trace_csv_refuse(line, names[SESSION_ID], session,
                                    "is too long to make ids of: give request_id", err);
        }
        snprintf(mooncake->request_id, sizeof mooncake->request_id, "%.53s:%" PRIu32,
                 row->session_id, (uint32_t)((*course)->n + 1));
        row->request_id = mooncake->request_id;
    }
    return 0;
}

/* What the row waits for: those it names, or the one before in its session. */
static int read_course(struct mooncake *mooncake, const struct source_line *line,
                       const struct trace_field *fields, struct trace_row *row,
                       struct err *err)
{
    struct course *course = NULL;
    int64_t delay_ns = 0;
    int64_t tool_ns = 0;
    if (read_ids(mooncake, line, fields, row, &course, err) != 0 ||
        read_wait_for(mooncake, line, fields[WAIT_FOR], err) != 0 ||
        (fields[DELAY].text != NULL &&
         read_time(line, DELAY, fields[DELAY], &delay_ns, err) != 0) ||
        (fields[TOOL_WAIT].text != NULL &&
         read_time(line, TOOL_WAIT, fields[TOOL_WAIT], &tool_ns, err) != 0)) {
        return -1;
    }
    if (delay_ns + tool_ns > most_ns) {
        return trace_csv_refuse(line, names[DELAY], fields[DELAY],
                                "and tool_wait_ms are more than 1000000000000", err);
    }
    bool is_late = fields[DELAY].text != NULL || fields[TOOL_WAIT].text != NULL;
    if (mooncake->parent_id[0] != '\0') {
        row->parent_id = mooncake->parent_id;
    } else if (is_late && course == NULL) {
        int key = fields[DELAY].text != NULL ? DELAY : TOOL_WAIT;
        return err_at(err, line->file, line->number,
                      "%s: there is neither %s nor %s to count from", names[key],
                      names[WAIT_FOR], names[SESSION_ID]);
    } else if (is_late && course->n > 0) {
        memcpy(mooncake->parent_id, course->last_id, sizeof course->last_id);
        row->parent_id = mooncake->parent_id;
    }
    row->think_ns = row->parent_id != NULL ? delay_ns + tool_ns : 0;
    return 0;
}

/* When it comes at the earliest: what waits need not say. */
static int read_arrival(struct mooncake *mooncake, const struct source_line *line,
                        const struct trace_field *fields, struct trace_row *row,
                        struct trace_field *arrival, struct err *err)
{
    *arrival = fields[TIMESTAMP];
    if (arrival->text != NULL) {
        return read_time(line, TIMESTAMP, *arrival, &row->arrival_ns, err);
    }
    if (row->parent_id == NULL) {
        return err_at(err, line->file, line->number, "key '%s' is missing",
                      names[TIMESTAMP]);
    }
    *arrival = (struct trace_field){"", 0};
    row->arrival_ns = mooncake->arrival_ns;
    return 0;
}

/* The row is good: the next one of its session may wait for it. */
static void remember(struct mooncake *mooncake, const struct trace_row *row)
{
    mooncake->arrival_ns = row->arrival_ns;
    if (row->session_id != NULL) {
        struct course *course =
            &mooncake->courses[names_number(&mooncake->sessions, row->session_id)];
        course->n++;
        memcpy(course->last_id, mooncake->request_id, sizeof course->last_id);
    }
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct mooncake *mooncake = state;
    struct trace_field fields[N_KEYS] = {{NULL, 0}};
    if (trace_json_row(&table, line, fields, err) != 0) {
        return -1;
    }
    row->hash_tokens = HASH_TOKENS;
    if (read_course(mooncake, line, fields, row, err) != 0 ||
        read_arrival(mooncake, line, fields, row, arrival, err) != 0 ||
        trace_csv_tokens(line, names[PROMPT], fields[PROMPT], &row->prompt_tokens,
                         err) != 0 ||
        trace_csv_tokens(line, names[OUTPUT], fields[OUTPUT], &row->output_tokens,
                         err) != 0 ||
        (fields[PRIORITY].text != NULL &&
         trace_value_priority(line, names[PRIORITY], fields[PRIORITY], &row->priority,
                              err) != 0) ||
        (fields[HASH_IDS].text != NULL &&
         read_hash_ids(mooncake, line, fields[HASH_IDS], row, err) != 0)) {
        return -1;
    }
    remember(mooncake, row);
    return 0;
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
    .release = release,
    .ignored = ignored,
};
