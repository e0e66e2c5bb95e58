/* calibrate_keys: which constants of an engine are fitted, and on which scale.
 *
 * A share (an efficiency, an overlap) is fitted as the logit of where it stands between its
 * field's bounds, anything else as the logarithm of what it is above its least value; so
 * no step of the search can leave the bounds.
 */
#ifndef SERVESIM_STUDY_CALIBRATE_KEYS_H
#define SERVESIM_STUDY_CALIBRATE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"
#include "model/constants.h"

enum { CALIBRATE_MOST_KEYS = 40 };

struct calibrate_key {
    const struct field *field;
    bool is_share;
    double least; /* in the field's small unit, as all values here */
    double greatest;
};

struct calibrate_keys {
    struct calibrate_key key[CALIBRATE_MOST_KEYS];
    int32_t n;
    bool chosen; /* by the user: all are kept; else those that the rows see */
};

/* Reads "key,key"; NULL: what most measurements see. */
int calibrate_keys_read(struct calibrate_keys *keys, const char *list,
                        struct arena *arena, struct err *err);

/* The value of a constant, and that value as a coordinate of the search. */
int64_t calibrate_keys_value(const struct calibrate_key *key,
                             const struct constants *constants);
double calibrate_keys_coordinate(const struct calibrate_key *key, double value);

/* Sets the constants to what the coordinates say; `digits` > 0 rounds to so many
 * significant digits. */
void calibrate_keys_set(const struct calibrate_keys *keys, const double *at, int digits,
                        struct constants *constants);

/* Relative change of the value, per unit of the coordinate. */
double calibrate_keys_relative(const struct calibrate_key *key, double at);

/* Whether the value stands at one of the field's bounds, as far as a fit can tell. */
bool calibrate_keys_is_bound(const struct calibrate_key *key, double at);

#endif
