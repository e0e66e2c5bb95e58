/* failures: the events that `[fail] events` names, from a CSV file.
 *
 * A line is an event: `time_s`, seconds since the run began; `kind`: fail, reclaim or
 * slow; where: `replica` or `node`, counted from 0 in the pool `pool`, which goes without
 * saying where there is one.  `duration_s` says how long it takes to be repaired, replaced
 * or fast again; empty: the replica stays as it is, or, of a reclaim, [fail]
 * spot_replace_s.  `notice_s` is of a reclaim (empty: [fail] notice), `factor` of slow
 * steps.  The lines may stand in any order; of those of one instant the first comes first.
 */
#ifndef SERVESIM_INPUT_FAILURES_H
#define SERVESIM_INPUT_FAILURES_H

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"

/* Reads the file that config->fail names, if it does, into config->failures. */
int failures_read(struct config *config, struct arena *arena, struct err *err);

#endif
