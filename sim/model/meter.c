#include "model/meter.h"

#include <inttypes.h>
#include <stdio.h>

#define AT(member) offsetof(struct meter_config, member)

const struct field meter_fields[METER_FIELDS] = {
    {"pue", FIELD_NANO, AT(pue_nano), "", "1", "1", "10", NULL,
     "facility energy per IT energy: cooling, conversion, light"},
    {"host_idle_w", FIELD_POWER, AT(host_idle_mw), "W", "0", "0", "100000", NULL,
     "what CPUs, memory, network and fans draw per GPU that is powered"},
    {"host_active_w", FIELD_POWER, AT(host_active_mw), "W", "0", "0", "100000", NULL,
     "and beyond that while a step runs"},
    {"power_cap", FIELD_POWER, AT(power_cap_mw), "W", "0", "0", "100000", NULL,
     "greatest mean power of a GPU over a step, which lasts longer instead; 0: none"},
    {"ambient_c", FIELD_NANO, AT(ambient_nano), "", "25", "0", "200", NULL,
     "temperature around the GPUs, degrees Celsius"},
    {"max_temperature_c", FIELD_NANO, AT(max_temperature_nano), "", "0", "0", "1000",
     NULL, "temperature of a GPU at which it is clocked down; 0: no thermal limit"},
    {"thermal_resistance_c_per_w", FIELD_NANO, AT(thermal_resistance_nano), "", "0",
     "0", "1000", NULL, "degrees above ambient per watt of a GPU; 0: no thermal limit"},
    {"cooling_efficiency", FIELD_NANO, AT(cooling_efficiency_nano), "", "1", "0.001",
     "1", NULL, "share of its nominal effect that cooling has"},
    {"carbon_g_per_kwh", FIELD_NANO, AT(carbon_g_per_kwh_nano), "", "0", "0", "10000",
     NULL, "grams of CO2 equivalent per kWh of facility energy"},
    {"usd_per_kwh", FIELD_NANO, AT(usd_per_kwh_nano), "", "0", "0", "1000", NULL,
     "price of a kWh of facility energy in US dollars"},
};

static const int64_t nano = 1000000000;

int meter_limit_mw(const struct meter_config *config, int64_t *limit_mw,
                   enum meter_limit *limit, struct err *err)
{
    *limit_mw = INT64_MAX;
    *limit = METER_NO_LIMIT;
    bool has_temperature = config->max_temperature_nano > 0;
    if (has_temperature != (config->thermal_resistance_nano > 0)) {
        return err_set(
            err, "[power] %s: a thermal limit needs it beside %s",
            has_temperature ? "thermal_resistance_c_per_w" : "max_temperature_c",
            has_temperature ? "max_temperature_c" : "thermal_resistance_c_per_w");
    }
    if (has_temperature && config->max_temperature_nano <= config->ambient_nano) {
        return err_set(err, "[power] max_temperature_c: is not above ambient_c");
    }
    if (config->power_cap_mw > 0) {
        *limit_mw = config->power_cap_mw;
        *limit = METER_POWER_CAP;
    }
    if (has_temperature) {
        wide rise = config->max_temperature_nano - config->ambient_nano;
        wide mw = rise * config->cooling_efficiency_nano /
                  ((wide)config->thermal_resistance_nano * 1000000);
        if (mw < *limit_mw) {
            *limit_mw = (int64_t)mw;
            *limit = METER_THERMAL;
        }
    }
    return 0;
}

static const char *key_of(enum meter_limit limit)
{
    return limit == METER_POWER_CAP ? "power_cap" : "max_temperature_c";
}

static int refuse(enum meter_limit limit, int64_t limit_mw, int64_t busy_mw,
                  const char *where, struct err *err)
{
    return err_set(err,
                   "[power] %s: a limit of %" PRId64
                   ".%03d W is not 1 W above the %" PRId64
                   ".%03d W that a GPU of %s draws whenever a step runs",
                   key_of(limit), limit_mw / 1000, (int)(limit_mw % 1000),
                   busy_mw / 1000, (int)(busy_mw % 1000), where);
}

int meter_apply(const struct meter_config *config, int64_t n_gpus, int64_t tdp_mw,
                const char *where, struct power *power, struct power *drafter,
                struct err *err)
{
    int64_t limit_mw;
    enum meter_limit limit;
    if (meter_limit_mw(config, &limit_mw, &limit, err) != 0) {
        return -1;
    }
    if (limit_mw < tdp_mw) {
        int64_t busy_mw = (power->busy_mw + n_gpus - 1) / n_gpus; /* of a GPU */
        int64_t room_mw = limit_mw * n_gpus - power->busy_mw;
        if (limit_mw < busy_mw + 1000) {
            return refuse(limit, limit_mw, busy_mw, where, err);
        }
        if (!power_limit(power, room_mw) || !power_limit(drafter, room_mw)) {
            return err_set(err, "[power] %s: steps of %s would take hours",
                           key_of(limit), where);
        }
        power->limited = true;
        /* durations are rounded half up, but this one must not be too short */
        power->least_fs.step += 499999;
    }
    power->host_idle_mw = config->host_idle_mw * n_gpus;
    power->host_active_mw = config->host_active_mw * n_gpus;
    power->idle_mw += power->host_idle_mw;
    power->busy_mw += power->host_idle_mw + power->host_active_mw;
    return 0;
}

wide meter_facility_pj(const struct meter_config *config, wide it_pj)
{
    wide pue = config->pue_nano; /* in two parts: the product would not fit */
    return it_pj / nano * pue + wide_div_half_up(it_pj % nano * pue, nano);
}

/* Whole microjoules, so that years of large fleets times large constants fit. */
static wide per_kwh(wide facility_pj, int64_t per_kwh_nano)
{
    const wide kwh_uj = 3600000000000;
    return wide_div_half_up(wide_div_half_up(facility_pj, 1000000) * per_kwh_nano,
                            kwh_uj);
}

wide meter_carbon_nano(const struct meter_config *config, wide facility_pj)
{
    return per_kwh(facility_pj, config->carbon_g_per_kwh_nano);
}

wide meter_usd_nano(const struct meter_config *config, wide facility_pj)
{
    return per_kwh(facility_pj, config->usd_per_kwh_nano);
}
