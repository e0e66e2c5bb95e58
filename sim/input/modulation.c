#include "input/modulation.h"

#include "input/tuples.h"

#include <stddef.h>

#define AT(member) offsetof(struct modulation_spec, member)

static const struct field fields[] = {
    {"profile", FIELD_TEXT, AT(profile), "", "", NULL, NULL, NULL,
     "rates by the time, as 0h:0.2, 6h:0.1, 12h:1; more of them in profile_2, "
     "profile_3 ..."},
    {"profile_file", FIELD_TEXT, AT(profile_file), "", "", NULL, NULL, NULL,
     "CSV file of such times and rates, in place of profile"},
    {"profile_shape", FIELD_CHOICE, AT(shape), "", "linear", NULL, NULL, "linear|steps",
     "between two times of the profile: a straight line, or the first one's rate"},
    {"period_s", FIELD_TIME, AT(period_ns), "s", "0", "0", "1000000000", NULL,
     "time after which the profile begins anew; 0: its last rate stays"},
    {"ramp_factor", FIELD_NANO, AT(ramp_nano), "", "1", "0", "1000000", NULL,
     "rate at the end of the ramp, over that at its beginning"},
    {"ramp_start_s", FIELD_TIME, AT(ramp_start_ns), "s", "0", "0", "1000000000", NULL,
     "when the ramp begins"},
    {"ramp_s", FIELD_TIME, AT(ramp_ns), "s", "0", "0", "1000000000", NULL,
     "how long the ramp is"},
    {"spikes", FIELD_TEXT, AT(spikes_text), "", "", NULL, NULL, NULL,
     "times in which the rate is multiplied, as beginning:length:factor, separated by "
     "commas; more of them in spikes_2, spikes_3 ..."},
    {"spike_every_s", FIELD_TIME, AT(spike_every_ns), "s", "0", "0", "1000000000", NULL,
     "mean of the exponential time from the end of a random spike to the next; 0: "
     "there are none"},
    {"spike_s", FIELD_TIME, AT(spike_ns), "s", "10", "0.1", "1000000000", NULL,
     "how long a random spike is"},
    {"spike_factor", FIELD_NANO, AT(spike_nano), "", "5", "0", "1000000", NULL,
     "what the rate is multiplied by in a random spike"},
};

