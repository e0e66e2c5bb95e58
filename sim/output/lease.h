/* lease: when the GPUs of a pool were rented: whole stretches, whole nodes.
 *
 * A place holds its GPUs while it is paid for; what is rented as a whole (a replica, or
 * with billing = node the node on which replicas stand) is on while any place of it
 * holds.  Each stretch that it was on is billed up to a multiple of the increment; a
 * stretch at the end of the run too.  What is committed is paid for from beginning to end
 * and is not rounded.
 */
#ifndef SERVESIM_OUTPUT_LEASE_H
#define SERVESIM_OUTPUT_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"
#include "model/price.h"

struct lease_place {
    bool holds;
    int64_t since_ns;
    int64_t held_ns;
};

struct lease_unit {
    int64_t n_holding;
    int64_t since_ns;
    int64_t on_ns;
    int64_t excess_ns; /* billed beyond that */
    bool committed;    /* a place of it is */
};

struct lease {
    const struct price *price;
    int64_t n_places;
    int64_t n_units;
    struct lease_place *places;
    struct lease_unit *units;
};

/* What one lease adds to a bill beside the time that places held: GPU-nanoseconds, and
 * their price in ns x nano-dollars per hour. */
struct lease_extra {
    wide unused_gpu_ns; /* of nodes that are on, with nobody's replica on them */
    wide unused_usd_ns;
    wide excess_gpu_ns;
    wide excess_usd_ns;
};

/* Nobody holds anything at 0.  lease_free() frees it. */
void lease_init(struct lease *lease, const struct price *price, int64_t n_places);
void lease_free(struct lease *lease);

/* From `now_ns` on the place holds its GPUs, or not; times never go back. */
void lease_set(struct lease *lease, int64_t place, bool holds, int64_t now_ns);

/* Ends every stretch; lease_set() is not called any more. */
void lease_close(struct lease *lease, int64_t end_ns);

/* After lease_close(). */
struct lease_extra lease_extra(const struct lease *lease);

#endif
