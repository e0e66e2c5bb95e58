/* payers: who the bill is for: tenants.csv, one row per tenant, and sessions.csv.
 *
 * Money and energy of a payer are what requests.csv prints of its completed requests, so
 * that rows sum to the rows of bill.csv to the last digit.  What nobody asked for (idle
 * time, starts, failures, lost work, electricity) is spread over payers in proportion to
 * the money attributed to them; that column sums to the whole bill, if there is any such
 * money.
 */
#ifndef SERVESIM_OUTPUT_PAYERS_H
#define SERVESIM_OUTPUT_PAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"
#include "engine/probe.h"
#include "output/columns.h"

struct payers_row {
    char *name;    /* NULL: nobody's yet */
    int32_t first; /* request */
    int32_t next;  /* with the same hash; -1: none */
    int64_t n_requests;
    int64_t n_completed;
    int64_t n_met;
    int64_t input_tokens; /* of completed ones, as are the others */
    int64_t cached_tokens;
    int64_t output_tokens;
    wide pico_usd;
    wide micro_j;
};

/* A zeroed one has no rows. */
struct payers {
    struct payers_row *rows;
    int32_t n;
    int32_t room;
    int32_t *buckets;
    int32_t n_buckets; /* a power of two; 0: rows have numbers */
};

/* What a request is worth to its payer, as requests.csv prints it. */
struct payers_share {
    wide pico_usd;
    wide micro_j;
    bool met;
};

extern const struct columns payers_tenants_columns;
extern const struct columns payers_sessions_columns;

void payers_free(struct payers *payers);

/* A request of tenant `record->tenant` left. */
void payers_add_tenant(struct payers *payers, const struct probe_record *record,
                       const struct payers_share *share);

/* A request of a session left; memory grows with the sessions. */
void payers_add_session(struct payers *payers, const struct probe_record *record,
                        const struct payers_share *share);

/* Money of the first `part` of `whole` that was attributed, in picodollars, if all of
 * `pico_usd` is spread in proportion: sums of differences are exact. */
wide payers_spread(wide pico_usd, wide part, wide whole);

/* Sorts rows by their first request and writes the file: `pico_usd` is the whole bill. */
int payers_write(struct payers *payers, const struct columns *columns,
                 const char *folder, wide pico_usd, bool has_slo, struct err *err);

/* Rows that have a name, and the money that falls to them with all overhead. */
int64_t payers_n_named(const struct payers *payers);
wide payers_named_pico_usd(const struct payers *payers, wide pico_usd);

#endif
