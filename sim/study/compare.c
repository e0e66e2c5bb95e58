#include "study/compare.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "study/run.h"

/* Puts the variant in front of what is wrong with it. */
static int blame(const struct compare_variant *variant, const char *text,
                 struct err *err)
{
    char reason[sizeof err->text];
    snprintf(reason, sizeof reason, "%s", text);
    return err_set(err, "compare: %.200s: %.780s", variant->label, reason);
}

static int check_trace(const struct config *config, struct err *err)
{
    if (strcmp(config->workload.trace, "-") != 0) {
        return 0;
    }
    return err_set(err,
                   "%s: [workload] trace: '-' is standard input, which cannot be read "
                   "once per variant",
                   config->file);
}

static int read_variant(struct compare *compare, int32_t i,
                        const struct compare_request *request, struct arena *arena,
                        struct err *err)
{
    struct compare_variant *variant = &compare->variants[i];
    struct grid_point point;
    grid_point(&point, &compare->grid, i, arena);
    variant->label = point.label;
    variant->values = point.values;
    const char **overrides = grid_overrides(&point, &compare->grid, request->overrides,
                                            request->n_overrides, arena);
    int32_t n = request->n_overrides + compare->grid.n_keys;
    if (config_read(&variant->config, request->path, overrides, n, arena, err) != 0 ||
        check_trace(&variant->config, err) != 0) {
        return blame(variant, err->text, err);
    }
    return 0;
}

int compare_read(struct compare *compare, const struct compare_request *request,
                 struct arena *arena, struct err *err)
{
    *compare = (struct compare){0};
    if (config_read(&compare->base, request->path, request->overrides,
                    request->n_overrides, arena, err) != 0 ||
        grid_choose(&compare->grid, &compare->base, request->overs, request->n_overs,
                    COMPARE_MOST_VARIANTS, arena, err) != 0 ||
        check_trace(&compare->base, err) != 0) {
        return -1;
    }
    compare->n_variants = (int32_t)compare->grid.n_points;
    compare->variants =
        memory_new((size_t)compare->n_variants, sizeof *compare->variants);
    for (int32_t i = 0; i < compare->n_variants; i++) {
        if (read_variant(compare, i, request, arena, err) != 0) {
            return -1;
        }
    }
    return 0;
}

void compare_free(struct compare *compare)
{
    free(compare->variants);
}

struct outcome {
    bool failed; /* `err` may be filled without: by rows that were skipped */
    struct err err;
};

struct playing {
    struct compare *compare;
    const struct compare_options *options;
    struct outcome *outcomes; /* one per variant */
};

static bool play_one(void *state, int32_t i)
{
    const struct playing *playing = state;
    struct compare_variant *variant = &playing->compare->variants[i];
    struct run_options options = {
        .warnings = i == 0 ? playing->options->warnings : NULL,
        .interrupted = playing->options->interrupted,
    };
    struct outcome *outcome = &playing->outcomes[i];
    outcome->failed =
        run_config(&variant->config, &options, &variant->metrics, &outcome->err) != 0;
    return !outcome->failed;
}

int compare_play(struct compare *compare, const struct compare_options *options,
                 struct err *err)
{
    int32_t n = compare->n_variants;
    struct playing playing = {
        .compare = compare,
        .options = options,
        .outcomes = memory_new((size_t)n, sizeof *playing.outcomes),
    };
    int status = 0;
    parallel_each(n, options->n_threads, play_one, &playing);
    if (options->interrupted != NULL && *options->interrupted) {
        status = err_set(err, "interrupted: nothing was written");
    }
    for (int32_t i = 0; i < n && status == 0; i++) {
        if (playing.outcomes[i].failed) {
            status = blame(&compare->variants[i], playing.outcomes[i].err.text, err);
        }
    }
    free(playing.outcomes);
    return status;
}
