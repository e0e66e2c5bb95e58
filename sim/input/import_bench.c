#include "input/import_bench.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "input/measured_names.h"

int import_bench_number(const struct import_json *object, const char *key, double least,
                        double most, double *value, struct err *err)
{
    const json_t *json = json_object_get(object->json, key);
    if (json == NULL) {
        return err_set(err, "%s: %s%s: is missing", object->file, object->place, key);
    }
    if (!json_is_number(json)) {
        return err_set(err, "%s: %s%s: expected a number, is %s", object->file,
                       object->place, key, import_json_kind(json));
    }
    *value = json_number_value(json);
    if (!(*value >= least && *value <= most)) {
        return err_set(err, "%s: %s%s: %g is not between %g and %g", object->file,
                       object->place, key, *value, least, most);
    }
    return 0;
}

int import_bench_element(const struct import_json *object, const char *key,
                         const json_t *array, size_t i, struct import_json *element,
                         struct err *err)
{
    json_t *json = json_array_get(array, i);
    *element = *object;
    element->json = json;
    snprintf(element->place, sizeof element->place, "%.20s%.20s[%zu].", object->place,
             key, i);
    if (!json_is_object(json)) {
        return err_set(err, "%s: %s%s[%zu]: expected an object, is %s", object->file,
                       object->place, key, i, import_json_kind(json));
    }
    return 0;
}

/* A cell of text; quotes are doubled, what is not printable is left out. */
static void print_text(FILE *out, const char *text)
{
    bool quote = strpbrk(text, ",\"") != NULL;
    if (quote) {
        fputc('"', out);
    }
    int32_t n = 0;
    for (const char *at = text; *at != '\0' && n < 127; at++, n++) {
        if (*at == '"') {
            fputc('"', out);
        }
        if ((unsigned char)*at >= ' ' && *at != 127) {
            fputc(*at, out);
        }
    }
    if (quote) {
        fputc('"', out);
    }
}

/* A number to 10^-9 without trailing zeros; empty if it is below 0. */
static void print_number(FILE *out, double value)
{
    char text[48] = "";
    if (value >= 0) {
        decimal_print(llround(value * 1e9), 9, text);
    }
    fputs(text, out);
}

static void print_cell(FILE *out, double value)
{
    fputc(',', out);
    print_number(out, value);
}

void import_bench_closed_header(FILE *out)
{
    fputs("src,backend,model,system,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n", out);
}

void import_bench_closed_row(FILE *out, const struct import_bench_means *means,
                             int64_t concurrency)
{
    print_text(out, means->source);
    fputc(',', out);
    print_text(out, means->backend);
    fputc(',', out);
    print_text(out, means->model);
    fprintf(out, ",,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",",
            measured_names_suffix(means->model), means->prompt_tokens,
            means->output_tokens, concurrency);
    print_cell(out, means->ttft_ms);
    print_cell(out, means->tpot_ms);
    fputc('\n', out);
}

void import_bench_open_header(FILE *out)
{
    fputs("experiment,stage,model,system,tp,precision,stages,question_len,output_len,"
          "ttft_mean_ms,ttft_p90_ms,ttft_p99_ms,e2e_mean_ms,e2e_p90_ms,e2e_p99_ms,"
          "itl_mean_ms\n",
          out);
}

void import_bench_open_row(FILE *out, const struct import_bench_means *means,
                           double rate_per_s, double length_s)
{
    print_text(out, means->source);
    fputs(",-1,", out);
    print_text(out, means->model);
    fprintf(out, ",,,%s,", measured_names_suffix(means->model));
    print_number(out, rate_per_s);
    fputc('x', out);
    print_number(out, length_s);
    fprintf(out, ",%" PRId64 ",%" PRId64, means->prompt_tokens, means->output_tokens);
    print_cell(out, means->ttft_ms);
    print_cell(out, means->ttft_p90_ms);
    print_cell(out, means->ttft_p99_ms);
    print_cell(out, means->e2e_ms);
    print_cell(out, means->e2e_p90_ms);
    print_cell(out, means->e2e_p99_ms);
    print_cell(out, means->tpot_ms);
    fputc('\n', out);
}

static int compare_arrivals(const void *a, const void *b)
{
    const struct import_bench_request *x = a;
    const struct import_bench_request *y = b;
    return (x->arrival_s > y->arrival_s) - (x->arrival_s < y->arrival_s);
}

void import_bench_requests(FILE *out, struct import_bench_request *requests, int64_t n)
{
    qsort(requests, (size_t)n, sizeof *requests, compare_arrivals);
    fputs("id,arrival_s,prompt_tokens,output_tokens,ttft_ms,tpot_ms,latency_ms\n", out);
    for (int64_t i = 0; i < n; i++) {
        const struct import_bench_request *request = &requests[i];
        fprintf(out, "%" PRId64, i);
        print_cell(out, request->arrival_s - requests[0].arrival_s);
        fprintf(out, ",%" PRId64 ",%" PRId64, request->prompt_tokens,
                request->output_tokens);
        print_cell(out, request->ttft_ms);
        print_cell(out, request->tpot_ms);
        print_cell(out, request->latency_ms);
        fputc('\n', out);
    }
}

void import_bench_say_empty(const char *file)
{
    fprintf(
        stderr,
        "servesim: note: %s does not say on what GPUs (system, tp: empty is 1) and, "
        "unless the model's name does, in what precision: fill the empty cells in\n",
        file);
}
