#include "study/tune_point.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/run.h"

void tune_point_refuse(struct tune *tune, struct tune_point *point, const char *reason)
{
    point->state = TUNE_REFUSED;
    if (tune->n_refused++ == 0) {
        snprintf(tune->refusal, sizeof tune->refusal, "%s", reason);
    }
}

/* Reads the point's configuration and sees whether such a server starts. */
static void prepare(struct tune *tune, struct tune_point *point)
{
    const struct tune_request *request = tune->request;
    int32_t n = request->n_overrides;
    const char **overrides =
        ARENA_NEW(tune->arena, n + TUNE_FLAGS_MOST * TUNE_FLAGS_KEYS, const char *);
    for (int32_t i = 0; i < n; i++) {
        overrides[i] = request->overrides[i];
    }
    bool is_base = true;
    for (int32_t f = 0; f < tune->flags.n; f++) {
        const struct tune_flags_flag *flag = &tune->flags.list[f];
        const struct tune_flags_value *value = &flag->values[point->at[f]];
        if (point->at[f] == flag->was) {
            continue; /* what the file says, and what follows from it */
        }
        is_base = false;
        for (int32_t i = 0; i < value->n_overrides; i++) {
            overrides[n++] = value->overrides[i];
        }
    }
    struct err err;
    if (config_read(&point->config, request->path, overrides, n, tune->arena, &err) !=
        0) {
        tune_point_refuse(tune, point, err.text);
        return;
    }
    struct pool *pools = memory_new((size_t)point->config.n_pools, sizeof *pools);
    const char *refusal = is_base ? NULL : tune_flags_refusal(&point->config.pools[0]);
    if (run_pools(&point->config, pools, &err) != 0) {
        refusal = err.text;
    }
    run_free_pools(&point->config, pools);
    point->spec = tune->spec;
    point->spec.config = &point->config;
    if (refusal != NULL) {
        tune_point_refuse(tune, point, refusal);
    }
}

struct tune_point *tune_point_at(struct tune *tune, const int32_t *at)
{
    for (int32_t i = 0; i < tune->n_points; i++) {
        if (memcmp(tune->points[i]->at, at, sizeof tune->points[i]->at) == 0) {
            return tune->points[i];
        }
    }
    struct tune_point *point = ARENA_NEW(tune->arena, 1, struct tune_point);
    memcpy(point->at, at, sizeof point->at);
    tune->points = memory_grow(tune->points, (size_t)tune->n_points + 1,
                               sizeof(struct tune_point *));
    tune->points[tune->n_points++] = point;
    prepare(tune, point);
    return point;
}
