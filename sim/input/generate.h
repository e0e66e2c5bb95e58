/* generate: a workload that looks like real traffic, from a few numbers.
 *
 * A workload file says how requests arrive ([arrivals]), how long prompts and outputs
 * are ([prompt], [output]) and how the two go together: a Gaussian copula, which leaves
 * both distributions as they are.  The same file and seed give the same trace;
 * arrivals, prompts and outputs have random streams of their own, so that changing one
 * of them leaves the others alone.
 */
#ifndef SERVESIM_INPUT_GENERATE_H
#define SERVESIM_INPUT_GENERATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"
#include "input/arrivals.h"
#include "input/lengths.h"

struct generate_spec {
    const char *path;
    int64_t n_requests; /* at most; what comes first ends the trace */
    int64_t duration_ns;
    bool has_duration; /* false: fewer than n_requests are an error */
    int64_t seed;
    int64_t copula_rho_nano;
    struct arrivals_spec arrivals;
    struct lengths_spec prompt;
    struct lengths_spec output;
};

/* The keys of [workload]. */
extern const struct field_table generate_table;

/* Reads the workload at `path`, then `n_overrides` texts "section.key=value".  What it
 * points to lives in the arena. */
int generate_read(struct generate_spec *spec, const char *path,
                  const char *const *overrides, int32_t n_overrides,
                  struct arena *arena, struct err *err);

/* Writes the trace as it is drawn, CSV of arrival_s, prompt_tokens and output_tokens
 * with a header, and flushes `out`.  -1 if a write fails or too few requests come
 * before the end: then `out` holds a part. */
int generate_write(const struct generate_spec *spec, FILE *out,
                   const volatile sig_atomic_t *interrupted, struct err *err);

#endif
