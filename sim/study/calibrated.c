#include "study/calibrated.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

static const int64_t no_scale_nano = 1000000000;

/* The GPUs of the rows that the presets were fitted on: see configs/engines/vllm.ini. */
static const char *const fitted_gpus[] = {"h100-sxm", "h200-sxm", "b200-sxm"};

enum doubt {
    LINEAR,
    NEVER_FITTED,
    GPU,
    PIPELINE,
    RANKS,
    STATES,
    INDEXER,
    DRAFTS,
    ADAPTERS,
    N_DOUBTS
};

static const char *const doubt_names[N_DOUBTS] = {
    [LINEAR] = "cost = linear",
    [NEVER_FITTED] = "an engine never fitted",
    [GPU] = "not calibrated on this accelerator",
    [PIPELINE] = "pipeline stages",
    [RANKS] = "data parallel ranks",
    [STATES] = "linear layers",
    [INDEXER] = "an indexer",
    [DRAFTS] = "speculation",
    [ADAPTERS] = "LoRA adapters",
};

/* By name or by path. */
static bool is_fitted_gpu(const char *name)
{
    const char *slash = strrchr(name, '/');
    name = slash != NULL ? slash + 1 : name;
    size_t length = strcspn(name, ".");
    for (size_t i = 0; i < sizeof fitted_gpus / sizeof fitted_gpus[0]; i++) {
        if (strlen(fitted_gpus[i]) == length &&
            memcmp(fitted_gpus[i], name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the engine's constants are somebody's own, fitted to what they say themselves. */
static bool is_own_engine(const char *name)
{
    bool is_path = strchr(name, '/') != NULL || strstr(name, ".ini") != NULL;
    return is_path && strstr(name, "configs/engines/") == NULL;
}

bool calibrated_has_scale(const struct pool_config *pool)
{
    return pool->cost.kind == COST_ROOFLINE && pool->cost.scale_nano != no_scale_nano;
}

/* Sets what of the pool was never measured; a scale of its own settles
 * everything but drafting, which is paid for and pays as no step without it does, and
 * adapters, of which steps have now more, now fewer. */
static void note_doubts(const struct pool_config *pool, bool doubts[N_DOUBTS])
{
    if (pool->cost.kind == COST_LINEAR) {
        doubts[LINEAR] = true;
        return;
    }
    doubts[DRAFTS] |= pool->speculative.method != SPECULATIVE_NONE;
    doubts[ADAPTERS] |= pool->lora && pool->adapters.max_loras > 0;
    if (calibrated_has_scale(pool)) {
        return;
    }
    doubts[NEVER_FITTED] |= pool->constants.tpot_sd_nano == 0;
    if (!is_own_engine(pool->engine_name)) {
        doubts[GPU] |= !is_fitted_gpu(pool->accelerator_name);
        doubts[PIPELINE] |= pool->layout.pp > 1;
        doubts[RANKS] |= pool->layout.dp > 1;
        doubts[STATES] |= pool->llm.n_linear_layers > 0;
        doubts[INDEXER] |= pool->llm.index_heads > 0;
    }
}

bool calibrated_is_doubtful(const struct pool_config *pool)
{
    bool doubts[N_DOUBTS] = {false};
    note_doubts(pool, doubts);
    for (int i = 0; i < N_DOUBTS; i++) {
        if (doubts[i]) {
            return true;
        }
    }
    return false;
}

/* "uncalibrated: a; b"; false if there is no doubt. */
static bool print_doubts(const bool doubts[N_DOUBTS], char text[CALIBRATED_TEXT])
{
    size_t used = 0;
    for (int i = 0; i < N_DOUBTS; i++) {
        if (doubts[i]) {
            used +=
                (size_t)snprintf(text + used, CALIBRATED_TEXT - used, "%s%s",
                                 used == 0 ? "uncalibrated: " : "; ", doubt_names[i]);
            used = used < CALIBRATED_TEXT ? used : CALIBRATED_TEXT - 1;
        }
    }
    return used > 0;
}

/* 100 (e^x - 1) by its series: a line of summary.csv must not depend on the machine's
 * libm (rules.md 14). */
static double growth_percent(double x)
{
    double sum = 0;
    double term = 1;
    for (int i = 1; i <= 60; i++) {
        term *= x / i;
        sum += term;
    }
    return 100 * sum;
}

void calibrated_print(const struct pool_config *pools, int32_t n,
                      char text[CALIBRATED_TEXT])
{
    bool doubts[N_DOUBTS] = {false};
    const struct pool_config *scaled = NULL;
    int64_t sd_nano = -1; /* the widest of the pools without a scale */
    bool is_own = false;
    for (int32_t i = 0; i < n; i++) {
        const struct pool_config *pool = &pools[i];
        note_doubts(pool, doubts);
        if (calibrated_has_scale(pool)) {
            scaled = pool;
        } else if (pool->constants.tpot_sd_nano > sd_nano) {
            sd_nano = pool->constants.tpot_sd_nano;
            is_own = is_own_engine(pool->engine_name);
        }
    }
    if (print_doubts(doubts, text)) {
        return;
    }
    if (sd_nano < 0 && scaled != NULL) {
        char scale[48];
        decimal_print(scaled->cost.scale_nano, 9, scale);
        snprintf(text, CALIBRATED_TEXT, "this deployment (scale = %s)", scale);
        return;
    }
    snprintf(text, CALIBRATED_TEXT, "%s (TPOT +-%.0f %%)",
             is_own ? "as the engine file of your own says"
                    : "fitted on other deployments",
             growth_percent((double)sd_nano / 1e9));
}
