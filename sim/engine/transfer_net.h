/* transfer_net: the links that KV caches are sent over.
 *
 * Every replica has its GPUs' links, one each way, and every node, where it has less than
 * its GPUs together, two more, which its replicas share.
 */
#ifndef SERVESIM_ENGINE_TRANSFER_NET_H
#define SERVESIM_ENGINE_TRANSFER_NET_H

#include "engine/transfer.h"

/* Makes the links of all replicas, unless they are infinite. */
void transfer_net_init(struct sim *sim);
void transfer_net_free(struct transfers *transfers);

/* Sends what is left of the transfer; its timer is set to when that is there. */
void transfer_net_start(struct sim *sim, struct transfer *transfer);

/* How long links carried something up to now: of all that a transfer could use together,
 * the time that they could have, and that of the busiest. */
void transfer_net_busy(const struct sim *sim, wide *busy_ns, wide *all_ns,
                       int64_t *most_ns);

#endif
