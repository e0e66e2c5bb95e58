/* size_candidate: the layouts that `servesim size` may buy: an accelerator, how a replica is
 * spread over it, and the limits of its scheduler.
 *
 * Each combination of the lists of [size] is read as a configuration of its own, the way -s
 * would change the user's, so every preset and every check applies.  What is refused, or does not fit
 * into memory, stays on the list with its reason.  Dollars per hour of n replicas follow the
 * rules of the bill (model/price.h), nodes and commitments included, and are known before
 * anything is simulated.
 */
#ifndef SERVESIM_STUDY_SIZE_CANDIDATE_H
#define SERVESIM_STUDY_SIZE_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "model/price.h"

enum { SIZE_CANDIDATE_MOST = 10000, SIZE_CANDIDATE_ROLES = 3 };

struct size_candidate {
    const char *accelerator; /* "" if the pool names none */
    const char *label;       /* "h200-sxm tp 2 sarathi" */
    struct config config;    /* of one pool */
    const char *refused;     /* why it cannot serve at all; NULL if it can */
    const char *never;       /* why no number of it can meet the goal alone; NULL */
    const char *vendor;      /* whose price it is */
    int32_t group;           /* candidates of the same accelerator have the same */
    int64_t gpus;            /* of a replica */
    int64_t n_ranks;
    struct price price;
    double guess_rps[SIZE_CANDIDATE_ROLES]; /* an estimate, by enum pool_role */
    double most_rps[SIZE_CANDIDATE_ROLES];  /* no replica can do more; INFINITY */
    int32_t least;                          /* replicas that the goal needs alone */
    int32_t most;                           /* that the limits allow */
};

struct size_candidates {
    struct size_candidate *list;
    int32_t n;
    int32_t n_groups;
    bool has_prices; /* else GPUs are counted instead of dollars */
    double rate_rps; /* that is to be served */
    double mean_prompt_tokens;
    double mean_output_tokens;
    double run_s; /* from the first arrival of a run to the last */
};

/* What to read: the file, and everything that -s and --over say. */
struct size_candidate_source {
    const char *path;
    const char *const *overrides;
    int32_t n_overrides;
};

/* Reads all of them.  `config` is the one they are made from.  -1 for what is wrong with
 * the lists themselves; lives in the arena. */
int size_candidate_read(struct size_candidates *candidates, const struct config *config,
                        const struct size_candidate_source *source, struct arena *arena,
                        struct err *err);

/* Nano-dollars per hour of n replicas, or 10^9 per GPU where there are no prices. */
int64_t size_candidate_nano(const struct size_candidates *candidates, int32_t i,
                            int64_t n);

#endif
