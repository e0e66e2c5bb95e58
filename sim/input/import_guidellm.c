#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "input/import.h"
#include "input/import_bench.h"

enum { MOST_TOKENS = 1000000000 };

/* How one benchmark sent its requests. */
enum load { CLOSED, OPEN, ALL_AT_ONCE };

struct benchmark {
    enum load load;
    double concurrency;
    double rate;
    double length_s;
    struct import_bench_means means;
};

/* The newer reports (0.4 and later) say it in `config`, the older ones in `args`. */
static int read_strategy(const struct import_json *json, struct benchmark *benchmark,
                         struct err *err)
{
    struct import_json holder;
    struct import_json strategy;
    const char *type;
    const char *key = import_json_has(json, "config") ? "config" : "args";
    if (import_json_object(json, key, &holder, err) != 0 ||
        import_json_object(&holder, "strategy", &strategy, err) != 0 ||
        import_json_text(&strategy, "type_", &type, err) != 0) {
        return -1;
    }
    benchmark->concurrency = 1;
    if (strcmp(type, "synchronous") == 0) {
        benchmark->load = CLOSED;
        return 0;
    }
    if (strcmp(type, "concurrent") == 0) {
        benchmark->load = CLOSED;
        return import_bench_number(&strategy, "streams", 1, 1e9,
                                   &benchmark->concurrency, err);
    }
    if (strcmp(type, "constant") == 0 || strcmp(type, "poisson") == 0) {
        benchmark->load = OPEN;
        return import_bench_number(&strategy, "rate", 1e-9, 1e9, &benchmark->rate, err);
    }
    benchmark->load = ALL_AT_ONCE;
    if (strcmp(type, "throughput") == 0) {
        return 0;
    }
    return err_set(
        err,
        "%s: %stype_: '%.40s' is not one of synchronous, concurrent, constant, "
        "poisson, throughput",
        strategy.file, strategy.place, type);
}

/* Values of one distribution over the requests that were answered. */
static int read_distribution(const struct import_json *metrics, const char *key,
                             double scale, double *mean, double *p90, double *p99,
                             struct err *err)
{
    struct import_json metric;
    struct import_json answered;
    struct import_json percentiles;
    if (import_json_object(metrics, key, &metric, err) != 0 ||
        import_json_object(&metric, "successful", &answered, err) != 0 ||
        import_bench_number(&answered, "mean", 0, 1e9 / scale, mean, err) != 0) {
        return -1;
    }
    *mean *= scale;
    *p90 = -1;
    *p99 = -1;
    if (!import_json_has(&answered, "percentiles")) {
        return 0;
    }
    if (import_json_object(&answered, "percentiles", &percentiles, err) != 0 ||
        import_bench_number(&percentiles, "p90", 0, 1e9 / scale, p90, err) != 0 ||
        import_bench_number(&percentiles, "p99", 0, 1e9 / scale, p99, err) != 0) {
        return -1;
    }
    *p90 *= scale;
    *p99 *= scale;
    return 0;
}

static int64_t tokens(double mean)
{
    return mean < 1 ? 1 : llround(mean);
}

/* Where a report names the model: it has moved with every version. */
static const char *find_model(const json_t *report, const json_t *benchmark)
{
    const json_t *places[] = {
        json_object_get(json_object_get(benchmark, "worker"), "backend_model"),
        json_object_get(json_object_get(benchmark, "benchmarker"), "model"),
        json_object_get(
            json_object_get(json_object_get(benchmark, "config"), "backend"), "model"),
        json_object_get(json_object_get(report, "args"), "model"),
        json_object_get(
            json_object_get(json_object_get(report, "args"), "backend_kwargs"),
            "model"),
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (json_is_string(places[i])) {
            return json_string_value(places[i]);
        }
    }
    return "";
}

