#include "study/observed.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "study/run.h"

static int add_row(struct observed *observed, const struct measured_row *row,
                   int64_t *room, struct err *err)
{
    const struct measured_interval *interval = &row->interval;
    const struct measured_interval *last = &observed->rows[observed->n];
    if (interval->t_ns == 0 && observed->n == 0 && observed->lines[0] == 0) {
        observed->rows[0] = *interval;
        observed->lines[0] = row->line;
        return 0;
    }
    if (interval->t_ns <= last->t_ns) {
        return err_at(err, observed->file, row->line,
                      "t_s: %.3f is not after the row above's %.3f",
                      (double)interval->t_ns * 1e-9, (double)last->t_ns * 1e-9);
    }
    if (observed->n + 2 > *room) {
        *room *= 2;
        observed->rows =
            memory_grow(observed->rows, (size_t)*room, sizeof *observed->rows);
        observed->lines =
            memory_grow(observed->lines, (size_t)*room, sizeof *observed->lines);
    }
    observed->n++;
    observed->rows[observed->n] = *interval;
    observed->lines[observed->n] = row->line;
    return 0;
}

static int read_rows(struct observed *observed, struct measured *measured,
                     struct err *err)
{
    int64_t room = 64;
    struct measured_row row;
    observed->rows = memory_new((size_t)room, sizeof *observed->rows);
    observed->lines = memory_new((size_t)room, sizeof *observed->lines);
    snprintf(observed->file, sizeof observed->file, "%s", measured_name(measured));
    if (measured_kind(measured) != MEASURED_SERVER) {
        return err_at(
            err, observed->file, 1,
            "--observed: expected a server's metrics, which have a column t_s "
            "(servesim import prometheus)");
    }
    int got;
    while ((got = measured_next(measured, &row, err)) > 0) {
        if (add_row(observed, &row, &room, err) != 0) {
            return -1;
        }
    }
    if (got == 0 && observed->n == 0) {
        return err_set(err, "%s: holds no interval: expected a row after second 0",
                       observed->file);
    }
    return got;
}

static bool is_known(struct observed_ratio ratio)
{
    return !isnan(ratio.numerator) && !isnan(ratio.denominator);
}

/* How much longer the replay's tokens took than its mean steps are priced. */
static double step_bias(const struct observed *observed, const struct pool *pool)
{
    struct observed_context context =
        observed_step_context(observed->once, observed->n);
    double took = 0;
    double priced = 0;
    for (int64_t i = 1; i <= observed->n; i++) {
        const struct measured_interval *row = &observed->once[i];
        double step_s = observed_step_s(pool, &context, row - 1, row);
        if (!isnan(step_s) && row->itl_mean_ns != MEASURED_NONE) {
            double tokens = (double)row->generation_tokens;
            took += tokens * (double)row->itl_mean_ns;
            priced += tokens * step_s * 1e9;
        }
    }
    return priced > 0 ? took / priced : NAN;
}

/* ITL as observed, beside what it would be of the observed batch. */
static void fill_steps(struct observed *observed, const struct pool *pool)
{
    struct observed_pair *pairs = observed->results[OBSERVED_STEP].pairs;
    struct observed_context context =
        observed_step_context(observed->rows, observed->n);
    double bias = step_bias(observed, pool);
    for (int64_t i = 0; i < observed->n; i++) {
        const struct measured_interval *row = &observed->rows[i + 1];
        double step_s = observed_step_s(pool, &context, row - 1, row);
        double tokens = observed_known(row->generation_tokens);
        pairs[i].observed =
            (struct observed_ratio){observed_known(row->itl_mean_ns) * tokens, tokens};
        pairs[i].simulated =
            (struct observed_ratio){bias * step_s * 1e9 * tokens, tokens};
        if (!is_known(pairs[i].observed) || !is_known(pairs[i].simulated)) {
            pairs[i].observed = (struct observed_ratio){NAN, NAN};
        }
    }
}

static void correlate(struct observed_result *result, int64_t n)
{
    double *x = memory_new((size_t)n, sizeof *x);
    double *y = memory_new((size_t)n, sizeof *y);
    size_t found = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct observed_pair *pair = &result->pairs[i];
        double a = pair->observed.numerator / pair->observed.denominator;
        double b = pair->simulated.numerator / pair->simulated.denominator;
        if (isfinite(a) && isfinite(b)) {
            x[found] = a;
            y[found++] = b;
        }
    }
    bool varies = found > 2 && gsl_stats_variance(x, 1, found) > 0 &&
                  gsl_stats_variance(y, 1, found) > 0;
    result->correlation = varies ? gsl_stats_correlation(x, 1, y, 1, found) : NAN;
    free(x);
    free(y);
}

