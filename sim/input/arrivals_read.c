#include "input/arrivals.h"

#include "base/check.h"
#include "input/renewal.h"
#include "input/tuples.h"
#include "input/variant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct field state_columns[] = {
    {.key = "rate",
     .type = FIELD_NANO,
     .unit = "",
     .least = "0",
     .greatest = "1000000"},
    {.key = "sojourn",
     .type = FIELD_TIME,
     .unit = "s",
     .least = "0.001",
     .greatest = "1000000000"},
};

static int shape_prepare(struct arrivals_spec *spec, const struct settings *settings,
                         struct err *err)
{
    const struct settings_entry *cv = settings_find(settings, "arrivals", "cv");
    const struct settings_entry *shape = settings_find(settings, "arrivals", "shape");
    if (cv != NULL && shape != NULL) {
        return settings_refuse(shape, "cv is given too; only one of the two can be",
                               err);
    }
    if (cv == NULL && shape == NULL) {
        const struct settings_entry *process =
            settings_find(settings, "arrivals", "process");
        return settings_refuse(process, "it needs 'cv' or 'shape' in [arrivals]", err);
    }
    double given = (double)(cv != NULL ? spec->cv_nano : spec->shape_nano) / 1e9;
    spec->shape = cv == NULL                          ? given
                  : spec->process == ARRIVALS_WEIBULL ? renewal_weibull_shape(given)
                                                      : renewal_gamma_shape(given);
    return 0;
}

/* Takes the mean rate of what was given where no other is. */
static int rate_prepare(struct arrivals_spec *spec, const struct settings_entry *given,
                        struct err *err)
{
    if (!(spec->given_per_s >= 0.001 && spec->given_per_s <= 1e6)) {
        struct err reason;
        err_set(&reason,
                "the mean rate of all is %.9g requests/s; it must be from 0.001 to "
                "1000000",
                spec->given_per_s);
        return settings_refuse(given, reason.text, err);
    }
    if (spec->rate_nano_per_s == 0) {
        spec->rate_nano_per_s = llround(spec->given_per_s * 1e9);
    }
    return 0;
}

static int states_prepare(struct arrivals_spec *spec, struct settings *settings,
                          struct arena *arena, struct err *err)
{
    struct tuples tuples;
    if (tuples_read(&tuples, state_columns, 2, settings, "arrivals", "states", arena,
                    err) != 0) {
        return -1;
    }
    if (tuples.n > ARRIVALS_MOST_STATES) {
        return tuples_refuse(&tuples, ARRIVALS_MOST_STATES,
                             "there are 1000 states at most", err);
    }
    double n_requests = 0;
    double sum_s = 0;
    spec->states = ARENA_NEW(arena, tuples.n, struct arrivals_state);
    spec->n_states = tuples.n;
    for (int32_t i = 0; i < tuples.n; i++) {
        struct arrivals_state state = {(double)tuples.cells[i][0] / 1e9,
                                       (double)tuples.cells[i][1] / 1e9};
        spec->states[i] = state;
        n_requests += state.rate_per_s * state.sojourn_s;
        sum_s += state.sojourn_s;
    }
    spec->given_per_s = n_requests / sum_s;
    return rate_prepare(spec, tuples.entry, err);
}

static int batch_check(const struct settings *settings, struct err *err)
{
    if (settings_find(settings, "arrivals", "batch_size") == NULL) {
        const struct settings_entry *every =
            settings_find(settings, "arrivals", "every_s");
        if (every != NULL) {
            return settings_refuse(every,
                                   "there is no batch_size that would come again", err);
        }
        if (settings_find(settings, "workload", "requests") == NULL) {
            return settings_refuse(
                settings_find(settings, "arrivals", "process"),
                "without batch_size it needs 'requests' in [workload]", err);
        }
    }
    return 0;
}

static int clients_prepare(struct arrivals_spec *spec, const struct settings *settings,
                           struct arena *arena, struct err *err)
{
    if (spec->until_ns > 0 && spec->until_ns <= spec->from_ns) {
        return settings_refuse(settings_find(settings, "arrivals", "until_s"),
                               "it is not after from_s", err);
    }
    if (servegen_read(&spec->servegen, spec->clients, spec->clients_most, spec->from_ns,
                      spec->until_ns, arena, err) != 0) {
        return -1;
    }
    spec->given_per_s = spec->servegen.rate_per_s;
    return rate_prepare(spec, settings_find(settings, "arrivals", "clients"), err);
}

/* Whether the process has a rate that can be multiplied. */
static bool can_change(const char *process)
{
    static const char *const names[] = {"constant", "poisson", "gamma",
                                        "weibull",  "cox",     "mmpp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(process, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* [modulation], before [arrivals]: a profile of rates in requests/s says what rate_rps is
 * if nothing else does. */
static int modulation_prepare(struct arrivals_spec *spec, struct settings *settings,
                              struct arena *arena, struct err *err)
{
    const struct modulation_spec *modulation = &spec->modulation;
    const struct settings_entry *process =
        settings_find(settings, "arrivals", "process");
    if (modulation_read(&spec->modulation, settings, arena, err) != 0) {
        return -1;
    }
    if (process == NULL || !can_change(process->value)) {
        return process == NULL || modulation_is_flat(modulation)
                   ? 0
                   : settings_refuse(
                         process, "it has no rate that [modulation] could change", err);
    }
    if (modulation->n_corners == 0 || strcmp(process->value, "mmpp") == 0 ||
        settings_find(settings, "arrivals", "rate_rps") != NULL) {
        return 0;
    }
    if (modulation->mean < 0.001 || modulation->mean > 1e6) {
        struct err reason;
        err_set(
            &reason,
            "its mean is %.9g; without rate_rps in [arrivals] it must be from 0.001 "
            "to 1000000 requests/s",
            modulation->mean);
        const char *key = modulation->profile[0] != '\0' ? "profile" : "profile_file";
        return settings_refuse(settings_find(settings, "modulation", key), reason.text,
                               err);
    }
    char rate[80];
    snprintf(rate, sizeof rate, "arrivals.rate_rps=%.9f", modulation->mean);
    return settings_override(settings, rate, arena, err);
}

int arrivals_read(struct arrivals_spec *spec, struct settings *settings,
                  struct arena *arena, struct err *err)
{
    tuples_claim(settings, "arrivals", "states");
    if (modulation_prepare(spec, settings, arena, err) != 0 ||
        variant_read(settings, "arrivals", arrivals_tables, ARRIVALS_TABLES, spec,
                     arena, err) != 0) {
        return -1;
    }
    switch ((enum arrivals_process)spec->process) {
    case ARRIVALS_CONSTANT:
    case ARRIVALS_POISSON:
        return 0;
    case ARRIVALS_GAMMA:
    case ARRIVALS_WEIBULL:
    case ARRIVALS_COX:
        return shape_prepare(spec, settings, err);
    case ARRIVALS_MMPP:
        return states_prepare(spec, settings, arena, err);
    case ARRIVALS_ONOFF:
        return mixture_read(&spec->gap, MIXTURE_LOGNORMAL, settings, "arrivals", "gap_",
                            err);
    case ARRIVALS_BATCH:
        return batch_check(settings, err);
    case ARRIVALS_SERVEGEN:
        return clients_prepare(spec, settings, arena, err);
    }
    CHECK(false);
    return -1;
}
