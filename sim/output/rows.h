/* rows: requests.csv, one row per request in trace order. */
#ifndef SERVESIM_OUTPUT_ROWS_H
#define SERVESIM_OUTPUT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/pool.h"
#include "engine/probe.h"
#include "engine/slo.h"
#include "output/columns.h"
#include "output/text.h"

extern const struct columns rows_columns;

struct rows {
    struct text text;
    const struct pool *pools;
    const struct slo *slo;
};

int rows_open(struct rows *rows, const char *folder, const struct pool *pools,
              const struct slo *slo, struct err *err);

/* Writes a request's id at `at`: the trace's own, or its number. */
char *rows_id(char *at, int32_t id, const char *labels);

/* Writes one row; what the reorder buffer calls. */
void rows_write(void *rows, const struct probe_record *record);

#endif
