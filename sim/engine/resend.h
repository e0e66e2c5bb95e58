/* resend: clients that ask again ([workload] client_retries).
 *
 * A client whose request timed out, was shed or failed sends it again after a while, which
 * grows by a factor from one time to the next, up to `client_retries` times; it is the same
 * request, and one row of the results.  The gateway looks at it like at a new one, and the
 * client's patience begins anew.  It starts from nothing: what was computed and emitted is
 * discarded, and the first token is that of the attempt that succeeds, as after a failure
 * with on_failure = retry (engine/fail.h), which also says who owns the time.
 */
#ifndef SERVESIM_ENGINE_RESEND_H
#define SERVESIM_ENGINE_RESEND_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/request.h"

struct replica;
struct sim;

struct resend_config {
    int64_t most;
    int64_t backoff_ns;
    int64_t factor_nano;
};

/* The wait after attempt number `attempt`, of a client or of the fleet itself:
 * backoff x factor^(attempt - 1), rounded half up after each product, at most 10^18 ns. */
int64_t resend_wait_ns(int64_t backoff_ns, int64_t factor_nano, int64_t attempt);

/* Whether the client of a request that would leave unserved will send it again. */
bool resend_would(const struct sim *sim, const struct request *request);

/* A request that is nowhere any more, and that its client sends again: it is away until
 * then.  What it paid and computed at a replica has been written off. */
void resend_later(struct sim *sim, struct request *request);

#endif
