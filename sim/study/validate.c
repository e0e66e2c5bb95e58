#include "study/validate.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/predict_case.h"

static const char *const group_names[N_VALIDATE_GROUPS] = {
    [VALIDATE_ALL] = "all",           [VALIDATE_MODEL] = "model",
    [VALIDATE_GPU] = "GPU",           [VALIDATE_ENGINE] = "engine",
    [VALIDATE_PRECISION] = "weights", [VALIDATE_KIND] = "kind",
    [VALIDATE_SOURCE] = "source",
};

const char *validate_label(const struct predict_case *of, enum validate_group group)
{
    const struct measured_server *server = &of->row.server;
    switch (group) {
    case VALIDATE_MODEL:
        return of->has_config ? of->config.model_name : server->model;
    case VALIDATE_GPU:
        return of->has_config ? of->config.accelerator_name : server->system;
    case VALIDATE_ENGINE:
        return of->has_config ? of->config.engine_name : server->backend;
    case VALIDATE_PRECISION:
        return server->precision[0] != '\0' ? server->precision : "as published";
    case VALIDATE_KIND:
        return of->config.llm.n_experts > 0 ? "MoE" : "dense";
    case VALIDATE_SOURCE:
        return server->source[0] != '\0' ? server->source : "(none given)";
    case VALIDATE_ALL:
    case N_VALIDATE_GROUPS:
        break;
    }
    return "all";
}

/* Predicted over measured; NAN where one of them is missing. */
static double ratio_of(const struct predict_case *of,
                       const struct predict_result *result, enum predict_metric metric)
{
    double measured_s = of->measured_s[metric];
    return result->played && measured_s > 0 ? result->value_s[metric] / measured_s
                                            : NAN;
}

struct validate_errors validate_errors_of(const struct predict_case *cases,
                                          const struct predict_result *results,
                                          int32_t n, enum predict_metric metric,
                                          enum validate_group group, const char *label)
{
    double *errors = memory_new((size_t)n + 1, sizeof *errors);
    double *ratios = memory_new((size_t)n + 1, sizeof *ratios);
    size_t found = 0;
    for (int32_t i = 0; i < n; i++) {
        double ratio = ratio_of(&cases[i], &results[i], metric);
        if (isfinite(ratio) && strcmp(validate_label(&cases[i], group), label) == 0) {
            ratios[found] = ratio;
            errors[found++] = 100 * fabs(ratio - 1);
        }
    }
    struct validate_errors of = {.n = (int64_t)found};
    if (found > 0) {
        gsl_sort(errors, 1, found);
        gsl_sort(ratios, 1, found);
        of.median = gsl_stats_median_from_sorted_data(errors, 1, found);
        of.mean = gsl_stats_mean(errors, 1, found);
        of.p90 = gsl_stats_quantile_from_sorted_data(errors, 1, found, 0.9);
        of.bias = 100 * (gsl_stats_median_from_sorted_data(ratios, 1, found) - 1);
    }
    free(errors);
    free(ratios);
    return of;
}

static void print_errors(FILE *out, const char *label, const struct validate_errors *of)
{
    fprintf(out, "  %-28s %5" PRId64 " %8.1f %8.1f %8.1f %+8.1f\n", label, of->n,
            of->median, of->mean, of->p90, of->bias);
}

/* The group's labels in the order of the rows, each once. */
static void print_group(FILE *out, const struct predict_case *cases,
                        const struct predict_result *results, int32_t n,
                        enum predict_metric metric, enum validate_group group)
{
    const char **labels = memory_new((size_t)n + 1, sizeof *labels);
    int32_t n_labels = 0;
    for (int32_t i = 0; i < n; i++) {
        const char *label = validate_label(&cases[i], group);
        int32_t at = 0;
        while (at < n_labels && strcmp(labels[at], label) != 0) {
            at++;
        }
        if (at == n_labels && isfinite(ratio_of(&cases[i], &results[i], metric))) {
            labels[n_labels++] = label;
        }
    }
    if (n_labels > 1 || group == VALIDATE_ALL) {
        for (int32_t i = 0; i < n_labels; i++) {
            struct validate_errors of =
                validate_errors_of(cases, results, n, metric, group, labels[i]);
            char text[80];
            snprintf(text, sizeof text, "%s%s%s",
                     group == VALIDATE_ALL ? "" : group_names[group],
                     group == VALIDATE_ALL ? "" : " ", labels[i]);
            print_errors(out, text, &of);
        }
    }
    free(labels);
}