const struct field_table modulation_table = {
    .name = "modulation",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

static const struct field corner_columns[] = {
    {.key = "time",
     .type = FIELD_TIME,
     .unit = "s",
     .least = "0",
     .greatest = "1000000000"},
    {.key = "rate",
     .type = FIELD_NANO,
     .unit = "",
     .least = "0",
     .greatest = "1000000000"},
};

static const struct field spike_columns[] = {
    {.key = "beginning",
     .type = FIELD_TIME,
     .unit = "s",
     .least = "0",
     .greatest = "1000000000"},
    {.key = "length",
     .type = FIELD_TIME,
     .unit = "s",
     .least = "0.000001",
     .greatest = "1000000000"},
    {.key = "factor",
     .type = FIELD_NANO,
     .unit = "",
     .least = "0",
     .greatest = "1000000"},
};

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

/* -1 unless the times begin at 0, rise and fit the period. */
static int check_times(const struct tuples *tuples, const struct modulation_spec *spec,
                       struct err *err)
{
    if (tuples->cells[0][0] != 0) {
        return tuples_refuse(tuples, 0, "the first time of a profile must be 0", err);
    }
    for (int32_t i = 1; i < tuples->n; i++) {
        if (tuples->cells[i][0] <= tuples->cells[i - 1][0]) {
            return tuples_refuse(tuples, i, "its time is not after the one before it",
                                 err);
        }
    }
    if (spec->period_ns > 0 && tuples->cells[tuples->n - 1][0] >= spec->period_ns) {
        return tuples_refuse(tuples, tuples->n - 1,
                             "its time is not before the end of period_s", err);
    }
    if (spec->period_ns == 0 && tuples->n == 1) {
        return tuples_refuse(tuples, 0,
                             "one rate that never changes is no profile; give more, or "
                             "none",
                             err);
    }
    return 0;
}

/* Tuples as corners; behind the last one the period ends where it began. */
static void set_corners(struct modulation_spec *spec, const struct tuples *tuples,
                        struct arena *arena)
{
    int32_t n = tuples->n + (spec->period_ns > 0 ? 1 : 0);
    bool is_steps = spec->shape == MODULATION_STEPS;
    spec->corners = ARENA_NEW(arena, n, struct modulation_corner);
    spec->n_corners = n;
    for (int32_t i = 0; i < n; i++) {
        const int64_t *cells = tuples->cells[i % tuples->n];
        double rate = (double)cells[1] / 1e9;
        double before = i > 0 ? spec->corners[i - 1].after : rate;
        spec->corners[i] = (struct modulation_corner){
            .at_ns = i < tuples->n ? cells[0] : spec->period_ns,
            .before = is_steps ? before : rate,
            .after = rate,
        };
    }
}

/* Scales the profile to a mean of 1; false if it is 0 throughout. */
static bool scale_corners(struct modulation_spec *spec)
{
    double area = 0;
    for (int32_t i = 1; i < spec->n_corners; i++) {
        const struct modulation_corner *from = &spec->corners[i - 1];
        const struct modulation_corner *to = &spec->corners[i];
        area += (from->after + to->before) / 2 * seconds(to->at_ns - from->at_ns);
    }
    spec->mean = area / seconds(spec->corners[spec->n_corners - 1].at_ns);
    for (int32_t i = 0; i < spec->n_corners && area > 0; i++) {
        spec->corners[i].before /= spec->mean;
        spec->corners[i].after /= spec->mean;
    }
    return area > 0;
}

static int profile_read(struct modulation_spec *spec, struct settings *settings,
                        struct arena *arena, struct err *err)
{
    struct tuples tuples;
    bool is_list = spec->profile[0] != '\0';
    if (is_list && spec->profile_file[0] != '\0') {
        return settings_refuse(settings_find(settings, "modulation", "profile_file"),
                               "profile is given too; only one of the two can be", err);
    }
    int status = is_list ? tuples_read(&tuples, corner_columns, 2, settings,
                                       "modulation", "profile", arena, err)
                         : tuples_read_file(&tuples, corner_columns, 2, settings,
                                            "modulation", "profile_file", arena, err);
    if (status != 0 || check_times(&tuples, spec, err) != 0) {
        return -1;
    }
    set_corners(spec, &tuples, arena);
    return scale_corners(spec)
               ? 0
               : settings_refuse(tuples.entry, "its rate is 0 at all times", err);
}

static int spikes_read(struct modulation_spec *spec, struct settings *settings,
                       struct arena *arena, struct err *err)
{
    struct tuples tuples;
    if (tuples_read(&tuples, spike_columns, 3, settings, "modulation", "spikes", arena,
                    err) != 0) {
        return -1;
    }
    spec->spikes = ARENA_NEW(arena, tuples.n, struct modulation_spike);
    spec->n_spikes = tuples.n;
    for (int32_t i = 0; i < tuples.n; i++) {
        const int64_t *cells = tuples.cells[i];
        if (i > 0 && cells[0] < spec->spikes[i - 1].end_ns) {
            return tuples_refuse(&tuples, i,
                                 "it begins before the one before it has ended", err);
        }
        spec->spikes[i] = (struct modulation_spike){
            .at_ns = cells[0],
            .end_ns = cells[0] + cells[1],
            .factor = (double)cells[2] / 1e9,
        };
    }
    return 0;
}

/* -1 if a key is given without the one that it belongs to. */
static int check_pairs(const struct modulation_spec *spec,
                       const struct settings *settings, struct err *err)
{
    static const char no_ramp[] = "a ramp needs ramp_s and a ramp_factor other than 1";
    static const char no_spikes[] = "random spikes need spike_every_s";
    bool has_profile = spec->profile[0] != '\0' || spec->profile_file[0] != '\0';
    bool has_ramp = spec->ramp_nano != 1000000000 && spec->ramp_ns > 0;
    bool has_spikes = spec->spike_every_ns > 0;
    const struct {
        const char *key;
        bool has;
        const char *reason;
    } pairs[] = {
        {"profile_shape", has_profile, "there is no profile"},
        {"period_s", has_profile, "there is no profile that could begin anew"},
        {"ramp_factor", has_ramp, no_ramp},
        {"ramp_start_s", has_ramp, no_ramp},
        {"ramp_s", has_ramp, no_ramp},
        {"spike_s", has_spikes, no_spikes},
        {"spike_factor", has_spikes, no_spikes},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct settings_entry *entry =
            settings_find(settings, "modulation", pairs[i].key);
        if (entry != NULL && !pairs[i].has) {
            return settings_refuse(entry, pairs[i].reason, err);
        }
    }
    return 0;
}

/* What is 0 to be left out, and otherwise so large that time goes on. */
static int check_least(const struct modulation_spec *spec,
                       const struct settings *settings, struct err *err)
{
    if (spec->spike_every_ns > 0 && spec->spike_every_ns < 100000000) {
        return settings_refuse(settings_find(settings, "modulation", "spike_every_s"),
                               "random spikes come at most every 0.1 s in the mean",
                               err);
    }
    if (spec->period_ns > 0 && spec->period_ns < 1000000000) {
        return settings_refuse(settings_find(settings, "modulation", "period_s"),
                               "a profile cannot begin anew more than once a second",
                               err);
    }
    return 0;
}

int modulation_read(struct modulation_spec *spec, struct settings *settings,
                    struct arena *arena, struct err *err)
{
    field_defaults(&modulation_table, spec, arena);
    tuples_claim(settings, "modulation", "profile");
    tuples_claim(settings, "modulation", "spikes");
    if (settings_apply(settings, "modulation", &modulation_table, 1, spec, arena,
                       err) != 0 ||
        check_pairs(spec, settings, err) != 0 ||
        check_least(spec, settings, err) != 0) {
        return -1;
    }
    bool has_profile = spec->profile[0] != '\0' || spec->profile_file[0] != '\0';
    if (has_profile && profile_read(spec, settings, arena, err) != 0) {
        return -1;
    }
    return spec->spikes_text[0] != '\0' ? spikes_read(spec, settings, arena, err) : 0;
}

bool modulation_is_flat(const struct modulation_spec *spec)
{
    return spec->n_corners == 0 && spec->n_spikes == 0 && spec->spike_every_ns == 0 &&
           (spec->ramp_ns == 0 || spec->ramp_nano == 1000000000);
}
