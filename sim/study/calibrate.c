#include "study/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How far from the preset a constant is expected, on its scale: those of engines and years
 * differ by less than half.  Each constant counts as one row that errs as the others do:
 * little where rows say something, and where they do not, the preset stays. */
static const double spread_of_presets = 0.5;

/* Differences are taken over 10 % of a constant, up and down: a simulation jumps, and over
 * less its jumps make constants look easier to tell apart than they are. */
static const double difference = 0.1;

enum { MOST_ITERATIONS = 30, FOLD_STEPS = 3, DIGITS = 4 };

const char *calibrate_hold_name(enum calibrate_hold hold)
{
    static const char *const names[] = {"model", "system", "backend", "none"};
    return hold <= CALIBRATE_NONE ? names[hold] : NULL;
}

const char *calibrate_label(const struct predict_case *of, enum calibrate_hold hold)
{
    const char *backend;
    switch (hold) {
    case CALIBRATE_BY_MODEL:
        return of->config.model_name;
    case CALIBRATE_BY_SYSTEM:
        return of->config.accelerator_name;
    case CALIBRATE_BY_BACKEND:
        backend = predict_engine_family(of->row.server.backend);
        return backend != NULL ? backend : of->row.server.backend;
    case CALIBRATE_NONE:
        break;
    }
    return "";
}

/* The residuals of all rows, then those of the constants themselves. */
static void bend(const struct calibrate *of, const double *at, const double *logs,
                 double *residuals)
{
    calibrate_loss_apply(&of->loss, &of->rows, logs, residuals);
    for (int32_t i = 0; i < of->keys.n; i++) {
        double away = (at[i] - of->start_at[i]) / spread_of_presets;
        residuals[of->rows.n_rows + i] = of->loss.scale * away;
    }
}

static int32_t n_residuals(const struct calibrate *of)
{
    return of->rows.n_rows + of->keys.n;
}

static int residuals_at(void *context, const double *at, double *residuals)
{
    struct calibrate *of = context;
    calibrate_rows_set(&of->rows, &of->keys, at, 0);
    if (calibrate_rows_play(&of->rows, residuals) != 0) {
        return -1;
    }
    bend(of, at, residuals, residuals);
    return 0;
}

static struct fit_problem problem_of(struct calibrate *of)
{
    return (struct fit_problem){
        .n_residuals = (size_t)n_residuals(of),
        .n_parameters = (size_t)of->keys.n,
        .step = difference,
        .residuals = residuals_at,
        .context = of,
    };
}

/* The preset of most rows: what is not fitted is written as it has it. */
static void choose_preset(struct calibrate *of)
{
    int32_t most = 0;
    for (int32_t i = 0; i < of->rows.n_cases; i++) {
        const struct pool_config *config = &of->rows.cases[i].config;
        int32_t alike = 0;
        for (int32_t j = 0; j < of->rows.n_cases; j++) {
            const char *other = of->rows.cases[j].config.engine_name;
            alike += strcmp(other, config->engine_name) == 0;
        }
        if (alike > most) {
            most = alike;
            of->engine_name = config->engine_name;
            of->before = config->constants;
        }
    }
}

static void start_keys(struct calibrate *of)
{
    for (int32_t i = 0; i < of->keys.n; i++) {
        const struct calibrate_key *key = &of->keys.key[i];
        double value = (double)calibrate_keys_value(key, &of->before);
        of->start_at[i] = calibrate_keys_coordinate(key, value);
        of->at[i] = of->start_at[i];
    }
}

/* The largest change of a row's logarithm per unit of constant `j`. */
static double influence(const struct calibrate *of, const double *derivatives,
                        int32_t j)
{
    double most = 0;
    for (int32_t i = 0; i < of->rows.n_rows; i++) {
        double of_row = derivatives[i * of->keys.n + j] / of->rows.rows[i].weight;
        most = fmax(most, fabs(of_row));
    }
    return most;
}

static bool is_unseen(const struct calibrate *of, const double *derivatives, int32_t j)
{
    return influence(of, derivatives, j) < 1e-3;
}

/* Of the standard constants those stay that some row changes with. */
static int drop_unseen(struct calibrate *of, double *residuals, double *derivatives)
{
    struct fit_problem problem = problem_of(of);
    if (residuals_at(of, of->at, residuals) != 0 ||
        fit_derivatives(&problem, of->at, derivatives) != 0) {
        return -1;
    }
    struct calibrate_keys seen = {.chosen = false};
    for (int32_t j = 0; j < of->keys.n; j++) {
        if (!is_unseen(of, derivatives, j)) {
            seen.key[seen.n++] = of->keys.key[j];
        }
    }
    of->keys = seen;
    start_keys(of);
    return 0;
}

