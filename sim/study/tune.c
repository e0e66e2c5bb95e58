#include "study/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/tune_point.h"

/* More combinations of two flags than these are not tried together. */
enum { MOST_OF_PAIR = 100 };

static int32_t n_cells(const struct tune *tune)
{
    return tune->score.n_draws * tune->score.n_seeds;
}

struct tune_gain tune_gain_of(const struct tune *tune, const struct tune_point *from,
                              const struct tune_point *to)
{
    const struct tune_score *score = &tune->score;
    struct tune_gain gain = {.worst = INFINITY};
    double squares = 0;
    int32_t n = n_cells(tune);
    for (int32_t d = 0; d < score->n_draws; d++) {
        double of_draw = 0;
        for (int32_t i = d * score->n_seeds; i < (d + 1) * score->n_seeds; i++) {
            double less = from->cells[i].value - to->cells[i].value;
            of_draw += less / score->n_seeds;
            gain.mean += less / n;
        }
        gain.worst = fmin(gain.worst, of_draw);
    }
    for (int32_t i = 0; i < n; i++) {
        double off = from->cells[i].value - to->cells[i].value - gain.mean;
        squares += off * off;
    }
    gain.se = n > 1 ? sqrt(squares / (n - 1) / n) : 0;
    return gain;
}

bool tune_is_better(const struct tune *tune, const struct tune_gain *gain)
{
    double least = tune->score.step * (1 - 1e-9); /* differences of steps are rounded */
    return gain->mean >= least && gain->mean > gain->se && gain->worst >= -least;
}

