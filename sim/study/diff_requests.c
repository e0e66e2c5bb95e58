#include "study/diff_requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/memory.h"
#include "input/source.h"

enum {
    REQUEST_ID,
    PROMPT_TOKENS,
    OUTPUT_TOKENS,
    STATUS,
    FIRST_TIME, /* in the order of enum diff_requests_time */
    N_NEEDED = FIRST_TIME + N_DIFF_REQUESTS_TIMES
};

static const char *const needed[N_NEEDED] = {
    "request_id", "prompt_tokens", "output_tokens", "status",
    "ttft_s",     "tpot_s",        "e2e_s",
};

enum { MOST_COLUMNS = 200 };

/* One of the files, and its row. */
struct side {
    char path[600];
    struct source *source;
    struct source_line line;
    int32_t at[N_NEEDED]; /* the columns */
    int32_t n_columns;
    const char *fields[MOST_COLUMNS];
    size_t lengths[MOST_COLUMNS];
    bool is_over;
};

const char *diff_requests_name(enum diff_requests_time which)
{
    return needed[FIRST_TIME + (int)which];
}

/* Values here have no commas: an id with one is refused when a trace is read. */
static int32_t cut(struct side *side)
{
    const char *text = side->line.text;
    const char *end = text + side->line.length;
    int32_t n = 0;
    while (n < MOST_COLUMNS) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma != NULL ? comma : end;
        side->fields[n] = text;
        side->lengths[n++] = (size_t)(stop - text);
        if (comma == NULL) {
            return n;
        }
        text = comma + 1;
    }
    return MOST_COLUMNS + 1;
}

static bool is_word(const struct side *side, int32_t i, const char *word)
{
    return side->lengths[i] == strlen(word) &&
           memcmp(side->fields[i], word, side->lengths[i]) == 0;
}

static int read_header(struct side *side, struct err *err)
{
    int got = source_next(side->source, &side->line, err);
    if (got < 0) {
        return -1;
    }
    side->n_columns = got > 0 ? cut(side) : 0;
    if (side->n_columns > MOST_COLUMNS) {
        return err_at(err, side->path, 1, "more than %d columns", MOST_COLUMNS);
    }
    for (int32_t i = 0; i < N_NEEDED; i++) {
        side->at[i] = -1;
        for (int32_t j = 0; j < side->n_columns; j++) {
            side->at[i] = is_word(side, j, needed[i]) ? j : side->at[i];
        }
        if (side->at[i] < 0) {
            return err_set(err, "%s: has no column %s", side->path, needed[i]);
        }
    }
    return 0;
}

static int open_side(struct side *side, const char *folder, struct err *err)
{
    snprintf(side->path, sizeof side->path, "%.500s/requests.csv", folder);
    side->source = source_open(side->path, err);
    return side->source != NULL ? read_header(side, err) : -1;
}

/* The next row of a side; over at the end. */
static int next_row(struct side *side, struct err *err)
{
    int got = side->is_over ? 0 : source_next(side->source, &side->line, err);
    if (got < 0) {
        return -1;
    }
    side->is_over = got == 0;
    if (side->is_over) {
        return 0;
    }
    int32_t n = cut(side);
    if (n != side->n_columns) {
        return err_at(err, side->path, side->line.number,
                      "%d columns, and the first line has %d", n, side->n_columns);
    }
    return 0;
}

static bool is_same_field(const struct side sides[2], int32_t which)
{
    int32_t a = sides[0].at[which];
    int32_t b = sides[1].at[which];
    return sides[0].lengths[a] == sides[1].lengths[b] &&
           memcmp(sides[0].fields[a], sides[1].fields[b], sides[0].lengths[a]) == 0;
}

static bool is_same_request(const struct side sides[2])
{
    return is_same_field(sides, REQUEST_ID) && is_same_field(sides, PROMPT_TOKENS) &&
           is_same_field(sides, OUTPUT_TOKENS);
}

static bool is_same_row(const struct side sides[2])
{
    return sides[0].line.length == sides[1].line.length &&
           memcmp(sides[0].line.text, sides[1].line.text, sides[0].line.length) == 0;
}

/* A time in seconds; -1 where there is none. */
static int read_time(const struct side *side, int32_t which, int64_t *ns,
                     struct err *err)
{
    int32_t i = side->at[which];
    *ns = -1;
    if (side->lengths[i] == 0 ||
        decimal_scan(side->fields[i], side->lengths[i], 9, ns)) {
        return 0;
    }
    return err_at(err, side->path, side->line.number,
                  "%s: '%.*s' is not a time in seconds", needed[which],
                  (int)(side->lengths[i] < 80 ? side->lengths[i] : 80),
                  side->fields[i]);
}

