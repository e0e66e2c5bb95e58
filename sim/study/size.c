#include "study/size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input/workload.h"
#include "study/calibrated.h"
#include "study/size_bound.h"
#include "study/size_draws.h"

static int blame(const struct size_variant *variant, struct err *err)
{
    char reason[sizeof err->text];
    snprintf(reason, sizeof reason, "%s", err->text);
    return variant->label[0] == '\0'
               ? -1
               : err_set(err, "size: %.200s: %.780s", variant->label, reason);
}

/* What of a configuration the search would have to change against its will. */
static int check(const struct config *config, struct err *err)
{
    const struct pool_config *pool = &config->pools[0];
    if (config_one_pool(config, "size", err) != 0) {
        return -1;
    }
    if (strcmp(pool->scale.policy, "none") != 0 && pool->scale.policy[0] != '\0') {
        return err_set(err,
                       "%s: [scale.%s]: size looks for the number of replicas itself",
                       config->file, pool->name);
    }
    if (config->failures.n >
        0) { /* fleets that are tried may not have those replicas */
        return err_set(err,
                       "%s: [fail] events: names replicas, and size looks for their "
                       "number; say mtbf and spot_mtbf instead",
                       config->file);
    }
    return 0;
}

/* The requests of a run with the first seed: their lengths, when they come; and when those
 * of the workload itself do. */
static int read_load(struct size_variant *variant, struct err *err)
{
    struct size_candidates *candidates = &variant->candidates;
    struct config config;
    struct pool_config pools[1];
    struct trial trial = {0};
    struct demand run = {.interval_ns = 1000000000};
    variant->demand.interval_ns = variant->config.study.size.interval_ns;
    trial_config(&variant->book.spec, &trial, 0, &config, pools);
    int status = demand_read(&run, &config.workload, (uint64_t)config.run.seed,
                             &variant->mix, err);
    if (status == 0) {
        status = demand_read(&variant->demand, &variant->config.workload,
                             (uint64_t)config.run.seed, NULL, err);
    }
    int64_t n = run.sum.n_requests;
    if (status == 0 && n < 2) {
        status = err_set(err, "%s: [workload]: fewer than two requests say no rate",
                         config.file);
    } else if (status == 0 && run.first_ns == run.last_ns) {
        status = err_set(err,
                         "%s: [workload]: its requests arrive at one instant: there is "
                         "no rate to size for",
                         config.file);
    }
    if (status == 0) {
        candidates->run_s = (double)run.n_intervals;
        candidates->rate_rps = (double)config.workload.rate_rps_nano * 1e-9;
        if (candidates->rate_rps == 0) {
            candidates->rate_rps = (double)(n - 1) / (double)run.n_intervals;
        }
        candidates->mean_prompt_tokens = (double)run.sum.prompt_tokens / (double)n;
        candidates->mean_output_tokens = (double)run.sum.output_tokens / (double)n;
    }
    demand_free(&run);
    return status;
}

static int read_variant(struct size *size, int32_t i,
                        const struct size_request *request,
                        const struct size_options *options, struct arena *arena,
                        struct err *err)
{
    struct size_variant *variant = &size->variants[i];
    struct grid_point point;
    grid_point(&point, &size->grid, i, arena);
    variant->label = point.label;
    variant->values = point.values;
    const char **overrides = grid_overrides(&point, &size->grid, request->overrides,
                                            request->n_overrides, arena);
    struct size_candidate_source source = {.path = request->path,
                                           .overrides = overrides,
                                           .n_overrides = request->n_overrides +
                                                          size->grid.n_keys};
    struct size_book *book = &variant->book;
    if (config_read(&variant->config, source.path, source.overrides, source.n_overrides,
                    arena, err) != 0 ||
        check(&variant->config, err) != 0 ||
        size_candidate_read(&variant->candidates, &variant->config, &source, arena,
                            err) != 0 ||
        trial_spec_init(&book->spec, &variant->config, options->interrupted, arena,
                        err) != 0 ||
        read_load(variant, err) != 0) {
        return blame(variant, err);
    }
    const struct config *config = &variant->config;
    book->candidates = &variant->candidates;
    book->slo_matters = strcmp(config->pools[0].scheduler.order, "edf") == 0 ||
                        config->study.size.policies[0] != '\0' ||
                        config->admit.shed_late != 0;
    book->n_threads = options->n_threads;
    book->arena = arena;
    size_bound(&variant->candidates, &variant->mix, arena);
    return 0;
}

