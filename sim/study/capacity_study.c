#include "study/capacity_study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "study/calibrated.h"
#include "study/progress.h"

/* Puts the variant in front of what is wrong with it. */
static int blame(const struct capacity_variant *variant, const char *text,
                 struct err *err)
{
    char reason[sizeof err->text];
    snprintf(reason, sizeof reason, "%s", text);
    if (variant->label[0] == '\0') {
        return err_set(err, "%.980s", reason);
    }
    return err_set(err, "capacity: %.200s: %.780s", variant->label, reason);
}

static int read_variant(struct capacity_study *study, int32_t i,
                        const struct capacity_request *request, struct arena *arena,
                        struct err *err)
{
    struct capacity_variant *variant = &study->variants[i];
    struct grid_point point;
    grid_point(&point, &study->grid, i, arena);
    variant->label = point.label;
    variant->values = point.values;
    const char **overrides = grid_overrides(&point, &study->grid, request->overrides,
                                            request->n_overrides, arena);
    int32_t n = request->n_overrides + study->grid.n_keys;
    if (config_read(&variant->config, request->path, overrides, n, arena, err) != 0) {
        return blame(variant, err->text, err);
    }
    return 0;
}

/* The number of the key that [capacity] best_of names, or -1 without. */
static int find_best_of(struct capacity_study *study, struct err *err)
{
    const char *name = study->base.study.capacity.best_of;
    study->best_of = -1;
    if (name[0] == '\0') {
        return 0;
    }
    for (int32_t i = 0; i < study->grid.n_keys; i++) {
        if (strcmp(study->grid.keys[i].name, name) == 0) {
            study->best_of = i;
            return 0;
        }
    }
    return err_set(err, "%s: [capacity] best_of: '%.200s' is not varied by --over",
                   study->base.file, name);
}

static int check_limits(const struct config *config, struct err *err)
{
    const struct config_study_capacity *limits = &config->study.capacity;
    if (limits->most_rps_nano > 0 && limits->most_rps_nano < limits->least_rps_nano) {
        return err_set(err, "%s: [capacity] most_rps: is below least_rps",
                       config->file);
    }
    return 0;
}

int capacity_study_read(struct capacity_study *study,
                        const struct capacity_request *request, struct arena *arena,
                        struct err *err)
{
    *study = (struct capacity_study){0};
    if (config_read(&study->base, request->path, request->overrides,
                    request->n_overrides, arena, err) != 0) {
        return -1;
    }
    struct config_study *told = &study->base.study;
    if (request->n_overs > 0) { /* config.ini says what was varied */
        told->overs = request->overs;
        told->n_overs = request->n_overs;
    }
    if (grid_read(&study->grid, told->overs, told->n_overs, CAPACITY_STUDY_MOST, arena,
                  err) != 0 ||
        find_best_of(study, err) != 0) {
        return -1;
    }
    study->n_variants = (int32_t)study->grid.n_points;
    study->variants = memory_new((size_t)study->n_variants, sizeof *study->variants);
    for (int32_t i = 0; i < study->n_variants; i++) {
        if (read_variant(study, i, request, arena, err) != 0 ||
            check_limits(&study->variants[i].config, err) != 0) {
            return -1;
        }
    }
    return 0;
}

void capacity_study_free(struct capacity_study *study)
{
    for (int32_t i = 0; i < study->n_variants && study->variants != NULL; i++) {
        struct capacity_variant *variant = &study->variants[i];
        capacity_free(&variant->answer);
        capacity_interval_free(&variant->interval);
        memory_arena_free(&variant->arena);
    }
    free(study->variants);
}

/* One search of the second kind. */
struct again {
    int32_t variant;
    int32_t index; /* in its interval's list */
};

struct playing {
    struct capacity_study *study;
    const struct capacity_options *options;
    struct progress progress;
    bool *failed; /* what is the user's mistake, not a variant's size */
    struct err *errs;
    struct again *agains;
};

static bool is_interrupted(const struct capacity_options *options)
{
    return options->interrupted != NULL && *options->interrupted;
}

static bool search_answer(void *state, int32_t i)
{
    struct playing *playing = state;
    struct capacity_variant *variant = &playing->study->variants[i];
    const struct capacity_options *options = playing->options;
    int32_t n = playing->study->n_variants;
    playing->failed[i] =
        trial_spec_init(&variant->spec, &variant->config, options->interrupted,
                        &variant->arena, &playing->errs[i]) != 0;
    if (playing->failed[i]) {
        return false;
    }
    variant->spec.n_threads = (options->n_threads + n - 1) / n;
    struct trial like = {0};
    variant->fits =
        capacity_search(&variant->spec, &like, &variant->answer, &variant->reason) == 0;
    variant->spec.n_threads = 1;
    progress_add(&playing->progress, 1);
    return !is_interrupted(options);
}

static bool search_again(void *state, int32_t i)
{
    struct playing *playing = state;
    const struct again *again = &playing->agains[i];
    struct capacity_variant *variant = &playing->study->variants[again->variant];
    playing->failed[i] =
        capacity_interval_search(&variant->interval, again->index, &variant->spec,
                                 &variant->answer, &playing->errs[i]) != 0;
    progress_add(&playing->progress, 1);
    return !playing->failed[i] && !is_interrupted(playing->options);
}

/* The first of what failed, by the name of its variant. */
static int tell_failed(const struct playing *playing, int32_t n, struct err *err)
{
    if (is_interrupted(playing->options)) {
        return err_set(err, "interrupted: nothing was written");
    }
    for (int32_t i = 0; i < n; i++) {
        int32_t v = playing->agains != NULL ? playing->agains[i].variant : i;
        if (playing->failed[i]) {
            return blame(&playing->study->variants[v], playing->errs[i].text, err);
        }
    }
    return 0;
}

