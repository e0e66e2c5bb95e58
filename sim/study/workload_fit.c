#include "study/workload_fit.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "input/detick.h"
#include "input/generate.h"
#include "input/trace.h"

enum { FIRST_ROOM = 1024, N_DRAWN = 200000 };

static void add(struct workload_fit *fit, const struct trace_row *row)
{
    int64_t n = fit->n_requests;
    if (n == fit->room) {
        fit->room = fit->room > 0 ? fit->room + fit->room / 2 : FIRST_ROOM;
        fit->arrivals_ns =
            memory_grow(fit->arrivals_ns, (size_t)fit->room, sizeof *fit->arrivals_ns);
    }
    fit->n_instants += n == 0 || row->arrival_ns > fit->arrivals_ns[n - 1];
    fit->n_sharing += row->session_id != NULL || row->prefix != NULL ||
                      row->hash_ids != NULL || row->parent_id != NULL;
    fit->arrivals_ns[n] = row->arrival_ns;
    length_stats_add(&fit->lengths, row->prompt_tokens, row->output_tokens);
    fit->n_requests++;
}

static int read_rows(struct workload_fit *fit, struct trace *trace,
                     struct detick *detick, const struct workload_fit_options *options,
                     struct err *err)
{
    struct trace_row row;
    int64_t line;
    const char *reason;
    int got;
    while ((got = detick_next(detick, trace, &row, err)) > 0) {
        if (options->interrupted != NULL && *options->interrupted) {
            return err_set(err, "interrupted: nothing was written");
        }
        add(fit, &row);
    }
    fit->n_skipped = trace_skipped(trace, &line, &reason);
    fit->n_failed = trace_failed(trace, &line);
    return got;
}

static int read_trace(struct workload_fit *fit,
                      const struct workload_fit_options *options, struct err *err)
{
    struct detick detick = {0};
    if (options->detick_ns > 0 && strcmp(fit->path, "-") == 0) {
        return err_set(err,
                       "--detick: standard input cannot be read twice: give a file");
    }
    struct trace *trace =
        trace_open(fit->path, options->format, options->skip_bad_rows, err);
    if (trace == NULL) {
        return -1;
    }
    int status = 0;
    if (options->detick_ns > 0) {
        struct trace *ahead =
            trace_open(fit->path, options->format, options->skip_bad_rows, err);
        status = ahead != NULL ? 0 : -1;
        if (ahead != NULL) {
            detick_init(&detick, ahead, fit->path, options->detick_ns, 1);
        }
    }
    status = status == 0 ? read_rows(fit, trace, &detick, options, err) : status;
    if (status == 0 && !trace_has_arrivals(trace)) {
        status = err_set(err, "%.700s: the trace has no arrivals to fit a process to",
                         fit->path);
    }
    detick_close(&detick);
    trace_close(trace);
    return status;
}

static int check(const struct workload_fit *fit, struct err *err)
{
    if (fit->n_requests < WORKLOAD_FIT_FEWEST) {
        return err_set(err, "%.700s: has %" PRId64 " requests, and a fit needs %d",
                       fit->path, fit->n_requests, WORKLOAD_FIT_FEWEST);
    }
    if (fit->n_instants < 2) {
        return err_set(err,
                       "%.700s: all requests arrive at one instant, and there is "
                       "nothing to fit a rate to",
                       fit->path);
    }
    double span_s =
        (double)(fit->arrivals_ns[fit->n_requests - 1] - fit->arrivals_ns[0]) / 1e9;
    double rate_per_s = (double)(fit->n_requests - 1) / span_s;
    if (rate_per_s < 0.001 || rate_per_s > 1e6) {
        return err_set(err,
                       "%.700s: its mean rate is %.6g requests/s, and generators draw "
                       "from 0.001 to 1000000",
                       fit->path, rate_per_s);
    }
    return 0;
}

static struct lengths_spec lengths_spec_of(const struct workload_fit_lengths *fit)
{
    return (struct lengths_spec){
        .distribution = fit->least == fit->most ? LENGTHS_FIXED : LENGTHS_LOGNORMAL_MIX,
        .min_tokens = fit->least,
        .max_tokens = fit->most,
        .outside = LENGTHS_CLIP,
        .mixture = fit->fit.mixture,
        .lowest = 0,
        .highest = 1,
    };
}

/* What the lengths of a drawn trace have to do with each other; it is long, so that chance
 * does not say much. */
static void draw(struct workload_fit *fit)
{
    const struct talk_client client = {
        .name = "",
        .tenant = "",
        .model = "",
        .class = "",
        .adapter = "",
        .share_nano = 1000000000,
        .prompt = lengths_spec_of(&fit->prompt),
        .output = lengths_spec_of(&fit->output),
    };
    struct generate_spec spec = {
        .path = "",
        .n_requests = N_DRAWN,
        .duration_ns = INT64_MAX,
        .seed = 1,
        .copula_rho_nano = llround(fit->rho * 1e9),
        .arrivals = {.process = ARRIVALS_CONSTANT, .rate_nano_per_s = 1000000000},
        .clients = &client,
        .n_clients = 1,
    };
    struct generate_draw draw;
    struct length_stats lengths = {0};
    struct trace_row row;
    struct err err;
    generate_start(&draw, &spec);
    while (generate_next(&draw, &row, &err) > 0) {
        length_stats_add(&lengths, row.prompt_tokens, row.output_tokens);
    }
    generate_stop(&draw);
    struct length_order prompts = length_stats_order(&lengths, 0);
    struct length_order outputs = length_stats_order(&lengths, 1);
    fit->drawn = length_stats_relation(&lengths, &prompts, &outputs);
    free(prompts.tokens);
    free(outputs.tokens);
    length_stats_free(&lengths);
}

static void fit_lengths(struct workload_fit *fit,
                        const volatile sig_atomic_t *interrupted)
{
    struct length_order prompts = length_stats_order(&fit->lengths, 0);
    struct length_order outputs = length_stats_order(&fit->lengths, 1);
    fit->prompt = workload_fit_lengths_of(&prompts, interrupted);
    fit->output = workload_fit_lengths_of(&outputs, interrupted);
    fit->relation = length_stats_relation(&fit->lengths, &prompts, &outputs);
    double spearman = isnan(fit->relation.spearman) ? 0 : fit->relation.spearman;
    fit->rho = 2 * sin(M_PI / 6 * spearman);
    free(prompts.tokens);
    free(outputs.tokens);
}

int workload_fit_read(struct workload_fit *fit, const char *path,
                      const struct workload_fit_options *options, struct err *err)
{
    *fit = (struct workload_fit){.path = path, .detick_ns = options->detick_ns};
    if (read_trace(fit, options, err) != 0 || check(fit, err) != 0) {
        return -1;
    }
    workload_fit_traffic_init(&fit->traffic, fit->arrivals_ns, fit->n_requests);
    fit_lengths(fit, options->interrupted);
    if (workload_fit_arrivals_of(&fit->arrivals, &fit->traffic, options->interrupted) !=
            0 ||
        (options->interrupted != NULL && *options->interrupted)) {
        return err_set(err, "interrupted: nothing was written");
    }
    draw(fit);
    return 0;
}

void workload_fit_free(struct workload_fit *fit)
{
    free(fit->arrivals_ns);
    length_stats_free(&fit->lengths);
    workload_fit_traffic_free(&fit->traffic);
}
