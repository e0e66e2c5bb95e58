/* price: what a GPU costs per hour, on whose terms.
 *
 * A pool's GPUs are rented on demand, reserved or spot, at the accelerator's prices, or
 * owned: capital over its life, hosting by the kilowatt, electricity by the meter.
 * What is reserved or owned is paid for the whole run, on or off; so are the first
 * `committed_replicas` places of a pool that rents the others.  Each place has one rate
 * for the whole run, in whole nano-dollars per hour, and money is counted in
 * nanoseconds x nano-dollars per hour: integers, divided once, when printed.
 */
#ifndef SERVESIM_MODEL_PRICE_H
#define SERVESIM_MODEL_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/wide.h"
#include "model/accelerator.h"

enum price_basis { PRICE_ON_DEMAND, PRICE_RESERVED, PRICE_SPOT, PRICE_OWNED };

enum price_billing { PRICE_BY_GPU, PRICE_BY_NODE };

/* Keys of a pool. */
struct price_config {
    int64_t basis;   /* enum price_basis */
    int64_t billing; /* enum price_billing */
    int64_t n_committed;
    int64_t amortisation_nano_years;
    int64_t hosting_usd_per_kw_month_nano;
};

extern const struct field_table price_table;

/* The section [price]: the terms of all pools. */
struct price_terms {
    int64_t increment_ns;
    int64_t minimum_ns;
    int64_t starting_free; /* flags */
    int64_t failed_free;
    const char
        *book; /* whose prices: input/config_prices.h; "" if of no vendor alone */
};

enum { PRICE_TERMS_FIELDS = 5 };
extern const struct field price_terms_fields[PRICE_TERMS_FIELDS];

/* What follows for one pool. */
struct price {
    enum price_basis basis;
    int64_t gpu_nano;       /* nano-dollars per GPU-hour */
    int64_t committed_nano; /* of the GPUs of committed places */
    int64_t n_committed;    /* places that are paid for whether on or not */
    int64_t gpus;           /* of a replica */
    int64_t unit_gpus;      /* of what is rented as a whole: a replica, or its nodes */
    int64_t unit_places;    /* places in it */
    struct price_terms terms;
    const char *source; /* whose price gpu_nano is; "" if nobody says */
    const char *committed_source;
};

/* A pool of which one wants the price. */
struct price_pool {
    const char *where; /* "[pool.main]", for errors */
    const char *accelerator_name;
    const struct accelerator *accelerator;
    int64_t gpus;     /* of a replica, or of a rank with a scheduler of its own */
    int64_t n_ranks;  /* such of a replica; 0: none */
    int64_t n_places; /* replicas, or ranks, that it may ever have */
    const struct price_terms *terms;
};

/* Works the price out; -1 and `err` if the basis has no price. */
int price_init(struct price *price, const struct price_config *config,
               const struct price_pool *pool, struct err *err);

/* Nano-dollars per GPU-hour of owned GPUs, without electricity, half up: capex over its
 * life in hours of 365.25 days, hosting of the TDP over a twelfth of a year. */
int64_t price_owned_nano(const struct price_config *config,
                         const struct accelerator *accelerator);

/* Whether the place is paid for whether it is on or not. */
bool price_is_committed(const struct price *price, int64_t place);

/* Nano-dollars per GPU-hour, and per hour of the whole replica, of that place. */
int64_t price_gpu_nano(const struct price *price, int64_t place);
int64_t price_replica_nano(const struct price *price, int64_t place);

/* For how long a stretch of `ns` > 0 is billed: the minimum, then whole increments. */
int64_t price_billed_ns(const struct price_terms *terms, int64_t ns);

/* What facility energy costs its owner, in ns x nano-dollars per hour, half up. */
wide price_electricity_usd_ns(int64_t usd_per_kwh_nano, wide facility_pj);

/* ns x nano-dollars per hour as picodollars, half up. */
wide price_pico_usd(wide usd_ns);

#endif