/* Every variant's answer. */
static int play_answers(struct capacity_study *study,
                        const struct capacity_options *options, struct err *err)
{
    int32_t n = study->n_variants;
    struct playing playing = {
        .study = study,
        .options = options,
        .failed = memory_new((size_t)n, sizeof *playing.failed),
        .errs = memory_new((size_t)n, sizeof *playing.errs),
    };
    progress_start(&playing.progress, "capacity", n, options->quiet);
    parallel_each(n, options->n_threads, search_answer, &playing);
    progress_end(&playing.progress);
    int status = tell_failed(&playing, n, err);
    bool any_fits = false;
    for (int32_t i = 0; i < n; i++) {
        any_fits = any_fits || study->variants[i].fits;
    }
    if (status == 0 && !any_fits) {
        status = blame(&study->variants[0], study->variants[0].reason.text, err);
    }
    free(playing.failed);
    free(playing.errs);
    return status;
}

/* What the intervals of all variants are made of. */
static int play_intervals(struct capacity_study *study,
                          const struct capacity_options *options, struct err *err)
{
    int32_t n = 0;
    struct playing playing = {.study = study, .options = options};
    for (int32_t i = 0; i < study->n_variants; i++) {
        struct capacity_variant *variant = &study->variants[i];
        if (!variant->fits || variant->answer.meets < 0) {
            continue;
        }
        capacity_interval_plan(&variant->interval, &variant->spec);
        playing.agains =
            memory_grow(playing.agains, (size_t)n + (size_t)variant->interval.n + 1,
                        sizeof *playing.agains);
        for (int32_t k = 0; k < variant->interval.n; k++) {
            playing.agains[n++] = (struct again){.variant = i, .index = k};
        }
    }
    playing.failed = memory_new((size_t)n + 1, sizeof *playing.failed);
    playing.errs = memory_new((size_t)n + 1, sizeof *playing.errs);
    progress_start(&playing.progress, "intervals", n, options->quiet);
    parallel_each(n, options->n_threads, search_again, &playing);
    progress_end(&playing.progress);
    int status = tell_failed(&playing, n, err);
    for (int32_t i = 0; i < study->n_variants && status == 0; i++) {
        struct capacity_variant *variant = &study->variants[i];
        if (variant->fits && variant->answer.meets >= 0) {
            capacity_interval_conclude(&variant->interval, &variant->spec,
                                       &variant->answer);
        }
    }
    free(playing.agains);
    free(playing.failed);
    free(playing.errs);
    return status;
}

/* Whether two variants differ in that key alone. */
static bool are_rivals(const struct capacity_study *study, int32_t a, int32_t b)
{
    for (int32_t k = 0; k < study->grid.n_keys; k++) {
        if (k != study->best_of &&
            strcmp(study->variants[a].values[k], study->variants[b].values[k]) != 0) {
            return false;
        }
    }
    return true;
}

/* Dollars per million tokens; what serves nothing is dearer than anything. */
static double dollars(const struct capacity_variant *variant)
{
    if (!variant->fits) {
        return INFINITY;
    }
    if (variant->answer.meets < 0) {
        return 1e300;
    }
    double usd = capacity_result(&variant->answer)->usd_per_million;
    return isfinite(usd) ? usd : 1e299;
}

/* The first of the cheapest; of those that do not fit the last, which is the largest in
 * lists that grow. */
static void choose(struct capacity_study *study)
{
    for (int32_t i = 0; i < study->n_variants; i++) {
        bool is_best = true;
        double usd = dollars(&study->variants[i]);
        for (int32_t j = 0; study->best_of >= 0 && j < study->n_variants; j++) {
            double other = dollars(&study->variants[j]);
            bool is_later = isinf(usd) ? j > i : j < i;
            if (j != i && are_rivals(study, i, j) &&
                (other < usd || (is_later && !(other > usd)))) {
                is_best = false;
            }
        }
        study->variants[i].is_best = is_best;
    }
}

int capacity_study_play(struct capacity_study *study,
                        const struct capacity_options *options, struct err *err)
{
    if (play_answers(study, options, err) != 0 ||
        play_intervals(study, options, err) != 0) {
        return -1;
    }
    choose(study);
    return 0;
}

void capacity_study_figures(const struct capacity_variant *variant,
                            struct capacity_figures *figures)
{
    const struct config *config = &variant->config;
    const double none = NAN;
    *figures = (struct capacity_figures){
        .rps_per_replica = none,
        .rps_per_gpu = none,
        .output_per_gpu = none,
        .output_per_user = none,
        .usd_low = none,
        .usd_high = none,
    };
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        double n = (double)pool->n_replicas;
        figures->n_replicas += n;
        figures->n_gpus +=
            pool->shares_pool > 0 ? 0 : n * (double)layout_gpus(&pool->layout);
        figures->is_uncalibrated =
            figures->is_uncalibrated || calibrated_is_doubtful(pool);
    }
    if (!variant->fits || variant->answer.meets < 0) {
        return;
    }
    const struct trial_result *result = capacity_result(&variant->answer);
    const struct capacity_interval *interval = &variant->interval;
    figures->rps_per_replica = result->rate_rps / figures->n_replicas;
    figures->rps_per_gpu = result->rate_rps / figures->n_gpus;
    figures->output_per_gpu = result->output_per_s / figures->n_gpus;
    figures->output_per_user = 1000 / result->mean_tpot_ms;
    figures->usd_low = result->usd_per_million * result->rate_rps / interval->high_rps;
    figures->usd_high = interval->low_rps > 0 ? result->usd_per_million *
                                                    result->rate_rps / interval->low_rps
                                              : none;
}
