#include "input/config_workload.h"

#include <string.h>

#include "input/bytes.h"
#include "input/generate.h"
#include "input/trace_format.h"

/* What the generator's file was when it was read, so that a copy of the configuration
 * knows whether it still is. */
static int hash_generator(struct config_workload *workload, struct arena *arena,
                          struct err *err)
{
    char hex[65];
    struct bytes *bytes = bytes_open(workload->generator, err);
    if (bytes == NULL) {
        return -1;
    }
    int status = bytes_sha256(bytes, hex, err);
    bytes_close(bytes);
    if (status != 0) {
        return -1;
    }
    const char *expected = workload->generator_sha256;
    if (expected[0] != '\0' && strcmp(expected, hex) != 0) {
        return err_set(err,
                       "%s: its sha256 is %s, and [workload] generator_sha256 expects "
                       "%.70s",
                       workload->generator, hex, expected);
    }
    workload->generator_sha256 = memory_arena_text(arena, hex);
    return 0;
}

static int refuse_none(const struct settings *settings, struct err *err)
{
    static const char sentence[] =
        "[workload] must give 'trace' (a file of requests) or 'generator' (a "
        "description that they are drawn from)";
    const struct settings_section *section = settings_next(settings, "workload", NULL);
    if (section != NULL && section->line > 0) {
        return err_at(err, settings->file, section->line, "%s", sentence);
    }
    return err_set(err, "%.700s: %s", settings->file, sentence);
}

int config_workload_read(struct config *config, const struct settings *settings,
                         struct arena *arena, struct err *err)
{
    struct config_workload *workload = &config->workload;
    bool is_trace = workload->trace[0] != '\0';
    bool is_generator = workload->generator[0] != '\0';
    if (!is_trace && !is_generator) {
        return refuse_none(settings, err);
    }
    if (is_trace && is_generator) {
        return err_set(err, "%s: [workload] trace and generator: give one of them",
                       config->file);
    }
    if (is_trace) {
        return workload->generator_sha256[0] == '\0'
                   ? 0
                   : err_set(
                         err,
                         "%s: [workload] generator_sha256: goes with generator, and "
                         "with trace there is none",
                         config->file);
    }
    struct generate_spec *spec = ARENA_NEW(arena, 1, struct generate_spec);
    workload->spec = spec;
    if (generate_read(spec, workload->generator, NULL, 0, arena, err) != 0) {
        return -1;
    }
    return hash_generator(workload, arena, err);
}

/* Clients that wait for answers have no rate of their own, and no last arrival that could
 * be known beforehand. */
static int check_mode(const struct config_workload *workload, struct err *err)
{
    if (workload->mode != CONFIG_CLOSED) {
        return workload->concurrency == 0
                   ? 0
                   : err_set(
                         err,
                         "[workload] concurrency: clients wait for answers with mode = "
                         "closed only");
    }
    if (workload->concurrency == 0) {
        return err_set(err, "[workload] concurrency: must be given with mode = closed");
    }
    const char *key = workload->rate_rps_nano > 0               ? "rate_rps"
                      : workload->rate_scale_nano != 1000000000 ? "rate_scale"
                      : workload->cooldown_ns > 0               ? "cooldown"
                      : workload->detick_ns > 0                 ? "detick"
                                                                : NULL;
    if (key == NULL) {
        return 0;
    }
    return err_set(err,
                   "[workload] %s: has no meaning with mode = closed, where a request "
                   "is sent when another has left",
                   key);
}

/* Whether the process has a rate, and can have this one. */
static int check_rate(const struct config_workload *workload, struct err *err)
{
    struct arrivals_spec arrivals = workload->spec->arrivals;
    const struct field_table *table = &arrivals_tables[1 + arrivals.process];
    const struct field *rate = field_find(table, "rate_rps");
    if (rate == NULL) {
        return err_set(err,
                       "[workload] rate_rps: process = %s in %.700s has no rate that "
                       "could be replaced; rate_scale makes its requests come faster",
                       table->name, workload->generator);
    }
    char text[256];
    struct err reason;
    arrivals.rate_nano_per_s = workload->rate_rps_nano;
    field_print(rate, &arrivals, text);
    if (field_read(rate, &arrivals, text, NULL, &reason) == 0) {
        return 0;
    }
    return err_set(err, "[workload] rate_rps: %.500s, and the generator draws at it",
                   reason.text);
}

static bool is_named(const char *format)
{
    return format != NULL && strcmp(format, "auto") != 0;
}

static int check_generator(const struct config_workload *workload, struct err *err)
{
    const char *key = workload->repeat > 1                ? "repeat"
                      : workload->resample_ns > 0         ? "resample"
                      : workload->detick_ns > 0           ? "detick"
                      : workload->from_ns > 0             ? "from"
                      : workload->until_ns > 0            ? "until"
                      : is_named(workload->format)        ? "format"
                      : workload->trace_sha256[0] != '\0' ? "trace_sha256"
                                                          : NULL;
    if (key != NULL) {
        return err_set(err,
                       "[workload] %s: goes with trace, and with generator there is "
                       "none",
                       key);
    }
    return workload->rate_rps_nano > 0 ? check_rate(workload, err) : 0;
}

static int check_resample(const struct config_workload *workload, struct err *err)
{
    if (workload->repeat > 1) {
        return err_set(err, "[workload] repeat: with resample, limit says how many "
                            "requests there are");
    }
    if (workload->detick_ns > 0) {
        return err_set(err, "[workload] detick and resample: give one of them; blocks "
                            "are drawn of the arrivals as they are");
    }
    const char *key = workload->session_prefix != 0   ? "session_prefix"
                      : workload->infer_sessions != 0 ? "infer_sessions"
                                                      : NULL;
    if (key != NULL) {
        return err_set(err,
                       "[workload] %s: resample cuts conversations apart and draws "
                       "parts of them twice, so prompts would share what none did",
                       key);
    }
    return 0;
}

int config_workload_check(const struct config_workload *workload, struct err *err)
{
    if (workload->rate_rps_nano > 0 && workload->rate_scale_nano != 1000000000) {
        return err_set(err, "[workload] rate_rps and rate_scale: give one of them");
    }
    struct err reason;
    if (!trace_format_known(workload->format, &reason)) {
        return err_set(err, "[workload] format: %.700s", reason.text);
    }
    if (workload->until_ns > 0 && workload->until_ns <= workload->from_ns) {
        return err_set(err, "[workload] until: is not after from");
    }
    if (check_mode(workload, err) != 0 ||
        (workload->spec != NULL && check_generator(workload, err) != 0)) {
        return -1;
    }
    return workload->resample_ns > 0 ? check_resample(workload, err) : 0;
}

int config_workload_check_trace(const struct config_workload *config, struct err *err)
{
    if (config->spec != NULL) {
        return 0;
    }
    const char *twice = config->repeat > 1          ? "repeat"
                        : config->rate_rps_nano > 0 ? "rate_rps"
                        : config->cooldown_ns > 0   ? "cooldown"
                        : config->resample_ns > 0   ? "resample"
                        : config->detick_ns > 0     ? "detick"
                                                    : NULL;
    if (twice != NULL && strcmp(config->trace, "-") == 0) {
        return err_set(
            err, "[workload] %s: standard input cannot be read twice: give a file",
            twice);
    }
    const char *hash = config->trace_sha256;
    if (hash[0] != '\0' &&
        (strlen(hash) != 64 || strspn(hash, "0123456789abcdef") != 64)) {
        return err_set(
            err, "[workload] trace_sha256: '%s' is not 64 lower-case hex digits", hash);
    }
    return 0;
}
