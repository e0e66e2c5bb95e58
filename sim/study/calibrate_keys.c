#include "study/calibrate_keys.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/quantity.h"

/* 18 or 50 constants fit the same rows better and predict others worse; these are what
 * closed loops can tell apart.  Overlaps trade off against the efficiencies, and what few
 * rows see (PCIe, FP4, collectives) is better named by who has such rows. */
static const char standard_list[] =
    "memory_efficiency,compute_efficiency,expert_compute_efficiency,activation_traffic,"
    "step_overhead_us,layer_overhead_us,moe_layer_overhead_us,sequence_overhead_us,"
    "prefill_overhead_us,moe_prefill_overhead_us,frontend_ms";

static bool is_number(const struct field *field)
{
    return quantity_is_number(field->type);
}

static int refuse_key(const char *key, struct err *err)
{
    const char *nearest = field_nearest(&constants_table, 1, key);
    return err_set(err, "--fit: '%.80s' is not a constant of an engine%s%s%s", key,
                   nearest != NULL ? "; did you mean '" : " (see 'servesim list keys')",
                   nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

/* What a number of the table says in its small unit. */
static double bound_of(const struct field *field, const char *text, struct arena *arena)
{
    int64_t value = 0;
    struct err err;
    struct field alone = *field;
    alone.offset = 0;
    CHECK(field_read(&alone, &value, text, arena, &err) == 0);
    return (double)value;
}

/* Constants that follow from the fit, or that are rules and not speeds. */
static bool is_fixed(const char *key)
{
    return strcmp(key, "tpot_sd") == 0 || strcmp(key, "ttft_sd") == 0 ||
           strcmp(key, "poll_steps") == 0;
}

static int add_key(struct calibrate_keys *keys, const char *name, struct arena *arena,
                   struct err *err)
{
    const struct field *field = field_find(&constants_table, name);
    if (field == NULL) {
        return refuse_key(name, err);
    }
    if (!is_number(field) || is_fixed(name)) {
        return err_set(err,
                       "--fit: %s is not a speed that could be fitted; expected "
                       "efficiencies, overlaps and overheads",
                       name);
    }
    for (int32_t i = 0; i < keys->n; i++) {
        if (keys->key[i].field == field) {
            return err_set(err, "--fit: %s is named twice", name);
        }
    }
    CHECK(keys->n < CALIBRATE_MOST_KEYS);
    struct calibrate_key *key = &keys->key[keys->n++];
    *key = (struct calibrate_key){
        .field = field,
        .least = bound_of(field, field->least, arena),
        .greatest = bound_of(field, field->greatest, arena),
    };
    key->is_share = field->type == FIELD_NANO && key->greatest <= 2e9;
    return 0;
}

int calibrate_keys_read(struct calibrate_keys *keys, const char *list,
                        struct arena *arena, struct err *err)
{
    memset(keys, 0, sizeof *keys);
    keys->chosen = list != NULL;
    const char *from = list != NULL ? list : standard_list;
    for (;;) {
        size_t length = strcspn(from, ",");
        char name[100];
        snprintf(name, sizeof name, "%.*s", length < 99 ? (int)length : 99, from);
        if (add_key(keys, name, arena, err) != 0) {
            return -1;
        }
        if (from[length] == '\0') {
            return 0;
        }
        from += length + 1;
    }
}

int64_t calibrate_keys_value(const struct calibrate_key *key,
                             const struct constants *constants)
{
    int64_t value = 0;
    memcpy(&value, (const char *)constants + key->field->offset, sizeof value);
    return value;
}

static double clamped(double value, double least, double greatest)
{
    return fmin(fmax(value, least), greatest);
}

/* One bare unit of the field: 1 us, 1 token. */
static double unit_of(const struct field *field)
{
    struct arena arena = {0};
    double unit = bound_of(field, "1", &arena);
    memory_arena_free(&arena);
    return unit;
}

/* At its bound a value has no coordinate: the search starts a little inside. */
double calibrate_keys_coordinate(const struct calibrate_key *key, double value)
{
    if (key->is_share) {
        double share = (value - key->least) / (key->greatest - key->least);
        share = clamped(share, 0.02, 0.98);
        return log(share / (1 - share));
    }
    return log(fmax(value - key->least, unit_of(key->field)));
}

static double value_at(const struct calibrate_key *key, double at)
{
    double value = key->is_share ? key->least + (key->greatest - key->least) /
                                                    (1 + exp(-clamped(at, -30, 30)))
                                 : key->least + exp(clamped(at, -30, 60));
    return clamped(value, key->least, key->greatest);
}

/* Half up to so many significant digits. */
static double rounded(double value, int digits)
{
    if (value <= 0 || digits <= 0) {
        return value;
    }
    double unit = pow(10, floor(log10(value)) - digits + 1);
    return floor(value / unit + 0.5) * unit;
}

void calibrate_keys_set(const struct calibrate_keys *keys, const double *at, int digits,
                        struct constants *constants)
{
    for (int32_t i = 0; i < keys->n; i++) {
        const struct calibrate_key *key = &keys->key[i];
        double value = rounded(value_at(key, at[i]), digits);
        int64_t whole = (int64_t)floor(clamped(value, key->least, key->greatest) + 0.5);
        memcpy((char *)constants + key->field->offset, &whole, sizeof whole);
    }
}

double calibrate_keys_relative(const struct calibrate_key *key, double at)
{
    double value = value_at(key, at);
    double above = value - key->least;
    double slope = key->is_share
                       ? above * (key->greatest - value) / (key->greatest - key->least)
                       : above;
    return value > 0 ? slope / value : 0;
}

bool calibrate_keys_is_bound(const struct calibrate_key *key, double at)
{
    double value = value_at(key, at);
    if (key->is_share) {
        double margin = 0.01 * (key->greatest - key->least);
        return value - key->least < margin || key->greatest - value < margin;
    }
    double unit = unit_of(key->field);
    return value - key->least < 0.01 * unit || key->greatest - value < unit;
}