/* Over the intervals in which the quantity was observed. */
static void sum_up(struct observed_result *result, int64_t n)
{
    struct observed_pair sum = {{0, 0}, {0, 0}};
    for (int64_t i = 0; i < n; i++) {
        const struct observed_pair *pair = &result->pairs[i];
        if (is_known(pair->observed) && is_known(pair->simulated)) {
            sum.observed.numerator += pair->observed.numerator;
            sum.observed.denominator += pair->observed.denominator;
            sum.simulated.numerator += pair->simulated.numerator;
            sum.simulated.denominator += pair->simulated.denominator;
        }
    }
    result->observed = sum.observed.denominator > 0
                           ? sum.observed.numerator / sum.observed.denominator
                           : NAN;
    result->simulated = sum.simulated.denominator > 0
                            ? sum.simulated.numerator / sum.simulated.denominator
                            : NAN;
    correlate(result, n);
}

/* The same work may come at other times: how far ahead or behind of the simulated what
 * came up to some moment is at most, as a share of all that came. */
static double traffic_drift(const struct observed_result *result, int64_t n)
{
    double ahead = 0;
    double most = 0;
    double all = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct observed_pair *pair = &result->pairs[i];
        if (is_known(pair->observed) && is_known(pair->simulated)) {
            ahead += pair->observed.numerator - pair->simulated.numerator;
            all += pair->simulated.numerator;
            most = fabs(ahead) > fabs(most) ? ahead : most;
        }
    }
    return isnan(result->observed) ? NAN : most == 0 ? 0 : most / all;
}

/* How far off, as a share of what it means for the server: of all requests it holds for
 * those that wait, of the tokens left to compute for hits, of requests for preemptions. */
static double drift_of(const struct observed *observed, enum observed_quantity quantity)
{
    const struct observed_result *results = observed->results;
    double seen = results[quantity].observed;
    double played = results[quantity].simulated;
    double of = played;
    if (quantity <= OBSERVED_PROMPT && !observed->is_closed) {
        return traffic_drift(&results[quantity], observed->n);
    }
    if (quantity == OBSERVED_PROMPT) { /* per request */
        seen /= results[OBSERVED_REQUESTS].observed;
        played /= results[OBSERVED_REQUESTS].simulated;
        of = played;
    }
    if (quantity == OBSERVED_HITS) {
        seen = 1 - seen;
        played = 1 - played;
        of = played;
    } else if (quantity == OBSERVED_WAITING) {
        of = played + results[OBSERVED_RUNNING].simulated;
    } else if (quantity == OBSERVED_PREEMPTIONS) {
        of = results[OBSERVED_REQUESTS].simulated;
    }
    return seen == played ? 0 : (seen - played) / of;
}

static enum observed_cause cause_of(enum observed_quantity quantity)
{
    if (quantity <= OBSERVED_OUTPUT) {
        return OBSERVED_TRAFFIC;
    }
    if (quantity <= OBSERVED_STEP) {
        return quantity == OBSERVED_HITS ? OBSERVED_HIT_RATE : OBSERVED_STEP_TIME;
    }
    return quantity <= OBSERVED_PREEMPTIONS ? OBSERVED_SCHEDULING : N_OBSERVED_CAUSES;
}

static void judge(struct observed *observed)
{
    for (int i = 0; i < N_OBSERVED_CAUSES; i++) {
        observed->drifts[i] = NAN;
    }
    for (int i = 0; i < N_OBSERVED_QUANTITIES; i++) {
        enum observed_quantity quantity = (enum observed_quantity)i;
        enum observed_cause cause = cause_of(quantity);
        double drift = drift_of(observed, quantity);
        observed->results[i].drift = drift;
        bool follows = observed->is_closed && quantity == OBSERVED_REQUESTS;
        if (cause != N_OBSERVED_CAUSES && !follows && !isnan(drift) &&
            !(fabs(observed->drifts[cause]) >= fabs(drift))) {
            observed->drifts[cause] = drift;
            observed->blamed[cause] = quantity;
        }
    }
}

