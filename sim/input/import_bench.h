/* import_bench: what benchmark clients report, as the rows that measured.h reads.
 *
 * A client does not know the GPU, the layout or the precision of the server, so those
 * cells are left empty unless the model's name says the precision; `calibrate` and
 * `validate` ask for them by file and line.
 */
#ifndef SERVESIM_INPUT_IMPORT_BENCH_H
#define SERVESIM_INPUT_IMPORT_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "input/import_json.h"

/* A number at `key` from `least` to `most`.  -1 and `err` if it is not. */
int import_bench_number(const struct import_json *object, const char *key, double least,
                        double most, double *value, struct err *err);

/* The object at element `i` of the array at `key`, which has one. */
int import_bench_element(const struct import_json *object, const char *key,
                         const json_t *array, size_t i, struct import_json *element,
                         struct err *err);

/* Means of one benchmark.  Times below 0 are not known. */
struct import_bench_means {
    const char *source; /* "vllm-bench" */
    const char *backend;
    const char *model;
    int64_t prompt_tokens;
    int64_t output_tokens;
    double ttft_ms;
    double tpot_ms;
    double ttft_p90_ms;
    double ttft_p99_ms;
    double e2e_ms;
    double e2e_p90_ms;
    double e2e_p99_ms;
};

void import_bench_closed_header(FILE *out);
void import_bench_closed_row(FILE *out, const struct import_bench_means *means,
                             int64_t concurrency);

void import_bench_open_header(FILE *out);
void import_bench_open_row(FILE *out, const struct import_bench_means *means,
                           double rate_per_s, double length_s);

/* One request. */
struct import_bench_request {
    double arrival_s; /* by any clock */
    int64_t prompt_tokens;
    int64_t output_tokens;
    double ttft_ms;
    double tpot_ms; /* below 0: none */
    double latency_ms;
};

/* Sorts the requests by arrival and writes them, the first at 0, with their header. */
void import_bench_requests(FILE *out, struct import_bench_request *requests, int64_t n);

/* Says on stderr which cells of the rows are to be filled in. */
void import_bench_say_empty(const char *file);

#endif
