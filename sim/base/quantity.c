#include "base/quantity.h"

#include "base/check.h"
#include "base/decimal.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_BYTES = 256 };

/* One of it is times x 10^ten of the small unit the int64_t counts. */
struct unit {
    const char *name;
    int64_t times;
    int ten;
};

static const struct unit count_units[] = {
    {"", 1, 0},     {"k", 1, 3},       {"m", 1, 6},
    {"K", 1024, 0}, {"M", 1048576, 0}, {NULL, 0, 0},
};
static const struct unit time_units[] = {
    {"ns", 1, 0},   {"us", 1, 3},  {"ms", 1, 6}, {"s", 1, 9},
    {"min", 6, 10}, {"h", 36, 11}, {NULL, 0, 0},
};
static const struct unit femto_units[] = {
    {"fs", 1, 0},  {"ps", 1, 3}, {"ns", 1, 6}, {"us", 1, 9},
    {"ms", 1, 12}, {"s", 1, 15}, {NULL, 0, 0},
};
static const struct unit bytes_units[] = {
    {"B", 1, 0},         {"kB", 1, 3},           {"MB", 1, 6},
    {"GB", 1, 9},        {"TB", 1, 12},          {"KiB", 1024, 0},
    {"MiB", 1048576, 0}, {"GiB", 1073741824, 0}, {"TiB", 1099511627776, 0},
    {NULL, 0, 0},
};
static const struct unit bandwidth_units[] = {
    {"B/s", 1, 0},  {"kB/s", 1, 3},  {"MB/s", 1, 6},
    {"GB/s", 1, 9}, {"TB/s", 1, 12}, {NULL, 0, 0},
};
static const struct unit flops_units[] = {
    {"FLOPS", 1, 0},   {"GFLOPS", 1, 9}, {"TFLOPS", 1, 12},
    {"PFLOPS", 1, 15}, {NULL, 0, 0},
};
static const struct unit power_units[] = {
    {"mW", 1, 0},
    {"W", 1, 3},
    {"kW", 1, 6},
    {NULL, 0, 0},
};
static const struct unit nano_units[] = {{"", 1, 9}, {NULL, 0, 0}};

/* What a user may write for a type; no units for what is not a number. */
struct kind {
    const struct unit *units; /* the small unit first */
    const char *what;         /* "'12q' is not a ..." */
    const char *suffixes;
};

static const struct kind kinds[] = {
    [FIELD_COUNT] = {count_units, "count", "k, m, K or M"},
    [FIELD_TIME] = {time_units, "time", "ns, us, ms, s, min or h"},
    [FIELD_FEMTO] = {femto_units, "time", "fs, ps, ns, us, ms or s"},
    [FIELD_BYTES] = {bytes_units, "size", "B, kB, MB, GB, TB, KiB, MiB, GiB or TiB"},
    [FIELD_BANDWIDTH] = {bandwidth_units, "bandwidth", "B/s, kB/s, MB/s, GB/s or TB/s"},
    [FIELD_FLOPS] = {flops_units, "speed", "FLOPS, GFLOPS, TFLOPS or PFLOPS"},
    [FIELD_POWER] = {power_units, "power", "mW, W or kW"},
    [FIELD_NANO] = {nano_units, "number", ""},
    [FIELD_FLAG] = {NULL, "", ""},
    [FIELD_CHOICE] = {NULL, "", ""},
    [FIELD_TEXT] = {NULL, "", ""},
};

bool quantity_is_number(enum field_type type)
{
    return kinds[type].units != NULL;
}

/* Counts and plain decimals need no unit: theirs is only a label. */
static bool needs_unit(const struct field *field)
{
    return kinds[field->type].units[0].name[0] != '\0';
}

static const struct unit *unit_find(const struct field *field, const char *name)
{
    for (const struct unit *unit = kinds[field->type].units; unit->name != NULL;
         unit++) {
        if (strcmp(unit->name, name) == 0) {
            return unit;
        }
    }
    return NULL;
}

static const struct unit *bare_unit(const struct field *field)
{
    return unit_find(field, needs_unit(field) ? field->unit : "");
}

static int refuse(const struct field *field, const char *text, struct err *err)
{
    const struct kind *kind = &kinds[field->type];
    if (field->type == FIELD_COUNT) {
        return err_set(err, "'%.200s' is not a count (a whole number, bare or with %s)",
                       text, kind->suffixes);
    }
    if (field->type == FIELD_NANO) {
        return err_set(err, "'%.200s' is not a number (a decimal without a unit)",
                       text);
    }
    return err_set(err, "'%.200s' is not a %s (a number with %s; bare numbers are %s)",
                   text, kind->what, kind->suffixes, field->unit);
}

