/* record: what is told of a request when it leaves, and who owned its time.
 *
 * Every nanosecond from arrival to finish has one owner (rules.md 9): queue until the
 * first step that grants it tokens; recompute from the start of a step that preempts it
 * to the end of the one whose computed tokens pass what had been computed before;
 * prefill, what is left before the first token; decode, the price of a step's decodes
 * alone in steps in which it decodes; stall, the rest.
 */
#ifndef SERVESIM_ENGINE_RECORD_H
#define SERVESIM_ENGINE_RECORD_H

#include <stdint.h>

#include "engine/replica.h"

/* Tells the probe of a request that leaves at `now_ns`, from a replica or, if that is NULL,
 * from elsewhere, and gives its labels away. */
void record_tell(const struct probe *probe, const struct replica *replica,
                 struct request *request, enum request_status status, int64_t now_ns);

#endif