/* Where steps take other times than priced, the replay that scheduling is compared with
 * is another one. */
static int play_again(struct observed *observed, const struct config *config,
                      const volatile sig_atomic_t *interrupted, struct err *err)
{
    const struct observed_result *step = &observed->results[OBSERVED_STEP];
    const double least = 0.005; /* less makes no difference that anybody could see */
    double factor = step->observed / step->simulated;
    observed->step_factor = 1;
    if (!isfinite(factor) || !(fabs(factor - 1) > least)) {
        memcpy(observed->again, observed->once,
               ((size_t)observed->n + 1) * sizeof *observed->once);
        return 0;
    }
    observed->step_factor = fmin(fmax(factor, 0.01), 100); /* as `scale` may be */
    return observed_play(observed, config, observed->step_factor, interrupted,
                         observed->again, err);
}

static int compare(struct observed *observed, const struct config *config,
                   const struct pool *pool, const volatile sig_atomic_t *interrupted,
                   struct err *err)
{
    size_t n = (size_t)observed->n + 1;
    observed->once = memory_new(n, sizeof *observed->once);
    observed->again = memory_new(n, sizeof *observed->again);
    for (int i = 0; i < N_OBSERVED_QUANTITIES; i++) {
        observed->results[i].pairs = memory_new(n, sizeof *observed->results[i].pairs);
    }
    if (observed_play(observed, config, 1, interrupted, observed->once, err) != 0) {
        return -1;
    }
    fill_steps(observed, pool);
    sum_up(&observed->results[OBSERVED_STEP], observed->n);
    if (play_again(observed, config, interrupted, err) != 0) {
        return -1;
    }
    for (int i = 0; i < N_OBSERVED_QUANTITIES; i++) {
        enum observed_quantity quantity = (enum observed_quantity)i;
        bool is_scheduling =
            quantity >= OBSERVED_RUNNING && quantity <= OBSERVED_KV_USED;
        if (quantity != OBSERVED_STEP) {
            observed_ratio_fill(observed, quantity,
                                is_scheduling ? observed->again : observed->once);
            sum_up(&observed->results[i], observed->n);
        }
    }
    judge(observed);
    return 0;
}

int observed_compare(struct observed *observed, const char *path,
                     const struct config *config,
                     const volatile sig_atomic_t *interrupted, struct err *err)
{
    memset(observed, 0, sizeof *observed);
    observed->is_closed = config->workload.mode == CONFIG_CLOSED;
    if (config_one_pool(config, "--observed", err) != 0) {
        return -1;
    }
    if (strcmp(config->workload.trace, "-") == 0) {
        return err_set(err,
                       "--observed: standard input cannot be read twice: give a trace");
    }
    if (config->workload.spec != NULL || config->workload.resample_ns > 0) {
        return err_set(err,
                       "--observed: requests that are drawn are not those that the "
                       "server had: give its trace, without resample");
    }
    struct measured *measured = measured_open(path, err);
    if (measured == NULL) {
        return -1;
    }
    int status = read_rows(observed, measured, err);
    measured_close(measured);
    if (status == 0) {
        struct pool *pool = memory_new(1, sizeof *pool);
        status = run_pools(config, pool, err);
        if (status == 0) {
            status = compare(observed, config, pool, interrupted, err);
        }
        run_free_pools(config, pool);
    }
    return status;
}

void observed_free(struct observed *observed)
{
    for (int i = 0; i < N_OBSERVED_QUANTITIES; i++) {
        free(observed->results[i].pairs);
    }
    free(observed->rows);
    free(observed->lines);
    free(observed->once);
    free(observed->again);
}

enum observed_cause observed_first(const struct observed *observed)
{
    int cause = 0;
    while (cause < N_OBSERVED_CAUSES &&
           !(fabs(observed->drifts[cause]) > OBSERVED_DRIFT)) {
        cause++;
    }
    return (enum observed_cause)cause;
}

enum observed_cause observed_most(const struct observed *observed)
{
    enum observed_cause most = observed_first(observed);
    for (int i = (int)most; i < N_OBSERVED_CAUSES; i++) {
        if (fabs(observed->drifts[i]) > fabs(observed->drifts[most])) {
            most = (enum observed_cause)i;
        }
    }
    return most;
}
