/* bill: what the fleet cost, and for what: bill.csv.
 *
 * Every dollar and joule stands in one row: with the requests that completed, or with
 * what was idle, starting, failed or lost; then what the terms of the contract add.
 * Inside, money is nanoseconds x nano-dollars per hour and sums with ==.  In the file it
 * is whole picodollars, as in requests.csv: `attributed` is the sum of that column over
 * completed requests, other rows are rounded half up, and `remainder` is what division
 * and this rounding leave, so that rows sum to the total to the last digit.
 */
#ifndef SERVESIM_OUTPUT_BILL_H
#define SERVESIM_OUTPUT_BILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"
#include "engine/sim.h"
#include "model/price.h"
#include "output/columns.h"
#include "output/lease.h"
#include "output/metrics.h"
#include "output/payers.h"

enum bill_item {
    BILL_ATTRIBUTED,
    BILL_IDLE,
    BILL_STARTING,
    BILL_FAILED,
    BILL_LOST,
    BILL_REMAINDER,
    BILL_UNUSED_COMMITMENT,
    BILL_UNUSED_NODE,
    BILL_ROUNDING_UP,
    BILL_ELECTRICITY,
    N_BILL_ITEMS
};

extern const struct columns bill_columns;

/* One row.  What has no replica of its own has GPUs only. */
struct bill_row {
    wide replica_ns;
    wide gpu_ns;
    wide usd_ns; /* ns x nano-dollars per hour */
    wide pj;
    wide pico_usd; /* as printed */
};

/* What the requests of one pool told: printed and exact. */
struct bill_told {
    wide completed_pico_usd;
    wide completed_micro_j;
    wide other_pico_usd;
    wide other_micro_j;
    wide completed_usd_ns;
    wide other_usd_ns;
    wide other_pj;
};

/* What the whole run's money is divided by: its completed requests. */
struct bill_served {
    int64_t n_requests;
    int64_t n_met;
    int64_t input_tokens;
    int64_t cached_tokens;
    int64_t output_tokens;
    int64_t met_output_tokens;
};

struct bill_options {
    const struct pool *pools;
    int32_t n_pools;
    bool sessions; /* write sessions.csv */
    bool has_slo;
};

struct bill {
    struct bill_options options;
    struct lease *leases; /* per pool */
    int32_t *pool_of;     /* per replica */
    struct bill_told *told;
    struct bill_row (*rows)[N_BILL_ITEMS]; /* per pool, and of the fleet */
    struct payers tenants;
    struct payers sessions;
    struct bill_served served;
    wide input_usd_ns;      /* of the attributed: prompts computed, */
    wide cached_usd_ns;     /* and fetched; the rest is output */
    wide committed_ns;      /* replica time that is paid for on or off, */
    wide committed_used_ns; /* and on */
};

void bill_init(struct bill *bill, const struct bill_options *options);
void bill_free(struct bill *bill);

/* A replica is in another state of life from `at_ns` on; at 0 all are told. */
void bill_life(struct bill *bill, const struct replica *replica, int64_t at_ns);

/* A request left. */
void bill_add(struct bill *bill, const struct probe_record *record, bool met);

/* The run is over: works out every row, and checks that they sum. */
void bill_close(struct bill *bill, struct sim *sim);

/* After bill_close(): bill.csv, tenants.csv, and sessions.csv if it was asked for. */
int bill_write(struct bill *bill, const char *folder, struct err *err);

/* After bill_close(): cost metrics of the whole run. */
void bill_metrics(const struct bill *bill, struct metrics *metrics);

/* The same in energy, as rows have it. */
wide bill_pj(const struct bill *bill, enum bill_item item);

#endif
