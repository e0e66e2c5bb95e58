/* size_fleet: so many replicas of one candidate, or of two: what can be bought. */
#ifndef SERVESIM_STUDY_SIZE_FLEET_H
#define SERVESIM_STUDY_SIZE_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "input/config.h"
#include "study/size_candidate.h"

enum { SIZE_FLEET_PARTS = 2, SIZE_FLEET_TEXT = 400 };

struct size_fleet {
    int32_t n_parts;
    int32_t candidate[SIZE_FLEET_PARTS];
    int32_t replicas[SIZE_FLEET_PARTS];
    bool disaggregated; /* the first part prefills, the second decodes */
};

bool size_fleet_same(const struct size_fleet *a, const struct size_fleet *b);

/* What it costs per hour: size_candidate_nano() of its parts. */
int64_t size_fleet_nano(const struct size_candidates *candidates,
                        const struct size_fleet *fleet);

int64_t size_fleet_gpus(const struct size_candidates *candidates,
                        const struct size_fleet *fleet);

/* Whether it is to be preferred: cheaper, else with fewer GPUs, else earlier in the lists. */
bool size_fleet_better(const struct size_candidates *candidates,
                       const struct size_fleet *a, const struct size_fleet *b);

/* "11 x h200-sxm tp 2", "3 x h100-sxm + 2 x l40s", "1 x h100-sxm prefill, 2 x h200-sxm
 * decode". */
void size_fleet_print(const struct size_candidates *candidates,
                      const struct size_fleet *fleet, char text[SIZE_FLEET_TEXT]);

/* The configuration of the fleet; `pools` has room for its parts and lives as long. */
void size_fleet_config(const struct size_candidates *candidates,
                       const struct size_fleet *fleet, struct config *config,
                       struct pool_config pools[SIZE_FLEET_PARTS]);

/* Whether its parts go together: -1 and why not. */
int size_fleet_check(const struct size_candidates *candidates,
                     const struct size_fleet *fleet, struct err *err);

#endif
