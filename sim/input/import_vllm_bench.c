#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "input/import.h"
#include "input/import_bench.h"

enum { MOST_TOKENS = 1000000000 };

static const char *text_or(const struct import_json *file, const char *key,
                           const char *standard)
{
    const json_t *json = json_object_get(file->json, key);
    return json_is_string(json) ? json_string_value(json) : standard;
}

/* A time in milliseconds that not every version reports; -1: not known. */
static int read_optional_ms(const struct import_json *file, const char *key, double *ms,
                            struct err *err)
{
    *ms = -1;
    return import_json_has(file, key) ? import_bench_number(file, key, 0, 1e9, ms, err)
                                      : 0;
}

static int read_means(const struct import_json *file, struct import_bench_means *means,
                      struct err *err)
{
    int64_t n;
    int64_t prompt;
    int64_t output;
    const int64_t most = INT64_C(1000000000000000);
    if (import_json_text(file, "model_id", &means->model, err) != 0 ||
        import_json_count(file, "completed", 1, MOST_TOKENS, &n, err) != 0 ||
        import_json_count(file, "total_input_tokens", 1, most, &prompt, err) != 0 ||
        import_json_count(file, "total_output_tokens", 1, most, &output, err) != 0 ||
        import_bench_number(file, "mean_ttft_ms", 0, 1e9, &means->ttft_ms, err) != 0 ||
        import_bench_number(file, "mean_tpot_ms", 0, 1e9, &means->tpot_ms, err) != 0 ||
        read_optional_ms(file, "p90_ttft_ms", &means->ttft_p90_ms, err) != 0 ||
        read_optional_ms(file, "p99_ttft_ms", &means->ttft_p99_ms, err) != 0 ||
        read_optional_ms(file, "mean_e2el_ms", &means->e2e_ms, err) != 0 ||
        read_optional_ms(file, "p90_e2el_ms", &means->e2e_p90_ms, err) != 0 ||
        read_optional_ms(file, "p99_e2el_ms", &means->e2e_p99_ms, err) != 0) {
        return -1;
    }
    means->source = "vllm-bench";
    means->backend = text_or(file, "backend", text_or(file, "endpoint_type", ""));
    means->prompt_tokens = (prompt + n / 2) / n > 0 ? (prompt + n / 2) / n : 1;
    means->output_tokens = (output + n / 2) / n > 0 ? (output + n / 2) / n : 1;
    if (means->e2e_ms < 0) { /* exact where all outputs are of one length */
        means->e2e_ms =
            means->ttft_ms + means->tpot_ms * (double)(means->output_tokens - 1);
    }
    return 0;
}

/* How requests were sent: at `rate` per second (0: all at once), by `concurrency` clients
 * (0: any number). */
static int read_load(const struct import_json *file, double *rate, int64_t *concurrency,
                     struct err *err)
{
    *rate = 0;
    *concurrency = 0;
    const json_t *json = json_object_get(file->json, "request_rate");
    bool is_all = json_is_string(json) && strcmp(json_string_value(json), "inf") == 0;
    if (!is_all &&
        import_bench_number(file, "request_rate", 1e-9, 1e9, rate, err) != 0) {
        return -1;
    }
    if (import_json_has(file, "max_concurrency") &&
        import_json_count(file, "max_concurrency", 1, MOST_TOKENS, concurrency, err) !=
            0) {
        return -1;
    }
    if (!is_all && *concurrency > 0) {
        return err_set(
            err,
            "%s: request_rate: %g with a max_concurrency of %" PRId64
            " is neither a closed nor an open loop: measure with one of them",
            file->file, *rate, *concurrency);
    }
    if (is_all && *concurrency == 0) { /* everybody is a client with one prompt */
        return import_json_count(file, "num_prompts", 1, MOST_TOKENS, concurrency, err);
    }
    return 0;
}

static int write_means(const struct import_json *file, FILE *out, struct err *err)
{
    struct import_bench_means means;
    double rate;
    double length_s;
    int64_t concurrency;
    if (read_means(file, &means, err) != 0 ||
        read_load(file, &rate, &concurrency, err) != 0 ||
        import_bench_number(file, "duration", 1e-6, 1e9, &length_s, err) != 0) {
        return -1;
    }
    if (concurrency > 0) {
        import_bench_closed_header(out);
        import_bench_closed_row(out, &means, concurrency);
    } else {
        import_bench_open_header(out);
        import_bench_open_row(out, &means, rate, length_s);
    }
    import_bench_say_empty(file->file);
    return 0;
}

static int run_means(const char *path, FILE *out, struct err *err)
{
    struct import_json file;
    if (import_json_open(&file, path, err) != 0) {
        return -1;
    }
    int status = write_means(&file, out, err);
    import_json_close(&file);
    return status;
}

/* The lists of --save-detailed, one element for each request. */
enum { PROMPTS, OUTPUTS, TTFTS, ITLS, STARTS, LISTS };
static const char *const lists[LISTS] = {"input_lens", "output_lens", "ttfts", "itls",
                                         "start_times"};