static void tell(const struct calibrate *of, const char *what, int32_t i, int32_t n)
{
    if (of->options->tells) {
        fprintf(stderr, "\r%s %d of %d \033[K", what, i, n);
    }
}

/* Once with the scale of residuals that the start gives, once with that of the fit. */
static bool solve(struct calibrate *of, double *residuals, double *derivatives)
{
    enum { ROUNDS = 2 };
    int32_t rounds = of->loss.kind == CALIBRATE_SQUARES ? 1 : ROUNDS;
    for (int32_t i = 0; i < rounds; i++) {
        struct fit_problem problem = problem_of(of);
        tell(of, "fitting, round", i + 1, rounds);
        struct fit_outcome outcome =
            fit_solve(&problem, MOST_ITERATIONS, of->at, residuals, derivatives);
        of->outcome.n_iterations += outcome.n_iterations;
        of->outcome.by_simplex |= outcome.by_simplex;
        calibrate_rows_set(&of->rows, &of->keys, of->at, DIGITS);
        if (outcome.interrupted || calibrate_rows_play(&of->rows, of->logs) != 0) {
            return false;
        }
        if (i + 1 < rounds) {
            calibrate_loss_scale(&of->loss, &of->rows, of->logs);
        }
    }
    return true;
}

/* Standard deviations, correlations, flaws.  Errors of 0.5 % are always added:
 * data without noise do not make everything known. */
static void judge(struct calibrate *of, const double *residuals,
                  const double *derivatives)
{
    size_t p = (size_t)of->keys.n;
    size_t n = (size_t)of->rows.n_rows;
    double *covariance = memory_new(p * p, sizeof *covariance);
    double *inverse = memory_new(p * p, sizeof *inverse);
    int32_t *clusters = memory_new(n, sizeof *clusters);
    of->correlation = memory_new(p * p, sizeof *of->correlation);
    for (size_t i = 0; i < n; i++) {
        clusters[i] = of->rows.deployment[of->rows.rows[i].at];
    }
    of->is_robust = fit_covariance(derivatives, residuals, clusters,
                                   of->rows.n_deployments, n, p, covariance);
    fit_information(derivatives, n, p, inverse);
    for (int32_t i = 0; i < of->keys.n; i++) {
        const struct calibrate_key *key = &of->keys.key[i];
        size_t at = (size_t)i * p + (size_t)i;
        double variance =
            covariance[at] + calibrate_loss_least * calibrate_loss_least * inverse[at];
        of->sd[i] = calibrate_keys_relative(key, of->at[i]) * sqrt(variance);
        of->flaw[i] = calibrate_keys_is_bound(key, of->at[i]) ? CALIBRATE_BOUND
                      : is_unseen(of, derivatives, i)         ? CALIBRATE_UNSEEN
                      : !isfinite(of->sd[i]) || of->sd[i] > 1 ? CALIBRATE_VAGUE
                                                              : CALIBRATE_SOUND;
        for (size_t j = 0; j < p; j++) {
            double sizes = sqrt(inverse[at] * inverse[j * p + j]);
            of->correlation[(size_t)i * p + j] =
                isfinite(sizes) && sizes > 0 ? inverse[(size_t)i * p + j] / sizes : 0;
        }
    }
    free(covariance);
    free(inverse);
    free(clusters);
}

static double sum_of_used(const double *residuals, const bool *is_used, int32_t n)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += is_used[i] ? residuals[i] * residuals[i] : 0;
    }
    return sum;
}

/* Refits without the rows that are not used, from the full optimum, by Gauss-Newton steps
 * with the derivatives there, as long as they help; fills those rows' logarithms. */
static int play_fold(struct calibrate *of, const double *residuals,
                     const double *derivatives, const bool *is_used, double *logs)
{
    int32_t n = n_residuals(of);
    size_t p = (size_t)of->keys.n;
    double at[CALIBRATE_MOST_KEYS];
    double *now = memory_new((size_t)n, sizeof *now);
    double *played = memory_new((size_t)n, sizeof *played);
    double sum = INFINITY; /* the first step is always taken: nothing may leak */
    int status = 0;
    memcpy(at, of->at, sizeof at);
    memcpy(now, residuals, (size_t)n * sizeof *now);
    for (int step = 0; step < FOLD_STEPS; step++) {
        fit_step(derivatives, now, is_used, (size_t)n, p, at);
        calibrate_rows_set(&of->rows, &of->keys, at, 0);
        status = calibrate_rows_play(&of->rows, played);
        if (status != 0) {
            break;
        }
        bend(of, at, played, now);
        double after = sum_of_used(now, is_used, n);
        for (int32_t i = 0; i < of->rows.n_rows && after < sum; i++) {
            logs[i] = is_used[i] ? logs[i] : played[i];
        }
        if (!(after < 0.99 * sum)) {
            break;
        }
        sum = after;
    }
    free(now);
    free(played);
    return status;
}

