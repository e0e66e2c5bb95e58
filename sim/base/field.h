/* field: a number the user may set is one row in a table beside its struct.
 *
 * Parsing, checking, `servesim list`, `--help` and the echoed config.ini all read that
 * row; there is no second place.  Every value is held exactly: an int64_t count of a
 * small unit (ns, bytes, mW, nano-dollars ...), or a text.  Physics turns it into a
 * double where it needs one.
 */
#ifndef SERVESIM_BASE_FIELD_H
#define SERVESIM_BASE_FIELD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/memory.h"

/* What a value is: what the int64_t counts, and which suffixes a user may write. */
enum field_type {
    FIELD_COUNT,     /* things; k m are 10^3 10^6, K M are 2^10 2^20 (as vLLM) */
    FIELD_TIME,      /* nanoseconds; ns us ms s min h */
    FIELD_FEMTO,     /* femtoseconds; fs ps ns us ms s */
    FIELD_BYTES,     /* bytes; B kB MB GB TB, KiB MiB GiB TiB */
    FIELD_BANDWIDTH, /* bytes per second; B/s kB/s MB/s GB/s TB/s */
    FIELD_FLOPS,     /* FLOP per second; FLOPS GFLOPS TFLOPS PFLOPS */
    FIELD_POWER,     /* milliwatts; mW W kW */
    FIELD_NANO,      /* a plain decimal in units of 10^-9 (ratios, dollars); none */
    FIELD_FLAG,      /* 0 or 1; yes no true false on off 1 0 */
    FIELD_CHOICE,    /* the index in `choices` */
    FIELD_TEXT,      /* const char *, in the arena; "" if not set */
};

struct field {
    const char *key;
    enum field_type type;
    size_t offset;        /* of the int64_t or const char * in its struct */
    const char *unit;     /* what a bare number is in: "ms", "GB" ...; "" for none */
    const char *standard; /* default, as a user would write it; NULL: must be given */
    const char *least;    /* inclusive bounds, as a user would write them; NULL: none */
    const char *greatest;
    const char *choices; /* "unified|sarathi" for FIELD_CHOICE, else NULL */
    const char *help;    /* one sentence, no full stop */
};

/* A table and where its struct stands inside a larger one. */
struct field_table {
    const char *name;
    const struct field *fields;
    int32_t n_fields;
    size_t base; /* offset of the struct the fields' offsets count from */
};

/* Reads `text` as a value of `field` into the struct that starts at `base` (the table's
 * struct).  On a bad value returns -1 with an `err` that holds only the reason, such as
 * "'12q' is not a time (a number with ns, us, ms, s, min or h; bare numbers are ms)" or
 * "'-1' is less than 0"; the caller puts the place in front.  What lies beyond the
 * small unit is rounded half up; a value that is not 0 but rounds to it is refused. */
int field_read(const struct field *field, void *base, const char *text,
               struct arena *arena, struct err *err);

/* Writes the value as a user would, so that field_read() gets the same back: in the
 * bare unit, exactly, or with a finer unit where no decimal can say it (1 ns in min).
 * `text` has 256 bytes; texts longer than that are a bug. */
void field_print(const struct field *field, const void *base, char text[256]);

/* One line of help: default, range or choices, unit: "default 7 ms, 0 ms to 1 h"
 * or "one of unified, sarathi; default unified".  `text` has 256 bytes. */
void field_range(const struct field *field, char text[256]);

/* The field of that key in the table, or NULL. */
const struct field *field_find(const struct field_table *table, const char *key);

/* The key of the tables most like a mistyped one, or NULL if none is near. */
const char *field_nearest(const struct field_table *tables, int32_t n_tables,
                          const char *key);

/* Gives every field its default.  `base` is the larger struct, the table's stands
 * inside it.  A field without a default is marked as missing until field_read() sets
 * it. */
void field_defaults(const struct field_table *table, void *base, struct arena *arena);

/* The first field without a default that nothing has set since field_defaults(), or
 * NULL if all are given; an empty text is not given. */
const struct field *field_missing(const struct field_table *table, const void *base);

/* Aborts unless every row is sound: unit and bounds can be read, the default lies
 * within its own bounds, keys fit a configuration file.  For the test of each table. */
void field_verify(const struct field_table *table);

#endif
