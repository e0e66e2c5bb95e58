/* meter: what stands around the GPUs, and what holds them back: the section [power].
 *
 * Host share: beside each GPU its share of CPUs, memory, network cards and fans draws
 * host_idle whenever the GPU is powered, and host_active more while a step runs.  GPUs and
 * host together are the IT energy, which every joule and watt of the results is, unless
 * its name says otherwise.  Facility energy = IT energy x PUE; carbon and electricity are
 * constants times facility energy.
 *
 * Limits: a GPU's mean power over a step is at most `power_cap`, and at most what keeps it
 * below its greatest temperature in the steady state, T = T_ambient + P x R / eta, or
 *
 *   P <= (T_max - T_ambient) x eta / R                       (E17 of the errata)
 *
 * A step whose energy over its duration would be more than that is clocked down: its
 * compute takes longer until the mean is at the limit.  The work of a step costs the same
 * energy at any clock (lower voltages at lower clocks would save some: not modelled), and
 * what a running GPU draws in any case goes on for longer:
 *
 *   d = max(d, (energy of the work) / (limit - power while a step runs))
 *
 * This is a form of the step's counts like its price, so that it is worked out exactly:
 * coefficients in femtoseconds, each rounded up, and the sum rounded up to nanoseconds.
 * A limit at or above TDP never binds.  Limits hold GPUs, not hosts.
 */
#ifndef SERVESIM_MODEL_METER_H
#define SERVESIM_MODEL_METER_H

#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/wide.h"
#include "model/power.h"

struct meter_config {
    int64_t pue_nano;
    int64_t host_idle_mw; /* per GPU, as are the others */
    int64_t host_active_mw;
    int64_t power_cap_mw;         /* 0: none */
    int64_t ambient_nano;         /* degrees Celsius x 10^9, as is the next */
    int64_t max_temperature_nano; /* 0: none */
    int64_t thermal_resistance_nano;
    int64_t cooling_efficiency_nano;
    int64_t carbon_g_per_kwh_nano;
    int64_t usd_per_kwh_nano;
};

enum { METER_FIELDS = 10 };
extern const struct field meter_fields[METER_FIELDS];

enum meter_limit { METER_NO_LIMIT, METER_POWER_CAP, METER_THERMAL };

/* The most that a GPU may draw on average over a step, and why; INT64_MAX if there is no
 * limit.  -1 if the keys of the thermal limit do not go together. */
int meter_limit_mw(const struct meter_config *config, int64_t *limit_mw,
                   enum meter_limit *limit, struct err *err);

/* Adds the host share of a replica of `n_gpus` GPUs to its power, and the limit if it is
 * below their TDP; the energy of `drafter` counts, too.  -1 if a step would draw the limit
 * before it does anything; `where` names the pool. */
int meter_apply(const struct meter_config *config, int64_t n_gpus, int64_t tdp_mw,
                const char *where, struct power *power, struct power *drafter,
                struct err *err);

/* Facility energy of IT energy, half up. */
wide meter_facility_pj(const struct meter_config *config, wide it_pj);

/* Billionths of a gram of CO2 equivalent, and of a dollar, of facility energy. */
wide meter_carbon_nano(const struct meter_config *config, wide facility_pj);
wide meter_usd_nano(const struct meter_config *config, wide facility_pj);

#endif
