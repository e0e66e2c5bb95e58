#include "output/lease.h"

#include <stdlib.h>

#include "base/memory.h"

void lease_init(struct lease *lease, const struct price *price, int64_t n_places)
{
    int64_t n_units = (n_places + price->unit_places - 1) / price->unit_places;
    *lease = (struct lease){
        .price = price,
        .n_places = n_places,
        .n_units = n_units,
        .places = memory_new((size_t)n_places, sizeof *lease->places),
        .units = memory_new((size_t)n_units, sizeof *lease->units),
    };
    for (int64_t i = 0; i < n_units; i++) { /* the first are committed */
        lease->units[i].committed = price_is_committed(price, i * price->unit_places);
    }
}

void lease_free(struct lease *lease)
{
    free(lease->places);
    free(lease->units);
    lease->places = NULL;
    lease->units = NULL;
}

static void end_stretch(const struct lease *lease, struct lease_unit *unit,
                        int64_t now_ns)
{
    int64_t ns = now_ns - unit->since_ns;
    CHECK(ns >= 0);
    unit->on_ns += ns;
    if (ns > 0 && !unit->committed) {
        unit->excess_ns += price_billed_ns(&lease->price->terms, ns) - ns;
    }
}

void lease_set(struct lease *lease, int64_t place, bool holds, int64_t now_ns)
{
    struct lease_place *at = &lease->places[place];
    struct lease_unit *unit = &lease->units[place / lease->price->unit_places];
    if (at->holds == holds) {
        return;
    }
    at->holds = holds;
    if (holds) {
        at->since_ns = now_ns;
        if (unit->n_holding++ == 0) {
            unit->since_ns = now_ns;
        }
        return;
    }
    CHECK(now_ns >= at->since_ns);
    at->held_ns += now_ns - at->since_ns;
    if (--unit->n_holding == 0) {
        end_stretch(lease, unit, now_ns);
    }
}

void lease_close(struct lease *lease, int64_t end_ns)
{
    for (int64_t i = 0; i < lease->n_places; i++) {
        lease_set(lease, i, false, end_ns);
    }
}

/* What nobody's replica uses of a node costs what its last place does: a node that is
 * committed in part was not reserved as a whole. */
struct lease_extra lease_extra(const struct lease *lease)
{
    struct lease_extra extra = {0};
    const struct price *price = lease->price;
    for (int64_t i = 0; i < lease->n_units; i++) {
        const struct lease_unit *unit = &lease->units[i];
        int64_t first = i * price->unit_places;
        int64_t last = first + price->unit_places - 1;
        last = last < lease->n_places ? last : lease->n_places - 1;
        wide unused_gpu_ns = (wide)unit->on_ns * price->unit_gpus;
        for (int64_t j = first; j <= last; j++) {
            unused_gpu_ns -= (wide)lease->places[j].held_ns * price->gpus;
        }
        CHECK(unused_gpu_ns >= 0);
        wide excess_gpu_ns = (wide)unit->excess_ns * price->unit_gpus;
        int64_t nano = price_gpu_nano(price, last);
        extra.unused_gpu_ns += unused_gpu_ns;
        extra.unused_usd_ns += unused_gpu_ns * nano;
        extra.excess_gpu_ns += excess_gpu_ns;
        extra.excess_usd_ns += excess_gpu_ns * nano;
    }
    return extra;
}