/* Runs jobs and refuses the points whose runs fail. */
static int play(struct tune *tune, struct tune_score_job *jobs,
                struct tune_point **points, int32_t n_points, int32_t n_each,
                struct err *err)
{
    if (tune_score_all(&tune->score, jobs, n_points * n_each, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < n_points * n_each; i++) {
        struct tune_point *point = points[i / n_each];
        if (jobs[i].failed && point->state != TUNE_REFUSED) {
            tune_point_refuse(tune, point, jobs[i].err.text);
        }
    }
    return 0;
}

/* Drops those that no seed of the middle draw shows to be better than `from`. */
static int screen(struct tune *tune, const struct tune_point *from,
                  struct tune_point **points, int32_t n, struct err *err)
{
    int32_t n_seeds = tune->score.n_seeds;
    int32_t draw = tune->score.n_draws / 2;
    struct tune_score_job *jobs = memory_new((size_t)(n * n_seeds) + 1, sizeof *jobs);
    for (int32_t i = 0; i < n * n_seeds; i++) {
        const struct tune_score_cell *cell = &from->cells[draw * n_seeds + i % n_seeds];
        jobs[i] =
            (struct tune_score_job){.spec = &points[i / n_seeds]->spec,
                                    .draw = draw,
                                    .seed = i % n_seeds,
                                    .start = cell->none ? cell->step - 1 : cell->step,
                                    .screens = true};
    }
    int status = play(tune, jobs, points, n, n_seeds, err);
    for (int32_t i = 0; i < n && status == 0; i++) {
        bool is_better = false;
        for (int32_t s = 0; s < n_seeds; s++) {
            const struct tune_score_job *job = &jobs[i * n_seeds + s];
            double before = from->cells[draw * n_seeds + s].value;
            is_better =
                is_better || job->is_better ||
                (tune->score.goal == CONFIG_STUDY_LATENCY && job->cell.value < before);
        }
        if (!is_better && points[i]->state == TUNE_NEW) {
            points[i]->state = TUNE_DROPPED;
        }
    }
    free(jobs);
    return status;
}

/* Scores every cell of those that are not refused or dropped; `from` says where to look
 * first. */
static int score(struct tune *tune, const struct tune_point *from,
                 struct tune_point **points, int32_t n, struct err *err)
{
    struct tune_point **left = memory_new((size_t)n + 1, sizeof(struct tune_point *));
    int32_t n_left = 0;
    int32_t n_each = n_cells(tune);
    for (int32_t i = 0; i < n; i++) {
        if (points[i]->state == TUNE_NEW) {
            left[n_left++] = points[i];
        }
    }
    struct tune_score_job *jobs =
        memory_new((size_t)(n_left * n_each) + 1, sizeof *jobs);
    for (int32_t i = 0; i < n_left * n_each; i++) {
        int32_t cell = i % n_each;
        jobs[i] = (struct tune_score_job){.spec = &left[i / n_each]->spec,
                                          .draw = cell / tune->score.n_seeds,
                                          .seed = cell % tune->score.n_seeds,
                                          .start = from != NULL ? from->cells[cell].step
                                                                : INT32_MIN};
    }
    int status = play(tune, jobs, left, n_left, n_each, err);
    for (int32_t i = 0; i < n_left && status == 0; i++) {
        if (left[i]->state == TUNE_REFUSED) {
            continue;
        }
        left[i]->state = TUNE_SCORED;
        left[i]->cells = ARENA_NEW(tune->arena, n_each, struct tune_score_cell);
        for (int32_t c = 0; c < n_each; c++) {
            left[i]->cells[c] = jobs[i * n_each + c].cell;
        }
    }
    free(jobs);
    free(left);
    return status;
}

/* Goes to the best of these points, if one is better; *moved says so. */
static int choose(struct tune *tune, struct tune_point **points, int32_t n, bool *moved,
                  struct err *err)
{
    struct tune_point **fresh = memory_new((size_t)n + 1, sizeof(struct tune_point *));
    struct tune_point *best = NULL;
    double most = 0;
    int32_t n_fresh = 0;
    for (int32_t i = 0; i < n; i++) {
        if (points[i]->state == TUNE_NEW) {
            fresh[n_fresh++] = points[i];
        }
    }
    int status = screen(tune, tune->now, fresh, n_fresh, err);
    if (status == 0) {
        status = score(tune, tune->now, fresh, n_fresh, err);
    }
    free(fresh);
    for (int32_t i = 0; i < n && status == 0; i++) {
        if (points[i]->state != TUNE_SCORED) {
            continue;
        }
        struct tune_gain gain = tune_gain_of(tune, tune->now, points[i]);
        if (tune_is_better(tune, &gain) && gain.mean > most) {
            best = points[i];
            most = gain.mean;
        }
    }
    *moved = *moved || best != NULL;
    tune->now = best != NULL ? best : tune->now;
    return status;
}

/* Tries every combination of the values of two flags, or of one twice named. */
static int try_pair(struct tune *tune, int32_t one, int32_t other, bool *moved,
                    struct err *err)
{
    int32_t n_one = tune->flags.list[one].n_values;
    int32_t n_other = one == other ? 1 : tune->flags.list[other].n_values;
    struct tune_point **points =
        memory_new((size_t)n_one * (size_t)n_other, sizeof(struct tune_point *));
    int32_t n = 0;
    for (int32_t i = 0; i < n_one * n_other; i++) {
        int32_t at[TUNE_FLAGS_MOST];
        memcpy(at, tune->now->at, sizeof at);
        at[one] = i / n_other;
        at[other] = one == other ? at[one] : i % n_other;
        points[n++] = tune_point_at(tune, at);
    }
    int status = choose(tune, points, n, moved, err);
    free(points);
    return status;
}

/* Goes through the flags one by one, forwards or backwards. */
static int go_flags(struct tune *tune, bool forwards, bool *moved, struct err *err)
{
    int32_t n = tune->flags.n;
    for (int32_t i = 0; i < n; i++) {
        int32_t f = forwards ? i : n - 1 - i;
        if (try_pair(tune, f, f, moved, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Pairs of flags, until one moves. */
static int go_pairs(struct tune *tune, bool *moved, struct err *err)
{
    for (int32_t f = 0; f < tune->flags.n && !*moved; f++) {
        for (int32_t g = f + 1; g < tune->flags.n && !*moved; g++) {
            int32_t n = tune->flags.list[f].n_values * tune->flags.list[g].n_values;
            if (n <= MOST_OF_PAIR && try_pair(tune, f, g, moved, err) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* The first round: which flag moves first decides where one ends, so both ways. */
static int begin(struct tune *tune, struct err *err)
{
    bool moved = false;
    if (go_flags(tune, false, &moved, err) != 0) {
        return -1;
    }
    struct tune_point *backwards = tune->now;
    tune->now = tune->was;
    if (go_flags(tune, true, &moved, err) != 0) {
        return -1;
    }
    struct tune_gain gain = tune_gain_of(tune, tune->now, backwards);
    tune->now = tune_is_better(tune, &gain) ? backwards : tune->now;
    return 0;
}

/* What each flag that changed is worth; *lesser is a point that does without one that is
 * worth nothing, or NULL. */
static int weigh(struct tune *tune, struct tune_point **lesser, struct err *err)
{
    *lesser = NULL;
    tune->n_worth = 0;
    for (int32_t f = 0; f < tune->flags.n && *lesser == NULL; f++) {
        int32_t at[TUNE_FLAGS_MOST];
        memcpy(at, tune->now->at, sizeof at);
        at[f] = tune->flags.list[f].was;
        if (at[f] == tune->now->at[f]) {
            continue;
        }
        struct tune_point *without = tune_point_at(tune, at);
        if (without->state == TUNE_DROPPED) {
            without->state = TUNE_NEW;
        }
        if (score(tune, tune->now, &without, 1, err) != 0) {
            return -1;
        }
        struct tune_worth *worth = &tune->worth[tune->n_worth++];
        *worth =
            (struct tune_worth){.flag = f, .is_needed = without->state == TUNE_REFUSED};
        if (!worth->is_needed) {
            worth->gain = tune_gain_of(tune, without, tune->now);
            *lesser = tune_is_better(tune, &worth->gain) ? NULL : without;
        }
    }
    return 0;
}

static int search(struct tune *tune, struct err *err)
{
    int32_t at[TUNE_FLAGS_MOST] = {0};
    for (int32_t f = 0; f < tune->flags.n; f++) {
        at[f] = tune->flags.list[f].was;
    }
    tune->was = tune->now = tune_point_at(tune, at);
    if (score(tune, NULL, &tune->was, 1, err) != 0) {
        return -1;
    }
    if (tune->was->state == TUNE_REFUSED) {
        return err_set(err, "%s", tune->refusal);
    }
    if (begin(tune, err) != 0) {
        return -1;
    }
    while (!tune->is_settled && tune->n_rounds < tune->base.study.tune.rounds) {
        bool moved = false;
        if (go_flags(tune, true, &moved, err) != 0 ||
            (!moved && go_pairs(tune, &moved, err) != 0)) {
            return -1;
        }
        tune->n_rounds++;
        tune->is_settled = !moved;
    }
    struct tune_point *lesser = tune->now;
    while (lesser != NULL) {
        tune->now = lesser;
        if (weigh(tune, &lesser, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* What flags have nothing to do with. */
static int check(const struct config *config, struct err *err)
{
    if (config_one_pool(config, "tune", err) != 0) {
        return -1;
    }
    if (strcmp(config->pools[0].scale.policy, "none") != 0) {
        return err_set(err, "%s: [scale.%s]: tune needs a fleet of one size",
                       config->file, config->pools[0].name);
    }
    return 0;
}

int tune_run(struct tune *tune, const struct tune_request *request, struct arena *arena,
             struct err *err)
{
    *tune = (struct tune){.request = request, .arena = arena};
    if (config_read(&tune->base, request->path, request->overrides,
                    request->n_overrides, arena, err) != 0 ||
        check(&tune->base, err) != 0 ||
        tune_flags_read(&tune->flags, &tune->base, arena, err) != 0 ||
        tune_score_spec(&tune->spec, &tune->base, request->interrupted, arena, err) !=
            0 ||
        tune_score_init(&tune->score, &tune->spec, err) != 0) {
        return -1;
    }
    tune->score.n_threads = request->n_threads;
    tune->score.progress = &tune->progress;
    progress_start(&tune->progress, "tune: runs", 0, request->quiet);
    int status = search(tune, err);
    progress_end(&tune->progress);
    return status;
}

void tune_free(struct tune *tune)
{
    free(tune->points);
}