static int32_t count_labels(const struct calibrate *of, enum calibrate_hold hold,
                            const char **labels)
{
    int32_t n = 0;
    for (int32_t i = 0; i < of->rows.n_cases; i++) {
        const char *label = calibrate_label(&of->rows.cases[i], hold);
        int32_t at = 0;
        while (at < n && strcmp(labels[at], label) != 0) {
            at++;
        }
        if (at == n) {
            labels[n++] = label;
        }
    }
    return n;
}

static int hold_out(struct calibrate *of, const double *residuals,
                    const double *derivatives)
{
    enum calibrate_hold hold = of->options->hold_out;
    const char **labels = memory_new((size_t)of->rows.n_cases, sizeof *labels);
    bool *is_used = memory_new((size_t)n_residuals(of), sizeof *is_used);
    memset(is_used, true, (size_t)n_residuals(of)); /* a constant's own, too */
    int status = 0;
    int32_t n = hold == CALIBRATE_NONE ? 0 : count_labels(of, hold, labels);
    if (n > 1) {
        of->n_folds = n;
        of->logs_held = memory_new((size_t)of->rows.n_rows, sizeof *of->logs_held);
    }
    for (int32_t fold = 0; fold < of->n_folds && status == 0; fold++) {
        tell(of, "held out", fold + 1, n);
        for (int32_t i = 0; i < of->rows.n_rows; i++) {
            const struct predict_case *row = &of->rows.cases[of->rows.rows[i].at];
            is_used[i] = strcmp(calibrate_label(row, hold), labels[fold]) != 0;
        }
        status = play_fold(of, residuals, derivatives, is_used, of->logs_held);
    }
    free(labels);
    free(is_used);
    return status;
}

/* Everything after the rows are known; false if interrupted. */
static bool fit(struct calibrate *of, double *residuals, double *derivatives)
{
    if (!solve(of, residuals, derivatives)) {
        return false;
    }
    of->constants = of->before;
    calibrate_keys_set(&of->keys, of->at, DIGITS, &of->constants);
    judge(of, residuals, derivatives);
    return hold_out(of, residuals, derivatives) == 0;
}

static int check_count(const struct calibrate *of, struct err *err)
{
    if (of->keys.n == 0) {
        return err_set(err,
                       "%s: no row changes with any of the standard constants; "
                       "name others with --fit",
                       of->options->path);
    }
    return of->rows.n_rows >= of->keys.n
               ? 0
               : err_set(err,
                         "%s: %d measured numbers cannot give %d constants; name "
                         "fewer with --fit",
                         of->options->path, of->rows.n_rows, of->keys.n);
}

int calibrate_fit(struct calibrate *of, const struct calibrate_options *options,
                  const struct config *base, struct arena *arena, struct err *err)
{
    *of = (struct calibrate){
        .options = options,
        .rows = {.n_threads = options->n_threads, .interrupted = options->interrupted}};
    if (calibrate_keys_read(&of->keys, options->fit, arena, err) != 0 ||
        calibrate_rows_read(&of->rows, options->path, base, options->engine, arena,
                            err) != 0) {
        return -1;
    }
    choose_preset(of);
    start_keys(of);
    size_t n = (size_t)n_residuals(of);
    double *residuals = memory_new(n, sizeof *residuals);
    double *derivatives = memory_new(n * (size_t)of->keys.n, sizeof *derivatives);
    of->logs = memory_new(n, sizeof *of->logs);
    of->logs_before = memory_new(n, sizeof *of->logs_before);
    calibrate_rows_logs(&of->rows, of->logs_before);
    calibrate_loss_scale(&of->loss, &of->rows, of->logs_before);
    of->loss.scale = calibrate_loss_least; /* how well it will fit is not known yet */
    bool done = of->keys.chosen || drop_unseen(of, residuals, derivatives) == 0;
    int status = done ? check_count(of, err) : calibrate_rows_stopped(err);
    if (status == 0 && !fit(of, residuals, derivatives)) {
        status = calibrate_rows_stopped(err);
    }
    if (options->tells) {
        fputs("\r\033[K", stderr);
    }
    free(residuals);
    free(derivatives);
    return status;
}

void calibrate_free(struct calibrate *of)
{
    calibrate_rows_free(&of->rows);
    free(of->correlation);
    free(of->logs_before);
    free(of->logs);
    free(of->logs_held);
}
