/* fail_lose: what becomes of the requests of a replica that fails: engine/fail.h. */
#ifndef SERVESIM_ENGINE_FAIL_LOSE_H
#define SERVESIM_ENGINE_FAIL_LOSE_H

#include <stdbool.h>

#include "engine/fail_config.h"
#include "engine/sim.h"

/* Requests on their way out, and how many were sent again, each counted once. */
struct fail_lose {
    struct request **requests;
    int64_t n;
    int64_t room;
    int64_t n_retried;
    int64_t n_migrated;
};

/* The request is as if it had never been granted anything, but for when that was and how
 * far it came: its next attempt begins. */
void fail_lose_start_again(struct request *request);

void fail_lose_free(struct fail_lose *lose);

/* Empties a replica, with all ranks that step with it, at once; it goes on in the state
 * `next`, where it does not serve. */
void fail_lose_take(struct fail_lose *lose, struct sim *sim, struct replica *replica,
                    enum life_state next);

/* Once all are down that fail together, their requests are sent elsewhere or leave, those
 * who arrived first first.  `reason` is that of requests which leave.  Planned: it was no
 * failure, so that nobody has an attempt less. */
void fail_lose_end(struct fail_lose *lose, struct sim *sim, enum request_reason reason,
                   bool planned);

#endif