static int refuse_element(const struct import_json *file, int list, size_t i,
                          const char *expected, struct err *err)
{
    return err_set(err, "%s: %s[%zu]: expected %s", file->file, lists[list], i,
                   expected);
}

static int read_seconds(const struct import_json *file, const json_t *const *arrays,
                        int list, size_t i, double *value, struct err *err)
{
    const json_t *json = json_array_get(arrays[list], i);
    *value = json_number_value(json);
    return json_is_number(json) && *value >= 0 && *value <= 1e10
               ? 0
               : refuse_element(file, list, i, "seconds", err);
}

/* The sum of a request's gaps between tokens. */
static int read_gaps(const struct import_json *file, const json_t *gaps, size_t i,
                     double *sum, struct err *err)
{
    *sum = 0;
    if (!json_is_array(gaps)) {
        return refuse_element(file, ITLS, i, "an array", err);
    }
    for (size_t k = 0; k < json_array_size(gaps); k++) {
        const json_t *gap = json_array_get(gaps, k);
        if (!json_is_number(gap) || !(json_number_value(gap) >= 0) ||
            json_number_value(gap) > 1e9) {
            return refuse_element(file, ITLS, i, "an array of seconds", err);
        }
        *sum += json_number_value(gap);
    }
    return 0;
}

/* 1 if the request was answered, 0 if not, -1 and `err`. */
static int read_request(const struct import_json *file, const json_t *const *arrays,
                        size_t i, struct import_bench_request *request, struct err *err)
{
    const json_t *prompt = json_array_get(arrays[PROMPTS], i);
    const json_t *output = json_array_get(arrays[OUTPUTS], i);
    double ttft;
    double gaps;
    if (!json_is_integer(prompt) || json_integer_value(prompt) < 0 ||
        json_integer_value(prompt) > MOST_TOKENS) {
        return refuse_element(file, PROMPTS, i, "a number of tokens", err);
    }
    if (!json_is_integer(output) || json_integer_value(output) < 0 ||
        json_integer_value(output) > MOST_TOKENS) {
        return refuse_element(file, OUTPUTS, i, "a number of tokens", err);
    }
    if (read_seconds(file, arrays, TTFTS, i, &ttft, err) != 0 ||
        read_seconds(file, arrays, STARTS, i, &request->arrival_s, err) != 0 ||
        read_gaps(file, json_array_get(arrays[ITLS], i), i, &gaps, err) != 0) {
        return -1;
    }
    int64_t n = json_integer_value(output);
    request->prompt_tokens = json_integer_value(prompt);
    request->output_tokens = n;
    request->ttft_ms = ttft * 1e3;
    request->tpot_ms = n > 1 ? gaps * 1e3 / (double)(n - 1) : -1;
    request->latency_ms = (ttft + gaps) * 1e3;
    return n > 0 && request->prompt_tokens > 0;
}

static int write_requests(const struct import_json *file, FILE *out, struct err *err)
{
    const json_t *arrays[LISTS];
    size_t n = 0;
    for (int i = 0; i < LISTS; i++) {
        if (!import_json_has(file, lists[i])) {
            return err_set(err, "%s: %s: is missing: save it with --save-detailed%s",
                           file->file, lists[i],
                           i == STARTS ? " by a vLLM that says when requests were sent"
                                       : "");
        }
        if (import_json_array(file, lists[i], &arrays[i], err) != 0) {
            return -1;
        }
        size_t here = json_array_size(arrays[i]);
        if (i > 0 && here != n) {
            return err_set(err, "%s: %s: has %zu elements, %s has %zu", file->file,
                           lists[i], here, lists[0], n);
        }
        n = here;
    }
    struct import_bench_request *requests = memory_new(n + 1, sizeof *requests);
    int64_t n_answered = 0;
    int status = 0;
    for (size_t i = 0; i < n && status >= 0; i++) {
        status = read_request(file, arrays, i, &requests[n_answered], err);
        n_answered += status > 0;
    }
    if (status >= 0 && n_answered == 0) {
        status = err_set(err, "%s: no request was answered", file->file);
    }
    if (status >= 0) {
        import_bench_requests(out, requests, n_answered);
    }
    free(requests);
    return status < 0 ? -1 : 0;
}

static int run_requests(const char *path, FILE *out, struct err *err)
{
    struct import_json file;
    if (import_json_open(&file, path, err) != 0) {
        return -1;
    }
    int status = write_requests(&file, out, err);
    import_json_close(&file);
    return status;
}

const struct import_kind import_vllm_bench = {
    .name = "vllm-bench",
    .help = "the JSON of 'vllm bench serve --save-result', as a row of measurements",
    .run = run_means,
};

const struct import_kind import_vllm_bench_requests = {
    .name = "vllm-bench-requests",
    .help = "the same with --save-detailed, as one measurement per request",
    .run = run_requests,
};
