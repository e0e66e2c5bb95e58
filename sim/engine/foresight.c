#include "engine/foresight.h"

#include "base/wide.h"

/* What is guessed of all outputs where nothing is known of any. */
enum { TYPICAL_TOKENS = 256 };

void foresight_init(struct foresight *foresight, const struct pool_scheduler *settings,
                    uint64_t seed)
{
    *foresight = (struct foresight){.settings = settings,
                                    .draws = settings->predictor == POOL_NOISY};
    if (foresight->draws) {
        rng_init(&foresight->errors, seed, "predictions");
    }
}

void foresight_free(struct foresight *foresight)
{
    if (foresight->draws) {
        rng_free(&foresight->errors);
    }
}

/* The factor is even on 1 - 2 e to 1 + 2 e, so that it is off by e in the mean. */
static int64_t noisy(struct foresight *foresight, int64_t output_tokens)
{
    const int64_t nano = 1000000000;
    int64_t even = rng_below(&foresight->errors, 2 * nano + 1) - nano;
    wide error = (wide)output_tokens * 2 * foresight->settings->predictor_error_nano;
    wide guess = output_tokens + error * even / nano / nano;
    return guess > 1 ? wide_narrow(guess) : 1;
}

int64_t foresight_guess(struct foresight *foresight, int64_t output_tokens)
{
    int64_t bucket = foresight->settings->predictor_bucket;
    switch ((enum pool_predictor)foresight->settings->predictor) {
    case POOL_PERFECT:
        return output_tokens;
    case POOL_NOISY:
        return noisy(foresight, output_tokens);
    case POOL_BUCKETED:
        return (output_tokens + bucket - 1) / bucket * bucket;
    case POOL_UNKNOWN:
        return TYPICAL_TOKENS;
    }
    return output_tokens;
}
