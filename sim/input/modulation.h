/* modulation: how the rate of arrivals changes with the time of the day.
 *
 * The factor on the rate is a product of three: a profile, which may repeat itself every
 * day or week; a ramp from one rate to another; spikes at known or random moments.  The
 * profile's values only count beside each other: they are scaled to a mean of 1, so that
 * `rate_rps` stays the mean rate.  A process is drawn in operational time, the integral of
 * the rate, so its gaps keep their distribution and are shorter where the rate is high.
 */
#ifndef SERVESIM_INPUT_MODULATION_H
#define SERVESIM_INPUT_MODULATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"
#include "input/settings.h"

/* The end of all time here: no trace gets there. */
#define MODULATION_END_NS INT64_C(1000000000000000000)

struct modulation_corner {
    int64_t at_ns;
    double before; /* the profile on the left of it and on its right */
    double after;
};

struct modulation_spike {
    int64_t at_ns;
    int64_t end_ns;
    double factor;
};

enum modulation_shape { MODULATION_LINEAR, MODULATION_STEPS };

struct modulation_spec {
    const char *profile; /* as written; `corners` is what it means */
    const char *profile_file;
    int64_t shape;     /* enum modulation_shape */
    int64_t period_ns; /* 0: the last value holds for good */
    int64_t ramp_nano; /* the factor at its end; 10^9: there is no ramp */
    int64_t ramp_start_ns;
    int64_t ramp_ns;
    const char *spikes_text; /* as written; `spikes` is what it means */
    int64_t spike_every_ns;  /* mean time from a random spike to the next; 0: none */
    int64_t spike_ns;
    int64_t spike_nano;
    struct modulation_corner
        *corners;      /* the first at 0, one at the end of the period */
    int32_t n_corners; /* 0: no profile */
    double mean;       /* of the profile before it was scaled; 0: no profile */
    struct modulation_spike *spikes; /* one after the other */
    int32_t n_spikes;
};

/* The keys of [modulation]. */
extern const struct field_table modulation_table;

/* Reads the section; without it the factor is 1. */
int modulation_read(struct modulation_spec *spec, struct settings *settings,
                    struct arena *arena, struct err *err);

/* Whether the factor is 1 at all times. */
bool modulation_is_flat(const struct modulation_spec *spec);

#endif
