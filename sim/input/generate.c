#include "input/generate.h"

#include "base/rng.h"
#include "input/settings.h"
#include "input/trace_write.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <inttypes.h>
#include <math.h>

#define AT(member) offsetof(struct generate_spec, member)

static const struct field fields[] = {
    {"requests", FIELD_COUNT, AT(n_requests), "requests", "1000000000", "1",
     "1000000000", NULL,
     "requests to draw at most; this or duration_s must be given, or both"},
    {"duration_s", FIELD_TIME, AT(duration_ns), "s", "1000000000", "0.000001",
     "1000000000", NULL, "time before whose end they arrive"},
    {"seed", FIELD_COUNT, AT(seed), "", "1", "0", NULL, NULL,
     "another seed, another trace of the same kind"},
    {"copula_rho", FIELD_NANO, AT(copula_rho_nano), "", "0", "-1", "1", NULL,
     "correlation of a prompt's and its output's normal scores"},
};

const struct field_table generate_table = {
    .name = "workload",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

static int workload_read(struct generate_spec *spec, struct settings *settings,
                         struct arena *arena, struct err *err)
{
    field_defaults(&generate_table, spec, arena);
    if (settings_apply(settings, "workload", &generate_table, 1, spec, arena, err) !=
        0) {
        return -1;
    }
    spec->has_duration = settings_find(settings, "workload", "duration_s") != NULL;
    if (!spec->has_duration &&
        settings_find(settings, "workload", "requests") == NULL) {
        return err_set(err, "%.700s: [workload] must give 'requests' or 'duration_s'",
                       spec->path);
    }
    return 0;
}

int generate_read(struct generate_spec *spec, const char *path,
                  const char *const *overrides, int32_t n_overrides,
                  struct arena *arena, struct err *err)
{
    struct settings settings = {0};
    *spec = (struct generate_spec){.path = memory_arena_text(arena, path)};
    if (settings_read(&settings, path, arena, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < n_overrides; i++) {
        if (settings_override(&settings, overrides[i], arena, err) != 0) {
            return -1;
        }
    }
    if (workload_read(spec, &settings, arena, err) != 0 ||
        arrivals_read(&spec->arrivals, &settings, arena, err) != 0 ||
        lengths_read(&spec->prompt, &settings, "prompt", arena, err) != 0 ||
        lengths_read(&spec->output, &settings, "output", arena, err) != 0) {
        return -1;
    }
    return settings_check_used(&settings,
                               "workload, arrivals, modulation, prompt, output", err);
}

void generate_start(struct generate_draw *draw, const struct generate_spec *spec)
{
    uint64_t seed = (uint64_t)spec->seed;
    *draw = (struct generate_draw){.spec = spec};
    arrivals_init(&draw->arrivals, &spec->arrivals, seed);
    rng_init(&draw->prompt_scores, seed, "prompt");
    rng_init(&draw->output_scores, seed, "output");
    lengths_table_init(&draw->prompts, &spec->prompt);
    lengths_table_init(&draw->outputs, &spec->output);
}

void generate_stop(struct generate_draw *draw)
{
    arrivals_free(&draw->arrivals);
    rng_free(&draw->prompt_scores);
    rng_free(&draw->output_scores);
    lengths_table_free(&draw->prompts);
    lengths_table_free(&draw->outputs);
}

/* Two normal scores with correlation rho, then each length's quantile at its score: the
 * Gaussian copula (Nelsen, An Introduction to Copulas, 2006, section 2.3).  Lengths of a
 * client's own come before those of the sections. */
static void draw_lengths(struct generate_draw *draw, struct trace_row *row)
{
    double rho = (double)draw->spec->copula_rho_nano / 1e9;
    double prompt_score = gsl_ran_ugaussian(draw->prompt_scores.generator);
    double own_score = gsl_ran_ugaussian(draw->output_scores.generator);
    double output_score = rho * prompt_score + sqrt(1 - rho * rho) * own_score;
    double prompt_share = gsl_cdf_ugaussian_P(prompt_score);
    double output_share = gsl_cdf_ugaussian_P(output_score);
    row->tenant = arrivals_client(&draw->arrivals, prompt_share, output_share,
                                  &row->prompt_tokens, &row->output_tokens);
    if (row->prompt_tokens == 0) {
        row->prompt_tokens = lengths_table_quantile(&draw->prompts, prompt_share);
    }
    if (row->output_tokens == 0) {
        row->output_tokens = lengths_table_quantile(&draw->outputs, output_share);
    }
}

/* What it means that no request came before the end. */
static int check_end(const struct generate_draw *draw, struct err *err)
{
    const struct generate_spec *spec = draw->spec;
    if (draw->n == 0) {
        return err_set(err, "%.700s: no request arrives within duration_s", spec->path);
    }
    if (!spec->has_duration) {
        return err_set(err,
                       "%.700s: only %" PRId64 " of %" PRId64
                       " requests arrive %s; ask for fewer or a higher rate",
                       spec->path, draw->n, spec->n_requests,
                       arrivals_end(&draw->arrivals));
    }
    return 0;
}

/* The next arrival: 1, 0 or -1 as generate_next(). */
static int next_arrival(struct generate_draw *draw, int64_t *arrival_ns,
                        struct err *err)
{
    if (draw->n == draw->spec->n_requests) {
        return 0;
    }
    *arrival_ns = arrivals_next(&draw->arrivals);
    if (*arrival_ns >= draw->spec->duration_ns) {
        return check_end(draw, err);
    }
    draw->n++;
    return 1;
}

int generate_next(struct generate_draw *draw, struct trace_row *row, struct err *err)
{
    *row = (struct trace_row){.deadline_ns = -1};
    int got = next_arrival(draw, &row->arrival_ns, err);
    if (got > 0) {
        row->line = draw->n;
        draw_lengths(draw, row);
    }
    return got;
}

static int check_interrupt(const volatile sig_atomic_t *interrupted, struct err *err)
{
    return interrupted != NULL && *interrupted
               ? err_set(err, "interrupted: nothing was written")
               : 0;
}

int generate_last(const struct generate_spec *spec,
                  const volatile sig_atomic_t *interrupted, int64_t *last_ns,
                  struct err *err)
{
    struct generate_draw draw;
    int64_t arrival_ns = 0;
    int status;
    generate_start(&draw, spec);
    do {
        *last_ns = arrival_ns;
        status = check_interrupt(interrupted, err);
        status = status == 0 ? next_arrival(&draw, &arrival_ns, err) : status;
    } while (status > 0);
    generate_stop(&draw);
    return status;
}

static int write_requests(struct generate_draw *draw, struct trace_writer *writer,
                          const volatile sig_atomic_t *interrupted, struct err *err)
{
    for (;;) {
        struct trace_row row;
        if (check_interrupt(interrupted, err) != 0) {
            return -1;
        }
        int got = generate_next(draw, &row, err);
        if (got <= 0) {
            return got;
        }
        if (trace_write_row(writer, &row, err) != 0) {
            return -1;
        }
    }
}

int generate_write(const struct generate_spec *spec,
                   const struct trace_write_format *format, FILE *out,
                   const volatile sig_atomic_t *interrupted, struct err *err)
{
    struct generate_draw draw;
    struct trace_writer writer;
    generate_start(&draw, spec);
    bool has_clients = spec->arrivals.process == ARRIVALS_SERVEGEN;
    int status = trace_write_begin(&writer, format,
                                   has_clients ? TRACE_WRITE_TENANT : 0, out, err);
    if (status == 0) {
        status = write_requests(&draw, &writer, interrupted, err);
    }
    if (status == 0) {
        status = trace_write_end(&writer, err);
    }
    generate_stop(&draw);
    return status;
}
