#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input/import.h"
#include "input/import_bench.h"
#include "input/import_scrapes.h"
#include "input/source.h"

/* The year 2286: a time in seconds or a time in milliseconds cannot be mistaken. */
#define MOST_S 1e10

/* Past blanks. */
static const char *skip(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

/* Past "{...}", whose values may hold braces; NULL if it does not end. */
static const char *skip_labels(const char *at, const char *end)
{
    bool is_quoted = false;
    for (; at < end; at++) {
        if (*at == '\\' && is_quoted) {
            at++;
        } else if (*at == '"') {
            is_quoted = !is_quoted;
        } else if (*at == '}' && !is_quoted) {
            return at + 1;
        }
    }
    return NULL;
}

/* A word up to the next blank as a number.  Text between `at` and `end` is not closed by
 * a NUL, so it is copied. */
static bool read_number(const char **at, const char *end, double *value)
{
    char text[64];
    size_t n = 0;
    for (; *at < end && **at != ' ' && **at != '\t' && n < sizeof text - 1; ++*at) {
        text[n++] = **at;
    }
    text[n] = '\0';
    char *stop;
    *value = strtod(text, &stop); /* NaN and +Inf are legal values */
    return n > 0 && *stop == '\0';
}

static int refuse_line(const struct source_line *line, const char *reason,
                       struct err *err)
{
    return err_at(err, line->file, line->number, "%s", reason);
}

/* "name{label="x"} value timestamp": the exposition format. */
static int read_line(struct import_scrapes *scrapes, const struct source_line *line,
                     struct err *err)
{
    const char *end = line->text + line->length;
    if (line->length > 0 && end[-1] == '\r') {
        end--;
    }
    const char *at = skip(line->text, end);
    if (at == end || *at == '#') {
        return 0;
    }
    const char *name = at;
    while (at < end && *at != '{' && *at != ' ' && *at != '\t') {
        at++;
    }
    int32_t metric = import_scrapes_find(name, (size_t)(at - name));
    if (metric < 0) {
        return 0;
    }
    at = skip(at, end);
    at = at < end && *at == '{' ? skip_labels(at, end) : at;
    if (at == NULL) {
        return refuse_line(line, "the labels are not closed with a '}'", err);
    }
    double value;
    double t_ms;
    at = skip(at, end);
    if (!read_number(&at, end, &value)) {
        return refuse_line(line, "expected a value behind the metric's name and labels",
                           err);
    }
    at = skip(at, end);
    if (at == end) {
        return refuse_line(
            line,
            "the sample has no timestamp, so the scrapes cannot be put in "
            "order (export them with timestamps, or save a query_range)",
            err);
    }
    if (!read_number(&at, end, &t_ms) || !(t_ms >= 0 && t_ms <= MOST_S * 1e3) ||
        skip(at, end) != end) {
        return refuse_line(line, "expected a timestamp in milliseconds at the end",
                           err);
    }
    import_scrapes_push(scrapes, llround(t_ms), metric, value);
    return 0;
}

/* The pairs [seconds, "value"] of one series. */
static int read_values(struct import_scrapes *scrapes, const struct import_json *series,
                       int32_t metric, struct err *err)
{
    const json_t *values;
    if (import_json_array(series, "values", &values, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *pair = json_array_get(values, i);
        const json_t *t = json_array_get(pair, 0);
        const json_t *text = json_array_get(pair, 1);
        double value;
        bool ok = json_is_number(t) && json_is_string(text) &&
                  json_number_value(t) >= 0 && json_number_value(t) <= MOST_S;
        if (ok) {
            const char *at = json_string_value(text);
            const char *end = at + json_string_length(text);
            ok = read_number(&at, end, &value) && at == end;
        }
        if (!ok) {
            return err_set(err,
                           "%s: %svalues[%zu]: expected a time in seconds and a number "
                           "in quotes",
                           series->file, series->place, i);
        }
        import_scrapes_push(scrapes, llround(json_number_value(t) * 1e3), metric,
                            value);
    }
    return 0;
}

static int read_series(struct import_scrapes *scrapes, const struct import_json *series,
                       int64_t *n_nameless, struct err *err)
{
    struct import_json labels;
    const char *name;
    if (import_json_object(series, "metric", &labels, err) != 0) {
        return -1;
    }
    if (!import_json_has(&labels, "__name__")) {
        ++*n_nameless;
        return 0;
    }
    if (import_json_text(&labels, "__name__", &name, err) != 0) {
        return -1;
    }
    int32_t metric = import_scrapes_find(name, strlen(name));
    return metric < 0 ? 0 : read_values(scrapes, series, metric, err);
}

static int read_answer(struct import_scrapes *scrapes, const struct import_json *root,
                       struct err *err)
{
    struct import_json answer;
    const json_t *result;
    const char *type;
    int64_t n_nameless = 0;
    if (import_json_object(root, "data", &answer, err) != 0 ||
        import_json_text(&answer, "resultType", &type, err) != 0) {
        return -1;
    }
    if (strcmp(type, "matrix") != 0) {
        return err_set(err,
                       "%s: data.resultType: '%.40s' is not matrix: ask query_range, "
                       "which answers with series over time",
                       root->file, type);
    }
    if (import_json_array(&answer, "result", &result, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(result); i++) {
        struct import_json series;
        if (import_bench_element(&answer, "result", result, i, &series, err) != 0 ||
            read_series(scrapes, &series, &n_nameless, err) != 0) {
            return -1;
        }
    }
    if (scrapes->n == 0 && n_nameless > 0) {
        return err_set(err,
                       "%s: data.result: the series have no __name__: query metrics by "
                       "name, such as {__name__=~\"vllm:.*\"}, without functions",
                       root->file);
    }
    return 0;
}

static int read_json(struct import_scrapes *scrapes, const char *path, struct err *err)
{
    struct import_json root;
    if (import_json_open(&root, path, err) != 0) {
        return -1;
    }
    int status = read_answer(scrapes, &root, err);
    import_json_close(&root);
    return status;
}

/* 1 if the file begins as JSON does. */
static int read_text(struct import_scrapes *scrapes, struct source *source,
                     struct err *err)
{
    struct source_line line;
    int result;
    while ((result = source_next(source, &line, err)) == 1) {
        const char *at = skip(line.text, line.text + line.length);
        if (line.number == 1 && at < line.text + line.length && *at == '{') {
            return 1;
        }
        if (read_line(scrapes, &line, err) != 0) {
            return -1;
        }
    }
    if (result < 0 && source_line_number(source) == 1 && !source_broken(source)) {
        return 1; /* a first line that long is JSON, or JSON says what it is not */
    }
    return result;
}

static int run(const char *path, FILE *out, struct err *err)
{
    struct import_scrapes scrapes = {0};
    struct source *source = source_open(path, err);
    if (source == NULL) {
        return -1;
    }
    char name[256];
    snprintf(name, sizeof name, "%.200s", source_name(source));
    int status = read_text(&scrapes, source, err);
    source_close(source);
    if (status == 1) {
        status =
            strcmp(path, "-") != 0
                ? read_json(&scrapes, path, err)
                : err_set(err, "%s: JSON of Prometheus is read from files only", name);
    }
    if (status == 0) {
        status = import_scrapes_write(&scrapes, name, out, err);
    }
    import_scrapes_free(&scrapes);
    return status;
}

const struct import_kind import_prometheus = {
    .name = "prometheus",
    .help =
        "vLLM's metrics over time (samples as text with timestamps, or the JSON of a "
        "query_range), as measured intervals",
    .run = run,
};