static int read_benchmark(const struct import_json *report,
                          const struct import_json *json, struct benchmark *benchmark,
                          struct err *err)
{
    struct import_json metrics;
    struct import_bench_means *means = &benchmark->means;
    double prompt;
    double output;
    double p90;
    double p99;
    memset(benchmark, 0, sizeof *benchmark);
    if (read_strategy(json, benchmark, err) != 0) {
        return -1;
    }
    if (benchmark->load == ALL_AT_ONCE) {
        return 0;
    }
    if (import_bench_number(json, "duration", 1e-6, 1e9, &benchmark->length_s, err) !=
            0 ||
        import_json_object(json, "metrics", &metrics, err) != 0 ||
        read_distribution(&metrics, "prompt_token_count", 1, &prompt, &p90, &p99,
                          err) != 0 ||
        read_distribution(&metrics, "output_token_count", 1, &output, &p90, &p99,
                          err) != 0 ||
        read_distribution(&metrics, "inter_token_latency_ms", 1, &means->tpot_ms, &p90,
                          &p99, err) != 0 ||
        read_distribution(&metrics, "time_to_first_token_ms", 1, &means->ttft_ms,
                          &means->ttft_p90_ms, &means->ttft_p99_ms, err) != 0 ||
        read_distribution(&metrics, "request_latency", 1e3, &means->e2e_ms,
                          &means->e2e_p90_ms, &means->e2e_p99_ms, err) != 0) {
        return -1;
    }
    means->source = "guidellm";
    means->backend = "";
    means->model = find_model(report->json, json->json);
    means->prompt_tokens = tokens(prompt);
    means->output_tokens = tokens(output);
    return 0;
}

/* Writes the benchmarks of one load; how many of another there were goes to *n_other. */
static int write_load(const struct import_json *report, const json_t *array,
                      enum load load, FILE *out, int64_t *n_other, struct err *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct import_json json;
        struct benchmark benchmark;
        if (import_bench_element(report, "benchmarks", array, i, &json, err) != 0 ||
            read_benchmark(report, &json, &benchmark, err) != 0) {
            return -1;
        }
        if (benchmark.load != load) {
            ++*n_other;
        } else if (load == CLOSED) {
            import_bench_closed_row(out, &benchmark.means,
                                    llround(benchmark.concurrency));
        } else {
            import_bench_open_row(out, &benchmark.means, benchmark.rate,
                                  benchmark.length_s);
        }
    }
    return 0;
}

/* Open if any of them is: a sweep begins with closed ones to find its rates. */
static int find_load(const struct import_json *report, const json_t *array,
                     enum load *load, struct err *err)
{
    *load = ALL_AT_ONCE;
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct import_json json;
        struct benchmark benchmark;
        if (import_bench_element(report, "benchmarks", array, i, &json, err) != 0 ||
            read_strategy(&json, &benchmark, err) != 0) {
            return -1;
        }
        if (benchmark.load == OPEN ||
            (benchmark.load == CLOSED && *load == ALL_AT_ONCE)) {
            *load = benchmark.load;
        }
    }
    if (*load == ALL_AT_ONCE) {
        return err_set(err,
                       "%s: benchmarks: none was run at a rate or with a number of "
                       "clients",
                       report->file);
    }
    return 0;
}

static int write_means(const struct import_json *report, FILE *out, struct err *err)
{
    const json_t *array;
    enum load load;
    int64_t n_other = 0;
    if (import_json_array(report, "benchmarks", &array, err) != 0 ||
        find_load(report, array, &load, err) != 0) {
        return -1;
    }
    if (load == CLOSED) {
        import_bench_closed_header(out);
    } else {
        import_bench_open_header(out);
    }
    if (write_load(report, array, load, out, &n_other, err) != 0) {
        return -1;
    }
    if (n_other > 0) {
        fprintf(stderr,
                "servesim: note: %s: %" PRId64 " of %zu benchmarks were not %s and are "
                "left out\n",
                report->file, n_other, json_array_size(array),
                load == OPEN ? "run at a rate" : "run with a number of clients");
    }
    import_bench_say_empty(report->file);
    return 0;
}

static int run_with(const char *path, FILE *out,
                    int (*write)(const struct import_json *, FILE *, struct err *),
                    struct err *err)
{
    struct import_json report;
    if (import_json_open(&report, path, err) != 0) {
        return -1;
    }
    int status = write(&report, out, err);
    import_json_close(&report);
    return status;
}

