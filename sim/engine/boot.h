/* boot: a replica on its way from nothing to ready.
 *
 * A boot is a machine with the server's image and processes, then the weights of the model
 * from storage, once per replica, then profiling and graph capture; or as long as
 * `boot_s` says.  Its caches are empty afterwards.  It is paid for from its begin on.  The
 * default times of the keys are of no particular system.
 */
#ifndef SERVESIM_ENGINE_BOOT_H
#define SERVESIM_ENGINE_BOOT_H

#include <stdint.h>

#include "engine/pool.h"
#include "engine/replica.h"
#include "engine/scale.h"

/* The length of a boot that reads that many bytes of weights. */
int64_t boot_length_ns(const struct scale_boot *boot, int64_t weight_bytes);

/* That of the pool's replicas. */
int64_t boot_ns(const struct pool *pool);

/* Bytes of weights that a replica of the pool reads; 0 if there is no model. */
int64_t boot_weight_bytes(const struct pool *pool);

struct sim;

/* The replica, on which nobody is, boots from now on; it is ready after `length_ns`, maybe
 * in this instant.  Of ranks that step together it is the first, and all of them boot. */
void boot_start(struct sim *sim, struct replica *replica, int64_t length_ns);

/* A boot, if there is one, will not end. */
void boot_cancel(struct sim *sim, struct replica *replica);

#endif