/* What the row says of it; logs of single requests say nothing. */
static void print_server(FILE *out, const struct measured_server *server)
{
    const char *const words[] = {server->model, server->system, server->backend,
                                 server->precision};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        fprintf(out, "%s%s", words[i][0] != '\0' ? " " : "", words[i]);
    }
    if (server->tensor_parallel > 0) {
        fprintf(out, " tp %" PRId64 ",", server->tensor_parallel);
    }
}

static void print_load(FILE *out, const struct predict_case *of)
{
    const struct measured_row *row = &of->row;
    switch (of->kind) {
    case MEASURED_CLOSED:
        fprintf(out, " %" PRId64 "/%" PRId64 " tokens, %" PRId64 " clients",
                row->closed.prompt_tokens, row->closed.output_tokens,
                row->closed.concurrency);
        break;
    case MEASURED_OPEN:
        fprintf(out, " %.40s stage %" PRId64, row->open.workload, row->open.stage);
        break;
    case MEASURED_STEP:
        fprintf(out, " %" PRId64 " x %" PRId64 " tokens", row->step.batch_size,
                row->step.prompt_tokens);
        break;
    case MEASURED_REQUEST:
        fprintf(out, " %" PRId64 "/%" PRId64 " tokens", row->request.prompt_tokens,
                row->request.output_tokens);
        break;
    case MEASURED_SERVER:
    case MEASURED_KINDS:
        break;
    }
}

static void print_row(FILE *out, const struct predict_case *of,
                      const struct predict_result *result, enum predict_metric metric)
{
    fprintf(out, "  line %-5" PRId64, of->row.line);
    print_server(out, &of->row.server);
    print_load(out, of);
    fprintf(out, ": measured %.1f, predicted %.1f ms (x %.2f)\n",
            1e3 * of->measured_s[metric], 1e3 * result->value_s[metric],
            ratio_of(of, result, metric));
}

/* The rows with the largest |log ratio|, by repeated choice: n_worst is small. */
static void print_worst(FILE *out, const struct predict_case *cases,
                        const struct predict_result *results, int32_t n,
                        enum predict_metric metric, int32_t n_worst)
{
    double above = INFINITY;
    int32_t last = -1;
    for (int32_t k = 0; k < n_worst; k++) {
        int32_t worst = -1;
        double most = -1;
        for (int32_t i = 0; i < n; i++) {
            double size = fabs(log(ratio_of(&cases[i], &results[i], metric)));
            bool is_left = size < above || (size == above && i > last);
            if (is_left && size > most) {
                most = size;
                worst = i;
            }
        }
        if (worst < 0) {
            return;
        }
        print_row(out, &cases[worst], &results[worst], metric);
        above = most;
        last = worst;
    }
}

static void print_refusals(FILE *out, const struct predict_case *cases,
                           const struct predict_result *results, int32_t n)
{
    int64_t n_refused = 0;
    for (int32_t i = 0; i < n; i++) {
        n_refused += !results[i].played;
    }
    if (n_refused == 0) {
        return;
    }
    fprintf(out, "%" PRId64 " of %" PRId32 " rows are not predicted:\n", n_refused, n);
    for (int32_t i = 0; i < n; i++) {
        bool is_new = !results[i].played;
        int64_t alike = 0;
        for (int32_t j = 0; j < n && is_new; j++) {
            bool same = !results[j].played &&
                        strcmp(results[i].refusal, results[j].refusal) == 0;
            is_new = !(same && j < i);
            alike += same;
        }
        if (is_new) {
            fprintf(out, "  %" PRId64 " x line %" PRId64 ": %s\n", alike,
                    cases[i].row.line, results[i].refusal);
        }
    }
    fputc('\n', out);
}

void validate_print(FILE *out, const struct predict_case *cases,
                    const struct predict_result *results, int32_t n, int32_t n_worst)
{
    print_refusals(out, cases, results, n);
    for (int metric = 0; metric < N_PREDICT_METRICS; metric++) {
        enum predict_metric of = (enum predict_metric)metric;
        struct validate_errors all =
            validate_errors_of(cases, results, n, of, VALIDATE_ALL, "all");
        if (all.n == 0) {
            continue;
        }
        fprintf(out, "%-30s %5s %8s %8s %8s %8s   %% of measured\n",
                predict_metric_name(of), "rows", "median", "mean", "p90", "bias");
        for (int group = 0; group < N_VALIDATE_GROUPS; group++) {
            print_group(out, cases, results, n, of, (enum validate_group)group);
        }
        if (n_worst > 0) {
            fputs(" worst\n", out);
            print_worst(out, cases, results, n, of, n_worst);
        }
        fputc('\n', out);
    }
}

