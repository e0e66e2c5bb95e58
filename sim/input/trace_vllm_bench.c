/* The JSON that `vllm bench serve --save-result --save-detailed` writes, as the requests
 * that it sent: one object with lists, an element for each request.
 *
 * All of the file is in memory while it is read (256 MiB at most, and some times that as a
 * tree), then 24 bytes for each request.  Versions of vLLM that do not save start_times
 * leave open when requests were sent, unless all were sent at once: then lengths are all
 * that is known.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "input/import_json.h"
#include "input/trace_csv.h"
#include "input/trace_json.h"

static const char *const marks[] = {"input_lens", "request_throughput", "tokenizer_id"};
static const struct trace_json_table mark_table = {
    .names = marks,
    .n_names = sizeof marks / sizeof marks[0],
};

/* A request that was sent. */
struct sent {
    int64_t arrival_ns;
    int32_t prompt_tokens;
    int32_t output_tokens;
    int32_t place; /* in the lists */
    bool failed;
};

struct vllm_bench {
    struct sent *sent; /* by arrival */
    size_t n;
    size_t at;
    bool has_arrivals;
};

static bool test(const struct source_line *start)
{
    return trace_json_names(&mark_table, start);
}

static void release(void *state)
{
    struct vllm_bench *bench = state;
    free(bench->sent);
}

static bool again(const void *state)
{
    const struct vllm_bench *bench = state;
    return bench->at < bench->n;
}

static bool has_arrivals(const void *state)
{
    const struct vllm_bench *bench = state;
    return bench->has_arrivals;
}

/* A list of the file: NULL if it is not there. */
static int read_list(const struct import_json *file, const char *key, size_t n,
                     const json_t **list, struct err *err)
{
    *list = NULL;
    if (!import_json_has(file, key)) {
        return 0;
    }
    if (import_json_array(file, key, list, err) != 0) {
        return -1;
    }
    return json_array_size(*list) == n
               ? 0
               : err_set(err, "%s: %s: has %zu elements, input_lens has %zu",
                         file->file, key, json_array_size(*list), n);
}

static int need_list(const struct import_json *file, const char *key, size_t n,
                     const json_t **list, struct err *err)
{
    if (read_list(file, key, n, list, err) != 0) {
        return -1;
    }
    return *list != NULL
               ? 0
               : err_set(err, "%s: %s: is missing: save it with --save-detailed",
                         file->file, key);
}

static int read_tokens(const struct import_json *file, const char *key,
                       const json_t *list, size_t i, int64_t least, int32_t *tokens,
                       struct err *err)
{
    const json_t *json = json_array_get(list, i);
    int64_t value = json_integer_value(json);
    if (!json_is_integer(json) || value < least || value > TRACE_CSV_MOST) {
        return err_set(err, "%s: %s[%zu]: expected a number of tokens", file->file, key,
                       i);
    }
    *tokens = (int32_t)value;
    return 0;
}

/* Seconds of any clock. */
static int read_start(const struct import_json *file, const json_t *list, size_t i,
                      double *start_s, struct err *err)
{
    const json_t *json = json_array_get(list, i);
    *start_s = json_number_value(json);
    if (!json_is_number(json) || !(fabs(*start_s) <= 1e10)) {
        return err_set(err, "%s: start_times[%zu]: expected seconds", file->file, i);
    }
    return 0;
}

/* Without start_times it is known all the same if all were sent at once: at an infinite
 * rate, by any number of clients. */
static bool were_at_once(const struct import_json *file)
{
    const json_t *rate = json_object_get(file->json, "request_rate");
    return json_is_string(rate) && strcmp(json_string_value(rate), "inf") == 0 &&
           !import_json_has(file, "max_concurrency");
}

static int set_arrivals(struct vllm_bench *bench, const struct import_json *file,
                        const json_t *starts, struct err *err)
{
    double first_s = INFINITY;
    double start_s;
    for (size_t i = 0; i < bench->n; i++) {
        if (read_start(file, starts, i, &start_s, err) != 0) {
            return -1;
        }
        first_s = start_s < first_s ? start_s : first_s;
    }
    for (size_t i = 0; i < bench->n; i++) {
        start_s = json_number_value(json_array_get(starts, i)) - first_s;
        if (start_s > TRACE_CSV_MOST) {
            return err_set(err,
                           "%s: start_times[%zu]: is more than 1000000000 s after the "
                           "first one",
                           file->file, i);
        }
        bench->sent[i].arrival_ns = (int64_t)llround(start_s * 1e9);
    }
    return 0;
}

