#include "input/failures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "input/trace_csv.h"

enum { TIME, KIND, POOL, REPLICA, NODE, DURATION, NOTICE, FACTOR, N_COLUMNS };

static const char *const names[N_COLUMNS] = {
    [TIME] = "time_s",     [KIND] = "kind",     [POOL] = "pool",
    [REPLICA] = "replica", [NODE] = "node",     [DURATION] = "duration_s",
    [NOTICE] = "notice_s", [FACTOR] = "factor",
};

static const struct trace_csv_table table = {
    .names = names,
    .n_needed = POOL,
    .n_names = N_COLUMNS,
};

/* The events so far, with the lines they stand in. */
struct reader {
    struct config *config;
    struct trace_csv csv;
    struct fail_event *events;
    int64_t n;
    int64_t room;
};

/* Replicas that the pool may ever have. */
static int64_t n_places(const struct pool_config *pool)
{
    return pool->most_replicas > pool->n_replicas ? pool->most_replicas
                                                  : pool->n_replicas;
}

static int read_time(const struct source_line *line, int column,
                     struct trace_field field, int64_t *ns, struct err *err)
{
    const int64_t most_ns = TRACE_CSV_MOST * INT64_C(1000000000);
    if (!decimal_scan(field.text, field.length, 9, ns)) {
        return trace_csv_refuse(line, names[column], field,
                                "is not a time in seconds such as 12.0375", err);
    }
    if (*ns > most_ns) {
        return trace_csv_refuse(line, names[column], field, "is more than 1000000000",
                                err);
    }
    return 0;
}

static int read_kind(const struct source_line *line, struct trace_field field,
                     enum fail_kind *kind, struct err *err)
{
    for (int i = 0; i < N_FAIL_KINDS; i++) {
        const char *name = fail_config_kind_name((enum fail_kind)i);
        if (strlen(name) == field.length &&
            memcmp(name, field.text, field.length) == 0) {
            *kind = (enum fail_kind)i;
            return 0;
        }
    }
    return trace_csv_refuse(line, names[KIND], field, "is not fail, reclaim or slow",
                            err);
}

static int read_pool(const struct config *config, const struct source_line *line,
                     struct trace_field field, int32_t *pool, struct err *err)
{
    if (field.length == 0 && config->n_pools == 1) {
        *pool = 0;
        return 0;
    }
    for (*pool = 0; *pool < config->n_pools; (*pool)++) {
        const char *name = config->pools[*pool].name;
        if (strlen(name) == field.length &&
            memcmp(name, field.text, field.length) == 0) {
            return 0;
        }
    }
    return trace_csv_refuse(line, names[POOL], field,
                            "is not the name of a [pool.NAME] section", err);
}

/* A number of a replica or node. */
static int read_number(const struct source_line *line, int column,
                       struct trace_field field, int64_t *value, struct err *err)
{
    if (!decimal_scan(field.text, field.length, 0, value) ||
        memchr(field.text, '.', field.length) != NULL) {
        return trace_csv_refuse(line, names[column], field,
                                "is not a whole number from 0 on", err);
    }
    return 0;
}

static int refuse_place(const struct source_line *line, int column,
                        struct trace_field field, const struct pool_config *pool,
                        struct err *err)
{
    char reason[160];
    snprintf(reason, sizeof reason,
             "is not there: [pool.%.60s] has %" PRId64
             " replica%s, counted from 0 as nodes are",
             pool->name, n_places(pool), n_places(pool) == 1 ? "" : "s");
    return trace_csv_refuse(line, names[column], field, reason, err);
}

static int read_place(const struct config *config, const struct source_line *line,
                      const struct trace_field *fields, struct fail_event *event,
                      struct err *err)
{
    bool is_node = fields[NODE].length > 0;
    int column = is_node ? NODE : REPLICA;
    if (is_node == (fields[REPLICA].length > 0)) {
        return err_at(err, line->file, line->number,
                      "replica, node: one of them says what fails");
    }
    int64_t number;
    if (read_pool(config, line, fields[POOL], &event->pool, err) != 0 ||
        read_number(line, column, fields[column], &number, err) != 0) {
        return -1;
    }
    const struct pool_config *pool = &config->pools[event->pool];
    int64_t n_replicas = n_places(pool);
    if (is_node &&
        !fail_config_node(pool, n_replicas, number, &event->first, &event->end)) {
        return refuse_place(line, column, fields[column], pool, err);
    }
    if (!is_node && number >= n_replicas) {
        return refuse_place(line, column, fields[column], pool, err);
    }
    if (!is_node) {
        event->first = (int32_t)number;
        event->end = event->first + 1;
    }
    return 0;
}

static int read_factor(const struct source_line *line, struct trace_field field,
                       int64_t *factor_nano, struct err *err)
{
    const int64_t nano = 1000000000;
    if (!decimal_scan(field.text, field.length, 9, factor_nano) ||
        *factor_nano < nano || *factor_nano > 1000 * nano) {
        return trace_csv_refuse(line, names[FACTOR], field,
                                "is not a number from 1 to 1000", err);
    }
    return 0;
}