/* The name of the unit that follows a number: no blanks around it. */
static const struct unit *suffix_read(const struct field *field, const char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        length--;
    }
    char name[8] = "";
    if (length >= sizeof name) {
        return NULL;
    }
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    return length > 0 ? unit_find(field, name) : bare_unit(field);
}

/* mantissa x 10^exponent of the small unit, checked for what its type can hold. */
static int small_units(const struct field *field, const char *text, wide mantissa,
                       int exponent, int64_t *value, struct err *err)
{
    while (exponent < 0 && mantissa != 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        exponent++;
    }
    if (field->type == FIELD_COUNT && exponent < 0 && mantissa != 0) {
        return err_set(err, "'%.200s' is not a whole number", text);
    }
    if (!decimal_round(mantissa, exponent, value)) {
        return err_set(err, "'%.200s' is too %s", text,
                       mantissa < 0 ? "small" : "large");
    }
    if (*value == 0 && mantissa != 0) {
        return err_set(err, "'%.200s' is so near to 0 that it would be taken as 0",
                       text);
    }
    return 0;
}

static int number_read(const struct field *field, const char *text, int64_t *value,
                       struct err *err)
{
    wide mantissa = 0;
    int exponent = 0;
    const char *rest = decimal_read(text + strspn(text, " \t"), &mantissa, &exponent);
    const struct unit *unit = rest == NULL ? NULL : suffix_read(field, rest);
    if (unit == NULL) {
        return refuse(field, text, err);
    }
    wide scaled = 0; /* the compiler's own check: 38 digits leave little room */
    if (__builtin_mul_overflow(mantissa, (wide)unit->times, &scaled)) {
        return err_set(err, "'%.200s' has too many digits", text);
    }
    return small_units(field, text, scaled, exponent + unit->ten, value, err);
}

void quantity_describe(const struct field *field, const char *text, char described[256])
{
    size_t length = strlen(text);
    bool bare = field->unit[0] != '\0' && length > 0 && text[length - 1] >= '0' &&
                text[length - 1] <= '9';
    snprintf(described, TEXT_BYTES, "%s%s%s", text, bare ? " " : "",
             bare ? field->unit : "");
}

static int64_t bound(const struct field *field, const char *text)
{
    int64_t value = 0;
    struct err err;
    CHECK(number_read(field, text, &value, &err) == 0);
    return value;
}

static int check_bounds(const struct field *field, const char *text, int64_t value,
                        struct err *err)
{
    char limit[TEXT_BYTES];
    if (field->least != NULL && value < bound(field, field->least)) {
        quantity_describe(field, field->least, limit);
        return err_set(err, "'%.200s' is less than %s", text, limit);
    }
    if (field->greatest != NULL && value > bound(field, field->greatest)) {
        quantity_describe(field, field->greatest, limit);
        return err_set(err, "'%.200s' is greater than %s", text, limit);
    }
    return 0;
}

int quantity_read(const struct field *field, const char *text, int64_t *value,
                  struct err *err)
{
    if (number_read(field, text, value, err) != 0) {
        return -1;
    }
    return check_bounds(field, text, *value, err);
}

static int64_t unit_worth(const struct unit *unit)
{
    int64_t worth = unit->times;
    for (int i = 0; i < unit->ten; i++) {
        worth *= 10;
    }
    return worth;
}

/* The coarsest unit of which the value is a whole number: of the small unit it is. */
static const struct unit *whole_unit(const struct field *field, int64_t value)
{
    const struct unit *best = kinds[field->type].units;
    for (const struct unit *unit = best; unit->name != NULL; unit++) {
        if (value % unit_worth(unit) == 0 && unit_worth(unit) > unit_worth(best)) {
            best = unit;
        }
    }
    return best;
}

void quantity_print(const struct field *field, int64_t value, char text[256])
{
    const struct unit *unit = bare_unit(field);
    CHECK(unit != NULL);
    if (unit->times == 1) {
        decimal_print(value, unit->ten, text);
    } else if (value % unit_worth(unit) == 0) {
        snprintf(text, TEXT_BYTES, "%" PRId64, value / unit_worth(unit));
    } else {
        unit = whole_unit(field, value);
        snprintf(text, TEXT_BYTES, "%" PRId64 "%s", value / unit_worth(unit),
                 unit->name);
    }
}

void quantity_verify(const struct field *field)
{
    CHECK(bare_unit(field) != NULL);
    CHECK(needs_unit(field) || field->unit[0] == '\0' ||
          unit_find(field, field->unit) == NULL); /* a label that looks like a suffix */
    int64_t least = field->least != NULL ? bound(field, field->least) : INT64_MIN;
    int64_t greatest =
        field->greatest != NULL ? bound(field, field->greatest) : INT64_MAX;
    CHECK(least <= greatest);
}
