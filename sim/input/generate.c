#include "input/generate.h"

#include "base/rng.h"
#include "input/settings.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define AT(member) offsetof(struct generate_spec, member)

enum { NS_PER_S = 1000000000 };

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
    return settings_check_used(&settings, "workload, arrivals, prompt, output", err);
}

/* A trace under way. */
struct generator {
    const struct generate_spec *spec;
    const volatile sig_atomic_t *interrupted;
    struct arrivals arrivals;
    struct rng prompt;
    struct rng output;
};

static void generator_init(struct generator *generator,
                           const struct generate_spec *spec)
{
    uint64_t seed = (uint64_t)spec->seed;
    generator->spec = spec;
    arrivals_init(&generator->arrivals, &spec->arrivals, seed);
    rng_init(&generator->prompt, seed, "prompt");
    rng_init(&generator->output, seed, "output");
}

static void generator_free(struct generator *generator)
{
    arrivals_free(&generator->arrivals);
    rng_free(&generator->prompt);
    rng_free(&generator->output);
}

/* Two normal scores with correlation rho, then each length's quantile at its score: the
 * Gaussian copula (Nelsen, An Introduction to Copulas, 2006, section 2.3). */
static void draw_lengths(struct generator *generator, int64_t *prompt, int64_t *output)
{
    const struct generate_spec *spec = generator->spec;
    double rho = (double)spec->copula_rho_nano / 1e9;
    double prompt_score = gsl_ran_ugaussian(generator->prompt.generator);
    double own_score = gsl_ran_ugaussian(generator->output.generator);
    double output_score = rho * prompt_score + sqrt(1 - rho * rho) * own_score;
    *prompt = lengths_quantile(&spec->prompt, gsl_cdf_ugaussian_P(prompt_score));
    *output = lengths_quantile(&spec->output, gsl_cdf_ugaussian_P(output_score));
}

static int write_failed(struct err *err)
{
    return err_set(err, "the trace cannot be written: %s", strerror(errno));
}

/* Writes the next request: 1, 0 if none comes within the duration, or -1. */
static int write_request(struct generator *generator, FILE *out, struct err *err)
{
    int64_t arrival_ns = arrivals_next(&generator->arrivals);
    if (arrival_ns >= generator->spec->duration_ns) {
        return 0;
    }
    int64_t prompt_tokens = 0;
    int64_t output_tokens = 0;
    draw_lengths(generator, &prompt_tokens, &output_tokens);
    int written = fprintf(out, "%" PRId64 ".%09" PRId64 ",%" PRId64 ",%" PRId64 "\n",
                          arrival_ns / NS_PER_S, arrival_ns % NS_PER_S, prompt_tokens,
                          output_tokens);
    return written > 0 ? 1 : write_failed(err);
}

static int write_requests(struct generator *generator, FILE *out, struct err *err)
{
    const struct generate_spec *spec = generator->spec;
    int status = 1;
    int64_t n = 0;
    for (; status == 1 && n < spec->n_requests; n += status == 1) {
        if (generator->interrupted != NULL && *generator->interrupted) {
            return err_set(err, "interrupted: nothing was written");
        }
        status = write_request(generator, out, err);
    }
    if (status == 0 && n == 0) {
        return err_set(err, "%.700s: no request arrives within duration_s", spec->path);
    }
    if (status == 0 && !spec->has_duration) {
        return err_set(
            err,
            "%.700s: only %" PRId64 " of %" PRId64 " requests arrive within "
            "1000000000 s, the end of every trace; ask for fewer or a higher "
            "rate",
            spec->path, n, spec->n_requests);
    }
    return status < 0 ? -1 : 0;
}

int generate_write(const struct generate_spec *spec, FILE *out,
                   const volatile sig_atomic_t *interrupted, struct err *err)
{
    struct generator generator;
    generator_init(&generator, spec);
    generator.interrupted = interrupted;
    int status = 0;
    if (fputs("arrival_s,prompt_tokens,output_tokens\n", out) < 0) {
        status = write_failed(err);
    } else {
        status = write_requests(&generator, out, err);
    }
    if (status == 0 && fflush(out) != 0) {
        status = write_failed(err);
    }
    generator_free(&generator);
    return status;
}