void validate_print_rival(FILE *out, const char *name, const struct predict_case *cases,
                          const struct predict_result *results, int32_t n)
{
    for (int metric = 0; metric < N_PREDICT_METRICS; metric++) {
        enum predict_metric of = (enum predict_metric)metric;
        struct validate_errors all =
            validate_errors_of(cases, results, n, of, VALIDATE_ALL, "all");
        if (all.n > 0) {
            char text[80];
            snprintf(text, sizeof text, "%s, %s", name, predict_metric_name(of));
            print_errors(out, text, &all);
        }
    }
}

static void write_seconds(FILE *out, double value)
{
    if (isfinite(value)) {
        fprintf(out, ",%.6f", value * 1e3);
    } else {
        fputc(',', out);
    }
}

/* Names are others': they may hold what CSV must quote. */
static void write_word(FILE *out, const char *word)
{
    bool is_quoted = strpbrk(word, ",\"\r\n") != NULL;
    fputs(is_quoted ? ",\"" : ",", out);
    for (; *word != '\0'; word++) {
        fputs(is_quoted && *word == '"' ? "\"" : "", out);
        fputc(*word, out);
    }
    fputs(is_quoted ? "\"" : "", out);
}

static void write_words(FILE *out, const struct predict_case *of)
{
    const struct measured_server *server = &of->row.server;
    write_word(out, server->source);
    write_word(out, server->backend);
    write_word(out, server->backend_version);
    write_word(out, validate_label(of, VALIDATE_ENGINE));
    write_word(out, validate_label(of, VALIDATE_MODEL));
    write_word(out, validate_label(of, VALIDATE_GPU));
    write_word(out, server->precision);
}

/* A count; nothing where there is none. */
static void write_count(FILE *out, int64_t count)
{
    if (count > 0) {
        fprintf(out, ",%" PRId64, count);
    } else {
        fputc(',', out);
    }
}

/* How the row was measured: what it says, and of logs of requests what CONFIG says. */
static void write_load(FILE *out, const struct predict_case *of)
{
    const struct measured_row *row = &of->row;
    struct layout layout = of->has_config ? of->config.layout : (struct layout){0};
    int64_t ep = row->server.expert_parallel;
    int64_t prompt = of->client.prompt_tokens;
    int64_t output = of->client.output_tokens;
    if (of->kind == MEASURED_REQUEST) {
        prompt = row->request.prompt_tokens;
        output = row->request.output_tokens;
    } else if (of->kind == MEASURED_STEP) {
        prompt = row->step.prompt_tokens;
        output = row->step.output_tokens;
    }
    write_count(out, of->has_config ? layout.tp : row->server.tensor_parallel);
    write_count(out, of->has_config ? layout.pp : row->server.pipeline_parallel);
    write_count(out, of->has_config ? layout.dp : row->server.data_parallel);
    write_count(out, ep);
    write_count(out, prompt);
    write_count(out, output);
    write_count(out, of->kind == MEASURED_CLOSED ? row->closed.concurrency
                     : of->kind == MEASURED_STEP ? row->step.batch_size
                                                 : 0);
}

void validate_write(FILE *out, const struct predict_case *cases,
                    const struct predict_result *results, int32_t n)
{
    fputs(
        "line,source,backend,backend_version,engine,model,accelerator,precision,tp,pp,"
        "dp,ep,prompt_tokens,output_tokens,concurrency",
        out);
    for (int i = 0; i < N_PREDICT_METRICS; i++) {
        const char *column = predict_metric_column((enum predict_metric)i);
        fprintf(out, ",%s_measured_ms,%s_predicted_ms", column, column);
    }
    fputs(",refusal\n", out);
    for (int32_t i = 0; i < n; i++) {
        const struct predict_case *of = &cases[i];
        fprintf(out, "%" PRId64, of->row.line);
        write_words(out, of);
        write_load(out, of);
        for (int j = 0; j < N_PREDICT_METRICS; j++) {
            write_seconds(out, of->measured_s[j]);
            write_seconds(out, results[i].value_s[j]);
        }
        write_word(out, results[i].played ? "" : results[i].refusal);
        fputc('\n', out);
    }
}
