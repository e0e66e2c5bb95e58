#include "model/price.h"

#include <inttypes.h>

#include "base/check.h"

#define AT(member) offsetof(struct price_config, member)
#define TERMS(member) offsetof(struct price_terms, member)

static const struct field fields[] = {
    {"price_basis", FIELD_CHOICE, AT(basis), "", "on_demand", NULL, NULL,
     "on_demand|reserved|spot|owned",
     "whose GPUs: rented while on, reserved or owned for the whole run"},
    {"billing", FIELD_CHOICE, AT(billing), "", "gpu", NULL, NULL, "gpu|node",
     "gpu: a replica pays its GPUs; node: every node that it stands on is paid whole"},
    {"committed_replicas", FIELD_COUNT, AT(n_committed), "", "0", "0", "100000", NULL,
     "the first replicas are paid at the reserved price for the whole run, on or off"},
    {"amortisation_years", FIELD_NANO, AT(amortisation_nano_years), "", "4", "0.01",
     "100", NULL, "years over which owned GPUs are written off"},
    {"hosting_usd_per_kw_month", FIELD_NANO, AT(hosting_usd_per_kw_month_nano), "", "0",
     "0", "100000", NULL,
     "space, cooling and staff of owned GPUs, per kW of tdp and month"},
};

const struct field_table price_table = {
    .name = "price",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

const struct field price_terms_fields[PRICE_TERMS_FIELDS] = {
    {"increment", FIELD_TIME, TERMS(increment_ns), "s", "0", "0", "100000000", NULL,
     "what is rented is billed in whole multiples of this each time; 0: to the ns"},
    {"minimum", FIELD_TIME, TERMS(minimum_ns), "s", "0", "0", "100000000", NULL,
     "and for this long at least"},
    {"starting", FIELD_CHOICE, TERMS(starting_free), "", "billed", NULL, NULL,
     "billed|free", "whether replicas that start are billed"},
    {"failed", FIELD_CHOICE, TERMS(failed_free), "", "billed", NULL, NULL,
     "billed|free", "whether replicas that have failed are billed"},
    {"book", FIELD_TEXT, TERMS(book), "", "", NULL, NULL, NULL,
     "a file in configs/prices whose prices stand over those of accelerators' own "
     "files"},
};

enum { YEAR_HOURS = 8766 };

int64_t price_owned_nano(const struct price_config *config,
                         const struct accelerator *accelerator)
{
    const wide nano = 1000000000;
    /* both over 12 x 10^6 years_nano x 8766 h: one division, one rounding */
    wide years = config->amortisation_nano_years;
    wide capex = (wide)accelerator->capex_usd_nano * nano * 1000000;
    wide hosting =
        (wide)config->hosting_usd_per_kw_month_nano * accelerator->tdp_mw * 12 * years;
    return wide_narrow(wide_div_half_up(capex + hosting, years * YEAR_HOURS * 1000000));
}

static const char *basis_key(enum price_basis basis)
{
    switch (basis) {
    case PRICE_ON_DEMAND:
        return "usd_per_hour";
    case PRICE_RESERVED:
        return "usd_per_hour_reserved";
    case PRICE_SPOT:
        return "usd_per_hour_spot";
    case PRICE_OWNED:
        break;
    }
    return "capex_usd";
}

/* The price of a GPU-hour on that basis, and whose it is; 0 if it is not known. */
static int64_t gpu_nano(const struct price_config *config, enum price_basis basis,
                        const struct accelerator *accelerator, const char **source)
{
    switch (basis) {
    case PRICE_ON_DEMAND:
        *source = accelerator->price_source;
        return accelerator->usd_per_hour_nano;
    case PRICE_RESERVED:
        *source = accelerator->reserved_source;
        return accelerator->usd_per_hour_reserved_nano;
    case PRICE_SPOT:
        *source = accelerator->spot_source;
        return accelerator->usd_per_hour_spot_nano;
    case PRICE_OWNED:
        break;
    }
    *source = accelerator->capex_source;
    return accelerator->capex_usd_nano > 0 ? price_owned_nano(config, accelerator) : 0;
}

/* Nodes are filled in order, each with the replicas that fit; a larger replica has nodes
 * of its own. */
static void fill_units(struct price *price, const struct price_config *config,
                       const struct price_pool *pool)
{
    int64_t node = pool->accelerator->gpus_per_node;
    int64_t n_ranks = pool->n_ranks > 0 ? pool->n_ranks : 1;
    int64_t whole_gpus = pool->gpus * n_ranks; /* of a replica, with all its ranks */
    price->gpus = pool->gpus;
    price->unit_gpus = pool->gpus;
    price->unit_places = 1;
    if (config->billing != PRICE_BY_NODE || node == 0) {
        return;
    }
    if (whole_gpus <= node) {
        price->unit_gpus = node;
        price->unit_places = node / whole_gpus * n_ranks;
    } else {
        price->unit_gpus = (whole_gpus + node - 1) / node * node;
        price->unit_places = n_ranks;
    }
}

static int need(int64_t nano, const char *given, enum price_basis basis,
                const struct price_pool *pool, struct err *err)
{
    if (nano > 0) {
        return 0;
    }
    bool is_named = pool->accelerator_name[0] != '\0';
    return err_set(err, "%s: %s: %s has no %s (0: not known); give one", pool->where,
                   given, is_named ? pool->accelerator_name : "the pool",
                   basis_key(basis));
}

int price_init(struct price *price, const struct price_config *config,
               const struct price_pool *pool, struct err *err)
{
    enum price_basis basis = (enum price_basis)config->basis;
    *price =
        (struct price){.basis = basis, .committed_source = "", .terms = *pool->terms};
    price->gpu_nano = gpu_nano(config, basis, pool->accelerator, &price->source);
    if (basis != PRICE_ON_DEMAND &&
        need(price->gpu_nano, "price_basis", basis, pool, err) != 0) {
        return -1;
    }
    fill_units(price, config, pool);
    price->committed_nano = price->gpu_nano;
    if (basis == PRICE_RESERVED || basis == PRICE_OWNED) {
        if (config->n_committed > 0) {
            return err_set(err,
                           "%s: committed_replicas: all replicas are paid for the "
                           "whole run with price_basis = %s",
                           pool->where, basis == PRICE_OWNED ? "owned" : "reserved");
        }
        price->n_committed = pool->n_places;
        return 0;
    }
    int64_t n_ranks = pool->n_ranks > 0 ? pool->n_ranks : 1;
    price->n_committed = config->n_committed * n_ranks;
    if (config->n_committed == 0) {
        return 0;
    }
    if (price->n_committed > pool->n_places) {
        return err_set(err,
                       "%s: committed_replicas: %" PRId64 " are more than the %" PRId64
                       " that the pool may have",
                       pool->where, config->n_committed, pool->n_places / n_ranks);
    }
    price->committed_nano =
        gpu_nano(config, PRICE_RESERVED, pool->accelerator, &price->committed_source);
    return need(price->committed_nano, "committed_replicas", PRICE_RESERVED, pool, err);
}

bool price_is_committed(const struct price *price, int64_t place)
{
    return place < price->n_committed;
}

int64_t price_gpu_nano(const struct price *price, int64_t place)
{
    return place < price->n_committed ? price->committed_nano : price->gpu_nano;
}

int64_t price_replica_nano(const struct price *price, int64_t place)
{
    return price_gpu_nano(price, place) * price->gpus;
}

int64_t price_billed_ns(const struct price_terms *terms, int64_t ns)
{
    int64_t billed_ns = ns > terms->minimum_ns ? ns : terms->minimum_ns;
    int64_t increment_ns = terms->increment_ns;
    if (increment_ns > 0) {
        billed_ns = (billed_ns - 1 + increment_ns) / increment_ns * increment_ns;
    }
    return billed_ns;
}

wide price_electricity_usd_ns(int64_t usd_per_kwh_nano, wide facility_pj)
{
    /* 1 kWh = 3.6 x 10^18 pJ, 1 h = 3.6 x 10^12 ns */
    return wide_div_half_up(facility_pj * usd_per_kwh_nano, 1000000);
}

wide price_pico_usd(wide usd_ns)
{
    const wide pico_usd = 3600000000; /* of ns x nano-dollars per hour */
    return wide_div_half_up(usd_ns, pico_usd);
}
