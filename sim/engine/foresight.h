/* foresight: what a server is told of how long outputs will be.
 *
 * Orders by length need a guess when a request comes.  `perfect` is the truth, which no
 * server has; `noisy` errs by a factor, even on both sides, by `predictor_error` in the
 * mean; `bucketed` knows the bucket that classifiers tell (its upper end); `none` thinks
 * all are alike.  Errors are drawn in the order of arrival from one stream, for every
 * request whatever becomes of it, so that every policy is told the same.
 */
#ifndef SERVESIM_ENGINE_FORESIGHT_H
#define SERVESIM_ENGINE_FORESIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "engine/pool_scheduler.h"

struct foresight {
    const struct pool_scheduler *settings;
    bool draws;
    struct rng errors;
};

void foresight_init(struct foresight *foresight, const struct pool_scheduler *settings,
                    uint64_t seed);
void foresight_free(struct foresight *foresight);

/* The guess for the next request that arrives, at least 1. */
int64_t foresight_guess(struct foresight *foresight, int64_t output_tokens);

#endif