int size_read(struct size *size, const struct size_request *request,
              const struct size_options *options, struct arena *arena, struct err *err)
{
    *size = (struct size){0};
    if (config_read(&size->base, request->path, request->overrides,
                    request->n_overrides, arena, err) != 0) {
        return -1;
    }
    bool asked = request->n_overs > 0;
    const struct config_study *study = &size->base.study;
    if (grid_read(&size->grid, asked ? request->overs : study->overs,
                  asked ? request->n_overs : study->n_overs, SIZE_MOST_VARIANTS, arena,
                  err) != 0) {
        return -1;
    }
    size->n = (int32_t)size->grid.n_points;
    size->variants = memory_new((size_t)size->n, sizeof *size->variants);
    for (int32_t i = 0; i < size->n; i++) {
        if (read_variant(size, i, request, options, arena, err) != 0) {
            return -1;
        }
    }
    return 0;
}

void size_free(struct size *size)
{
    for (int32_t i = 0; size->variants != NULL && i < size->n; i++) {
        struct size_variant *variant = &size->variants[i];
        size_book_free(&variant->book);
        demand_free(&variant->demand);
        bound_mix_free(&variant->mix);
    }
    free(size->variants);
}

static int search_pairs(struct size_book *book, struct size_answer *answer,
                        bool disaggregated, struct size_pairs *pairs, struct err *err)
{
    if (size_pairs_search(book, answer->factor, disaggregated,
                          answer->found ? &answer->best : NULL, pairs, err) != 0) {
        return -1;
    }
    if (pairs->found) {
        answer->best = pairs->best;
        answer->found = true;
    }
    return 0;
}

/* The cheapest fleet under bounds that are `factor` wide. */
static int search(struct size_variant *variant, double factor, bool by_group,
                  const struct size_answer *hint, struct size_answer *answer,
                  struct arena *arena, struct err *err)
{
    struct size_book *book = &variant->book;
    const struct config_study_size *asked = &variant->config.study.size;
    struct size_search_options options = {
        .factor = factor,
        .by_group = by_group,
        .hints = hint != NULL ? hint->alone : NULL,
    };
    *answer =
        (struct size_answer){.factor = factor,
                             .alone = ARENA_NEW(arena, (size_t)variant->candidates.n,
                                                struct size_search_found)};
    if (size_search(book, &options, answer->alone, err) != 0) {
        return -1;
    }
    answer->found = size_search_best(book, answer->alone, -1, &answer->best);
    if ((asked->mixed && search_pairs(book, answer, false, &answer->mixed, err) != 0) ||
        (asked->disaggregate &&
         search_pairs(book, answer, true, &answer->apart, err) != 0)) {
        return -1;
    }
    if (answer->found) {
        answer->nano = size_fleet_nano(&variant->candidates, &answer->best);
    }
    return 0;
}

static void calibrate(struct size_variant *variant)
{
    struct config config;
    struct pool_config pools[SIZE_FLEET_PARTS];
    if (variant->answer.found) {
        size_fleet_config(&variant->candidates, &variant->answer.best, &config, pools);
        calibrated_print(pools, config.n_pools, variant->calibration);
    }
}

/* What no fleet at all can be simulated for is a fault of what was asked. */
static int check_any_ran(const struct size_variant *variant, struct err *err)
{
    const struct size_book *book = &variant->book;
    for (int32_t i = 0; i < book->n; i++) {
        if (book->entries[i].error == NULL) {
            return 0;
        }
    }
    return book->n == 0 ? 0 : err_set(err, "%s", book->entries[0].error);
}

static int play(struct size_variant *variant, struct arena *arena, struct err *err)
{
    double notch = (double)variant->config.study.size.notch_nano * 1e-9;
    if (search(variant, 1, true, NULL, &variant->answer, arena, err) != 0) {
        return -1;
    }
    if (check_any_ran(variant, err) != 0) {
        return blame(variant, err);
    }
    calibrate(variant);
    if (variant->answer.found && size_draws_search(variant, err) != 0) {
        return -1;
    }
    if (notch == 0 || !variant->answer.found) {
        return 0;
    }
    return search(variant, 1 - notch, false, &variant->answer, &variant->tighter, arena,
                  err) == 0
               ? search(variant, 1 + notch, false, &variant->answer, &variant->looser,
                        arena, err)
               : -1;
}

int size_play(struct size *size, const struct size_options *options,
              struct arena *arena, struct err *err)
{
    struct progress progress;
    int status = 0;
    progress_start(&progress, "fleets simulated", 0, options->quiet);
    for (int32_t i = 0; i < size->n && status == 0; i++) {
        size->variants[i].book.progress = &progress;
        status = play(&size->variants[i], arena, err);
    }
    progress_end(&progress);
    return status;
}