/* Keeps the request if its E2E changed more than that of one of the `n` in the list, which
 * is in order; the first wins a tie. */
static void keep(struct diff_requests_one list[DIFF_REQUESTS_SHOWN], int32_t *n,
                 const struct diff_requests_one *one)
{
    int64_t change_ns = one->after_ns - one->before_ns;
    int64_t size_ns = change_ns < 0 ? -change_ns : change_ns;
    int32_t at = *n;
    while (at > 0) {
        int64_t other_ns = list[at - 1].after_ns - list[at - 1].before_ns;
        if ((other_ns < 0 ? -other_ns : other_ns) >= size_ns) {
            break;
        }
        at--;
    }
    if (at == DIFF_REQUESTS_SHOWN) {
        return;
    }
    *n += *n < DIFF_REQUESTS_SHOWN;
    memmove(&list[at + 1], &list[at], (size_t)(*n - 1 - at) * sizeof list[0]);
    list[at] = *one;
}

/* As much of it as there is room for; no control characters get to a terminal. */
static void copy_id(char id[DIFF_REQUESTS_ID], const char *text, size_t length)
{
    size_t n = 0;
    for (; n < length && n + 1 < DIFF_REQUESTS_ID; n++) {
        bool is_control = (unsigned char)text[n] < ' ' || text[n] == 0x7f;
        id[n] = is_control ? '?' : text[n];
    }
    id[n] = '\0';
}

static int compare_times(struct diff_requests *requests, const struct side sides[2],
                         struct err *err)
{
    for (int i = 0; i < N_DIFF_REQUESTS_TIMES; i++) {
        struct diff_requests_change *change = &requests->changes[i];
        int64_t ns[2];
        if (read_time(&sides[0], FIRST_TIME + i, &ns[0], err) != 0 ||
            read_time(&sides[1], FIRST_TIME + i, &ns[1], err) != 0) {
            return -1;
        }
        if (ns[0] < 0 || ns[1] < 0) {
            continue;
        }
        change->n++;
        change->n_faster += ns[1] < ns[0];
        change->n_slower += ns[1] > ns[0];
        change->sum_ns += ns[1] - ns[0];
        if (i == DIFF_REQUESTS_E2E && ns[0] != ns[1]) {
            struct diff_requests_one one = {.before_ns = ns[0], .after_ns = ns[1]};
            int32_t id = sides[0].at[REQUEST_ID];
            copy_id(one.id, sides[0].fields[id], sides[0].lengths[id]);
            if (ns[1] > ns[0]) {
                keep(requests->slower, &requests->n_slower, &one);
            } else {
                keep(requests->faster, &requests->n_faster, &one);
            }
        }
    }
    return 0;
}

static int compare_row(struct diff_requests *requests, const struct side sides[2],
                       struct err *err)
{
    bool done[2];
    for (int i = 0; i < 2; i++) {
        done[i] = is_word(&sides[i], sides[i].at[STATUS], "completed");
    }
    requests->n_both++;
    requests->n_differ += !is_same_row(sides);
    requests->n_only[0] += done[0] && !done[1];
    requests->n_only[1] += done[1] && !done[0];
    /* what a request that gave up took is no latency */
    return done[0] && done[1] ? compare_times(requests, sides, err) : 0;
}

static int compare(struct diff_requests *requests, struct side sides[2],
                   struct err *err)
{
    while (true) {
        for (int i = 0; i < 2; i++) {
            if (next_row(&sides[i], err) != 0) {
                return -1;
            }
            requests->n_rows[i] += !sides[i].is_over;
        }
        if (sides[0].is_over && sides[1].is_over) {
            return 0;
        }
        if (requests->is_other || sides[0].is_over || sides[1].is_over) {
            continue; /* only counted */
        }
        if (!is_same_request(sides)) {
            requests->is_other = true;
        } else if (compare_row(requests, sides, err) != 0) {
            return -1;
        }
    }
}

int diff_requests_read(struct diff_requests *requests, const char *const folders[2],
                       struct err *err)
{
    struct side *sides = memory_new(2, sizeof *sides);
    *requests = (struct diff_requests){0};
    int status = open_side(&sides[0], folders[0], err);
    if (status == 0) {
        status = open_side(&sides[1], folders[1], err);
    }
    if (status == 0) {
        status = compare(requests, sides, err);
    }
    for (int i = 0; i < 2; i++) {
        if (sides[i].source != NULL) {
            source_close(sides[i].source);
        }
    }
    free(sides);
    return status;
}
