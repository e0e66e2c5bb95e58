/* tenants: those who share the servers: what [tenant.NAME] says of them.
 *
 * The trace's column `tenant` tells whose a request is.  Tenants are numbered in the order
 * in which they appear there; one without a section has weight 1, no deadline and the
 * acceptance that [speculative] says.
 */
#ifndef SERVESIM_INPUT_TENANTS_H
#define SERVESIM_INPUT_TENANTS_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/memory.h"
#include "engine/sim.h"
#include "input/settings.h"

struct tenants_class {
    const char *name;
    int64_t weight_nano;
    int64_t deadline_ns; /* after arrival; 0: none */
    const char *acceptance;
    int64_t acceptance_nano; /* what it says, unless it is "" */
};

/* The sections, as a configuration has them. */
struct tenants_config {
    struct tenants_class *classes;
    int32_t n;
};

extern const struct field_table tenants_table;

int tenants_read(struct tenants_config *config, struct settings *settings,
                 struct arena *arena, struct err *err);
void tenants_print(const struct tenants_config *config, FILE *out);

/* Those of a run.  `default_deadline_ns` is of requests that nobody gives one; -1: none. */
struct tenants;

struct tenants *tenants_new(const struct tenants_config *config,
                            int64_t default_deadline_ns);
void tenants_free(struct tenants *tenants);

/* Says whose the request is, by its labels, and fills weight, deadline and acceptance. */
void tenants_describe(struct tenants *tenants, struct sim_arrival *arrival);

#endif
