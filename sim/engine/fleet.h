/* fleet: requests between the door and a replica, and replicas that come and go.
 *
 * A request that arrives is sent to a replica, whose front end it meets first
 * (engine/frontend.h), or, where nobody can take it, held at the gateway until a replica
 * becomes ready; one that was held for too long fails.  Whatever changes the life of a
 * replica (engine/life.h) does so here.
 */
#ifndef SERVESIM_ENGINE_FLEET_H
#define SERVESIM_ENGINE_FLEET_H

#include <stdint.h>

#include "engine/life.h"
#include "engine/sim.h"

/* sim->next arrives now. */
void fleet_arrive(struct sim *sim);

/* Sends a request that is nowhere to a replica, or holds it. */
void fleet_send(struct sim *sim, struct request *request);

/* The same at `at_ns`; until then it is away. */
void fleet_send_later(struct sim *sim, struct request *request, int64_t at_ns);

/* The request is away until `at_ns`, when the timer in it fires. */
void fleet_send_away(struct sim *sim, struct request *request, int64_t at_ns,
                     void (*fire)(struct sim *sim, struct timer *timer));

/* A request comes to the gateway: it is sent on, or shed.  Its client begins to wait. */
void fleet_knock(struct sim *sim, struct request *request);

/* The request is through its front end and waits at the replica. */
void fleet_enqueue(struct sim *sim, struct replica *replica, struct request *request);

/* The client of an unfinished request gives up, wherever the request is. */
void fleet_give_up(struct sim *sim, struct request *request);

/* A request that is nowhere leaves the system unserved. */
void fleet_finish(struct sim *sim, struct request *request, enum request_status status,
                  enum request_reason reason);

/* Moves a replica on to another state of life, with all ranks that step with it at once.
 * Who drains becomes off when it is empty, in this instant at the earliest. */
void fleet_life(struct sim *sim, struct replica *replica, enum life_state state);

/* The replica is to plan in this instant. */
void fleet_mark(struct sim *sim, struct replica *replica);

/* The replica's plans may have changed: it is idle now, or its span ends earlier. */
void fleet_reconsider(struct sim *sim, struct replica *replica);

/* The replica that the router (of decodes) picks among those of some pools that are ready;
 * -1: none. */
int32_t fleet_pick(struct sim *sim, const struct request *request, uint64_t pools,
                   bool decodes);

/* Whether a replica has nothing to serve, nor have the ranks that step with it. */
bool fleet_is_empty(const struct replica *replica);

/* Client timeouts: of those of whom `request` is now the last to lose patience. */
void fleet_patience_start(struct sim *sim, struct request *request);

#endif