static int run_means(const char *path, FILE *out, struct err *err)
{
    return run_with(path, out, write_means, err);
}

struct requests {
    struct import_bench_request *at;
    int64_t n;
    int64_t room;
    int64_t n_incomplete; /* without tokens or times */
};

static int read_request(const struct import_json *json, struct requests *requests,
                        struct err *err)
{
    static const char *const needed[] = {"prompt_tokens", "output_tokens",
                                         "time_to_first_token_ms", "request_latency"};
    const char *start = import_json_has(json, "request_start_time")
                            ? "request_start_time"
                            : "start_time"; /* the older reports */
    struct import_bench_request request = {.tpot_ms = -1};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!import_json_has(json, needed[i])) {
            requests->n_incomplete++;
            return 0;
        }
    }
    if (import_json_count(json, "prompt_tokens", 1, MOST_TOKENS, &request.prompt_tokens,
                          err) != 0 ||
        import_json_count(json, "output_tokens", 1, MOST_TOKENS, &request.output_tokens,
                          err) != 0 ||
        import_bench_number(json, "time_to_first_token_ms", 0, 1e9, &request.ttft_ms,
                            err) != 0 ||
        import_bench_number(json, "request_latency", 0, 1e6, &request.latency_ms,
                            err) != 0 ||
        import_bench_number(json, start, 0, 1e10, &request.arrival_s, err) != 0 ||
        (request.output_tokens > 1 && import_json_has(json, "inter_token_latency_ms") &&
         import_bench_number(json, "inter_token_latency_ms", 0, 1e9, &request.tpot_ms,
                             err) != 0)) {
        return -1;
    }
    request.latency_ms *= 1e3;
    if (requests->n == requests->room) {
        requests->room = requests->room * 2 + 64;
        requests->at =
            memory_grow(requests->at, (size_t)requests->room, sizeof *requests->at);
    }
    requests->at[requests->n++] = request;
    return 0;
}

static int read_requests(const struct import_json *report, const json_t *benchmarks,
                         struct requests *requests, struct err *err)
{
    for (size_t i = 0; i < json_array_size(benchmarks); i++) {
        struct import_json benchmark;
        struct import_json lists;
        const json_t *answered;
        if (import_bench_element(report, "benchmarks", benchmarks, i, &benchmark,
                                 err) != 0 ||
            import_json_object(&benchmark, "requests", &lists, err) != 0 ||
            import_json_array(&lists, "successful", &answered, err) != 0) {
            return -1;
        }
        for (size_t k = 0; k < json_array_size(answered); k++) {
            struct import_json json;
            if (import_bench_element(&lists, "successful", answered, k, &json, err) !=
                    0 ||
                read_request(&json, requests, err) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int write_requests(const struct import_json *report, FILE *out, struct err *err)
{
    const json_t *benchmarks;
    struct requests requests = {0};
    if (import_json_array(report, "benchmarks", &benchmarks, err) != 0) {
        return -1;
    }
    int status = read_requests(report, benchmarks, &requests, err);
    if (status == 0 && requests.n == 0) {
        status = err_set(err,
                         "%s: the report holds no answered request with its tokens "
                         "and times",
                         report->file);
    }
    if (status == 0) {
        import_bench_requests(out, requests.at, requests.n);
        if (requests.n_incomplete > 0) {
            fprintf(stderr,
                    "servesim: note: %s: %" PRId64 " requests without tokens or times "
                    "are left out\n",
                    report->file, requests.n_incomplete);
        }
    }
    free(requests.at);
    return status;
}

static int run_requests(const char *path, FILE *out, struct err *err)
{
    return run_with(path, out, write_requests, err);
}

const struct import_kind import_guidellm = {
    .name = "guidellm",
    .help = "a GuideLLM report (JSON), as one row of measurements per benchmark",
    .run = run_means,
};

const struct import_kind import_guidellm_requests = {
    .name = "guidellm-requests",
    .help = "the same, as one measurement per request",
    .run = run_requests,
};
