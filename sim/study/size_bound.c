#include "study/size_bound.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "output/load.h"
#include "study/run.h"

static const char *const role_names[] = {
    [POOL_BOTH] = "", [POOL_PREFILL] = "prefill ", [POOL_DECODE] = "decode "};

/* The share of all requests that no fleet can serve in time, of those that a run counts,
 * if chance had put all others among them that are not counted. */
static double least_unmet_share(const struct config *config, const struct pool *pool,
                                struct bound_mix *mix)
{
    const struct config_slo *slo = &config->slo;
    const struct config_study_runs *runs = &config->study.runs;
    const struct slo bounds = {.ttft_ns = slo->ttft_ns,
                               .tpot_ns = slo->tpot_ns,
                               .itl_ns = slo->itl_ns,
                               .e2e_ns = slo->e2e_ns};
    double left = (double)(runs->warmup_nano + runs->cooldown_nano) * 1e-9;
    double unmet = slo_any(&bounds) ? bound_unmet_share(pool, mix, &bounds) : 0;
    return (unmet - left) / (1 - left);
}

static const char *say_never(const struct size_candidate *candidate, double needed,
                             struct arena *arena)
{
    char text[200];
    snprintf(text, sizeof text,
             "needs %.0f replicas or more by the roofline, and %d is the limit", needed,
             (int)candidate->most);
    return memory_arena_text(arena, text);
}

static void bound_alone(struct size_candidate *candidate, const struct pool *pool,
                        struct bound_mix *mix, double rate_rps, struct arena *arena)
{
    const struct config *config = &candidate->config;
    double needed = ceil(rate_rps / candidate->most_rps[POOL_BOTH] - 1e-9);
    if (needed > (double)candidate->most) {
        candidate->never = say_never(candidate, needed, arena);
    } else if (needed > (double)candidate->least) {
        candidate->least = (int32_t)needed;
    }
    if (candidate->least > candidate->most && candidate->never == NULL) {
        candidate->never = say_never(candidate, candidate->least, arena);
    }
    double unmet = least_unmet_share(config, pool, mix);
    if (unmet > 1 - (double)config->slo.attainment_nano * 1e-9) {
        char text[200];
        snprintf(text, sizeof text,
                 "%.3g %% of the requests miss the SLO even on an idle replica",
                 100 * unmet);
        candidate->never = memory_arena_text(arena, text);
    }
}

void size_bound(struct size_candidates *candidates, struct bound_mix *mix,
                struct arena *arena)
{
    struct pool *pool = memory_new(1, sizeof *pool);
    for (int32_t i = 0; i < candidates->n; i++) {
        struct size_candidate *candidate = &candidates->list[i];
        for (int64_t role = POOL_BOTH;
             candidate->refused == NULL && role < SIZE_CANDIDATE_ROLES; role++) {
            struct pool_config config = candidate->config.pools[0];
            struct bound_result result;
            struct err err;
            config.role = role;
            if (pool_init(pool, &config, &err) != 0) { /* it was fine as a whole */
                snprintf(err.text, sizeof err.text, "%scannot be bounded",
                         role_names[role]);
                candidate->refused = memory_arena_text(arena, err.text);
            } else {
                bound_of(pool, mix, &result);
                candidate->most_rps[role] = result.most_rps;
                candidate->guess_rps[role] =
                    load_capacity_rps(pool, candidates->mean_prompt_tokens,
                                      candidates->mean_output_tokens) *
                    (double)candidate->n_ranks;
            }
            if (role == POOL_BOTH && candidate->refused == NULL) {
                bound_alone(candidate, pool, mix, candidates->rate_rps, arena);
            }
            pool_free(pool);
        }
    }
    free(pool);
}