/* What goes with the kind of event, and nothing else. */
static int read_details(const struct config *config, const struct source_line *line,
                        const struct trace_field *fields, struct fail_event *event,
                        struct err *err)
{
    const struct fail_config *fail = &config->fail;
    bool is_reclaim = event->kind == FAIL_RECLAIM;
    bool is_slow = event->kind == FAIL_SLOW;
    event->duration_ns = is_reclaim ? fail->spot_replace_ns : FAIL_FOR_EVER;
    event->notice_ns = is_reclaim ? fail->notice_ns : 0;
    if (fields[NOTICE].length > 0 && !is_reclaim) {
        return trace_csv_refuse(line, names[NOTICE], fields[NOTICE],
                                "has no meaning here: it is of kind reclaim", err);
    }
    if (fields[FACTOR].length > 0 && !is_slow) {
        return trace_csv_refuse(line, names[FACTOR], fields[FACTOR],
                                "has no meaning here: it is of kind slow", err);
    }
    if (fields[DURATION].length > 0 &&
        read_time(line, DURATION, fields[DURATION], &event->duration_ns, err) != 0) {
        return -1;
    }
    if (fields[NOTICE].length > 0 &&
        read_time(line, NOTICE, fields[NOTICE], &event->notice_ns, err) != 0) {
        return -1;
    }
    return is_slow ? read_factor(line, fields[FACTOR], &event->factor_nano, err) : 0;
}

static int read_event(struct reader *reader, const struct source_line *line,
                      struct err *err)
{
    struct trace_field fields[N_COLUMNS];
    for (int i = 0; i < N_COLUMNS; i++) {
        fields[i] = (struct trace_field){"", 0};
    }
    struct fail_event event = {.line = line->number};
    if (trace_csv_row(&reader->csv, line, fields, err) != 0 ||
        read_time(line, TIME, fields[TIME], &event.at_ns, err) != 0 ||
        read_kind(line, fields[KIND], &event.kind, err) != 0 ||
        read_place(reader->config, line, fields, &event, err) != 0 ||
        read_details(reader->config, line, fields, &event, err) != 0) {
        return -1;
    }
    if (reader->n == reader->room) {
        reader->room = reader->room * 2 + 64;
        reader->events =
            memory_grow(reader->events, (size_t)reader->room, sizeof event);
    }
    reader->events[reader->n++] = event;
    return 0;
}

static void strip(struct source_line *line)
{
    if (line->number == 1 && line->length >= 3 &&
        memcmp(line->text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        line->text += 3;
        line->length -= 3;
    }
    if (line->length > 0 && line->text[line->length - 1] == '\r') {
        line->length--;
    }
}

static int read_lines(struct reader *reader, struct source *source, struct err *err)
{
    struct source_line line;
    int result;
    bool has_header = false;
    while ((result = source_next(source, &line, err)) > 0) {
        strip(&line);
        if (line.length == 0) {
            continue;
        }
        int status = has_header ? read_event(reader, &line, err)
                                : trace_csv_header(&reader->csv, &table, &line, err);
        if (status != 0) {
            return -1;
        }
        has_header = true;
    }
    if (result == 0 && !has_header) {
        return err_set(err, "%s: the file is empty", source_name(source));
    }
    return result;
}

static int by_time(const void *a, const void *b)
{
    const struct fail_event *x = a;
    const struct fail_event *y = b;
    if (x->at_ns != y->at_ns) {
        return x->at_ns < y->at_ns ? -1 : 1;
    }
    return x->line < y->line ? -1 : 1; /* no two are of one line */
}

/* Who takes turns with others on its GPUs drains to hand them over, and is never off. */
static int check_sharing(const struct config *config, struct err *err)
{
    bool reclaims = config->fail.spot_mtbf_ns > 0;
    for (int64_t i = 0; i < config->failures.n; i++) {
        reclaims = reclaims || config->failures.events[i].kind == FAIL_RECLAIM;
    }
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (reclaims && config->pools[i].shares_pool != 0) {
            return err_set(err,
                           "%s: [pool.%s] shares_gpus_with: GPUs that several models "
                           "share cannot be taken back; [fail] spot_mtbf and events of "
                           "kind reclaim need pools with GPUs of their own",
                           config->file, config->pools[i].name);
        }
    }
    return 0;
}

static int read_file(struct config *config, struct arena *arena, struct err *err)
{
    struct source *source = source_open(config->fail.events, err);
    if (source == NULL) {
        return -1;
    }
    struct reader reader = {.config = config};
    int status = read_lines(&reader, source, err);
    source_close(source);
    if (status == 0 && reader.n > 0) {
        qsort(reader.events, (size_t)reader.n, sizeof *reader.events, by_time);
        struct fail_event *events = ARENA_NEW(arena, reader.n, struct fail_event);
        memcpy(events, reader.events, (size_t)reader.n * sizeof *events);
        config->failures = (struct fail_events){.events = events, .n = reader.n};
    }
    free(reader.events);
    return status;
}

int failures_read(struct config *config, struct arena *arena, struct err *err)
{
    if (config->fail.events[0] != '\0' && read_file(config, arena, err) != 0) {
        return -1;
    }
    return check_sharing(config, err);
}