/* A request that failed has an error, or no answer. */
static int read_sent(const struct import_json *file, const json_t *const *lists,
                     size_t i, struct sent *sent, struct err *err)
{
    const char *error = json_string_value(json_array_get(lists[2], i));
    if (read_tokens(file, "input_lens", lists[0], i, 0, &sent->prompt_tokens, err) !=
            0 ||
        read_tokens(file, "output_lens", lists[1], i, 0, &sent->output_tokens, err) !=
            0) {
        return -1;
    }
    sent->place = (int32_t)i;
    sent->failed = (error != NULL && error[0] != '\0') || sent->prompt_tokens == 0 ||
                   sent->output_tokens == 0;
    return 0;
}

static int compare(const void *one, const void *other)
{
    const struct sent *a = one;
    const struct sent *b = other;
    return a->arrival_ns != b->arrival_ns
               ? (a->arrival_ns > b->arrival_ns ? 1 : -1)
               : (a->place > b->place) - (a->place < b->place);
}

static int read_file(struct vllm_bench *bench, const struct import_json *file,
                     struct err *err)
{
    const json_t *lists[3]; /* lengths of prompts, of outputs, errors */
    const json_t *starts;
    if (!import_json_has(file, "input_lens")) {
        return need_list(file, "input_lens", 0, &lists[0], err);
    }
    if (import_json_array(file, "input_lens", &lists[0], err) != 0) {
        return -1;
    }
    bench->n = json_array_size(lists[0]);
    if (need_list(file, "output_lens", bench->n, &lists[1], err) != 0 ||
        read_list(file, "errors", bench->n, &lists[2], err) != 0 ||
        read_list(file, "start_times", bench->n, &starts, err) != 0) {
        return -1;
    }
    bench->has_arrivals = starts != NULL || were_at_once(file);
    bench->sent = memory_new(bench->n + 1, sizeof *bench->sent);
    for (size_t i = 0; i < bench->n; i++) {
        if (read_sent(file, lists, i, &bench->sent[i], err) != 0) {
            return -1;
        }
    }
    if (starts == NULL) {
        return 0;
    }
    if (set_arrivals(bench, file, starts, err) != 0) {
        return -1;
    }
    qsort(bench->sent, bench->n, sizeof *bench->sent, compare);
    return 0;
}

static int read_all(void *state, struct source *source, struct err *err)
{
    struct vllm_bench *bench = state;
    struct import_json file;
    char *text;
    size_t length;
    if (source_all(source, IMPORT_JSON_MOST_BYTES, &text, &length, err) != 0) {
        return -1;
    }
    int status = import_json_parse(&file, source_name(source), text, length, err);
    free(text);
    if (status == 0) {
        status = read_file(bench, &file, err);
        import_json_close(&file);
    }
    return status != 0 ? -1 : bench->n > 0;
}

static int read_row(void *state, const struct source_line *line, struct trace_row *row,
                    struct trace_field *arrival, struct err *err)
{
    struct vllm_bench *bench = state;
    const struct sent *sent = &bench->sent[bench->at++];
    (void)line;
    (void)err;
    *arrival = (struct trace_field){"", 0};
    row->arrival_ns = sent->arrival_ns;
    row->prompt_tokens = sent->prompt_tokens;
    row->output_tokens = sent->output_tokens;
    return sent->failed ? TRACE_FAILED : 0;
}

const struct trace_format trace_vllm_bench = {
    .name = "vllm-bench",
    .first_line = "{\"date\": ..., \"tokenizer_id\": ..., \"input_lens\": [...], ...}",
    .arrival = "start_times",
    .has_no_header = true,
    .state_bytes = sizeof(struct vllm_bench),
    .test = test,
    .read_all = read_all,
    .row = read_row,
    .again = again,
    .release = release,
    .has_arrivals = has_arrivals,
};
