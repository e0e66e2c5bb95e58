#include "study/calibrate_plan.h"

#include <gsl/gsl_linalg.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "study/calibrate_rows.h"

/* What is known before: the engine presets of different years and engines differ by about
 * this much.  An assumption; it is printed. */
static const double known_before = 0.3;

/* Spread of repeated runs of one server, TPOT and TTFT (means over public repeats). */
static const double noise[2] = {0.034, 0.10};

static const double all_s = 600;
static const double one_s = 200; /* of them, at most */
static const double difference = 0.03;

enum { LEAST_ROUNDS = 3, MOST_ROUNDS = 10 };

static const int64_t clients[] = {1, 4, 16, 64, 256};
static const int64_t prompts[] = {128, 1024, 8192};
static const int64_t outputs[] = {64, 256, 1024};
enum { N_CLIENTS = 5, N_PROMPTS = 3, N_OUTPUTS = 3 };
enum { N_CANDIDATES = N_CLIENTS * N_PROMPTS * N_OUTPUTS };

static void fill_case(struct predict_case *of, const struct pool_config *pool,
                      const struct calibrate_plan_point *point)
{
    memset(of, 0, sizeof *of);
    of->kind = MEASURED_CLOSED;
    of->config = *pool;
    of->has_config = true;
    of->stage = -1;
    of->client = (struct client_spec){
        .closed = true,
        .seed = 1,
        .prompt_tokens = point->prompt_tokens,
        .output_tokens = point->output_tokens,
        .range_ratio_nano = 1000000000,
        .jitter_tokens = CLIENT_JITTER_TOKENS, /* else clients stay in step */
        .concurrency = point->concurrency,
        .n_prompts = point->n_prompts,
        .overhead_ns = CLIENT_OVERHEAD_NS,
    };
}

/* Cases of all points and their results. */
struct playing {
    struct calibrate_plan *plan;
    struct pool_config pool;
    struct predict_case *cases;
    struct predict_result *results;
    int32_t n_threads;
    const volatile sig_atomic_t *interrupted;
};

static bool is_stopped(const struct playing *of)
{
    return of->interrupted != NULL && *of->interrupted;
}

static int play(struct playing *of, const double *at)
{
    struct calibrate_plan *plan = of->plan;
    for (int32_t i = 0; i < plan->n_points; i++) {
        fill_case(&of->cases[i], &of->pool, &plan->points[i]);
        calibrate_keys_set(&plan->keys, at, 0, &of->cases[i].config.constants);
    }
    if (is_stopped(of)) {
        return -1;
    }
    predict_play_all(of->cases, plan->n_points, of->n_threads, of->results);
    return is_stopped(of) ? -1 : 0;
}

static double value_of(const struct playing *of, int32_t i, int metric)
{
    return of->results[i].value_s[metric == 0 ? PREDICT_TPOT : PREDICT_TTFT];
}

/* All candidates, with as few rounds of prompts as tell a mean. */
static void list_points(struct calibrate_plan *of, int64_t most_seqs)
{
    of->points = memory_new(N_CANDIDATES, sizeof *of->points);
    for (int i = 0; i < N_CANDIDATES; i++) {
        int64_t concurrency = clients[i / (N_PROMPTS * N_OUTPUTS)];
        if (concurrency <= most_seqs) {
            of->points[of->n_points++] = (struct calibrate_plan_point){
                .concurrency = concurrency,
                .prompt_tokens = prompts[i / N_OUTPUTS % N_PROMPTS],
                .output_tokens = outputs[i % N_OUTPUTS],
                .n_prompts = LEAST_ROUNDS * concurrency};
        }
    }
}

/* Keeps those that can be served in time, with as many rounds as there is time for. */
static void keep_short(struct playing *of)
{
    struct calibrate_plan *plan = of->plan;
    int32_t n = 0;
    for (int32_t i = 0; i < plan->n_points; i++) {
        struct calibrate_plan_point *point = &plan->points[i];
        double round_s = of->results[i].value_s[PREDICT_E2E];
        if (of->results[i].played && LEAST_ROUNDS * round_s <= one_s) {
            double rounds = fmin(floor(one_s / 2 / round_s), MOST_ROUNDS);
            rounds = fmax(rounds, LEAST_ROUNDS);
            point->n_prompts = (int64_t)rounds * point->concurrency;
            point->seconds = rounds * round_s;
            plan->points[n++] = *point;
        }
    }
    plan->n_points = n;
}

static int fill_slopes(struct playing *of)
{
    struct calibrate_plan *plan = of->plan;
    double(*start)[2] = memory_new((size_t)plan->n_points, sizeof *start);
    int status = play(of, plan->at);
    for (int32_t i = 0; i < plan->n_points && status == 0; i++) {
        start[i][0] = value_of(of, i, 0);
        start[i][1] = value_of(of, i, 1);
    }
    for (int32_t k = 0; k < plan->keys.n && status == 0; k++) {
        double moved[CALIBRATE_MOST_KEYS];
        memcpy(moved, plan->at, sizeof moved);
        moved[k] += difference;
        status = play(of, moved);
        for (int32_t i = 0; i < plan->n_points && status == 0; i++) {
            for (int m = 0; m < 2; m++) {
                double slope = log(value_of(of, i, m) / start[i][m]) / difference;
                plan->points[i].slopes[m][k] = isfinite(slope) ? slope / noise[m] : 0;
            }
        }
    }
    free(start);
    return status;
}

/* What is known: before, and by these points. */
static gsl_matrix *knowledge(const struct calibrate_plan *of, const int32_t *points,
                             int32_t n)
{
    size_t p = (size_t)of->keys.n;
    gsl_matrix *sum = gsl_matrix_calloc(p, p);
    CHECK(sum != NULL);
    for (size_t i = 0; i < p; i++) {
        double relative = calibrate_keys_relative(&of->keys.key[i], of->at[i]);
        double sd = known_before / fmax(relative, 1e-3);
        gsl_matrix_set(sum, i, i, 1 / (sd * sd));
    }
    for (int32_t k = 0; k < 2 * n; k++) {
        const double *slopes = of->points[points[k / 2]].slopes[k % 2];
        for (size_t i = 0; i < p; i++) {
            for (size_t j = 0; j < p; j++) {
                double more = slopes[i] * slopes[j];
                gsl_matrix_set(sum, i, j, gsl_matrix_get(sum, i, j) + more);
            }
        }
    }
    return sum;
}

double calibrate_plan_worth(const struct calibrate_plan *of, const int32_t *points,
                            int32_t n)
{
    gsl_matrix *sum = knowledge(of, points, n);
    CHECK(gsl_linalg_cholesky_decomp1(sum) == GSL_SUCCESS);
    double worth = 0;
    for (size_t i = 0; i < sum->size1; i++) {
        worth += 2 * log(gsl_matrix_get(sum, i, i));
    }
    gsl_matrix_free(sum);
    return worth;
}

static bool is_chosen(const struct calibrate_plan *of, int32_t point)
{
    for (int32_t i = 0; i < of->n_chosen; i++) {
        if (of->chosen[i] == point) {
            return true;
        }
    }
    return false;
}

/* The next point: the most worth in the time that is left, of which the points that must
 * still follow get their share. */
static bool choose_next(struct calibrate_plan *of, double left_s)
{
    int32_t missing = CALIBRATE_PLAN_LEAST - of->n_chosen;
    double most_s = missing > 1 ? fmin(left_s * 2 / missing, left_s) : left_s;
    int32_t best = -1;
    double best_worth = -INFINITY;
    for (int32_t i = 0; i < of->n_points; i++) {
        if (of->points[i].seconds <= most_s && !is_chosen(of, i)) {
            of->chosen[of->n_chosen] = i;
            double worth = calibrate_plan_worth(of, of->chosen, of->n_chosen + 1);
            best = worth > best_worth ? i : best;
            best_worth = fmax(worth, best_worth);
        }
    }
    if (best >= 0) {
        of->chosen[of->n_chosen++] = best;
    }
    return best >= 0;
}

static void choose(struct calibrate_plan *of)
{
    double left_s = all_s;
    while (of->n_chosen < CALIBRATE_PLAN_MOST && choose_next(of, left_s)) {
        left_s -= of->points[of->chosen[of->n_chosen - 1]].seconds;
    }
    gsl_matrix *sum = knowledge(of, of->chosen, of->n_chosen);
    CHECK(gsl_linalg_cholesky_decomp1(sum) == GSL_SUCCESS &&
          gsl_linalg_cholesky_invert(sum) == GSL_SUCCESS);
    for (int32_t i = 0; i < of->keys.n; i++) {
        double sd = sqrt(gsl_matrix_get(sum, (size_t)i, (size_t)i));
        of->sd[i] = sd * calibrate_keys_relative(&of->keys.key[i], of->at[i]);
    }
    gsl_matrix_free(sum);
}

static int make(struct playing *of, struct err *err)
{
    struct calibrate_plan *plan = of->plan;
    if (play(of, plan->at) != 0) {
        return calibrate_rows_stopped(err);
    }
    char refusal[400];
    snprintf(refusal, sizeof refusal, "%s", of->results[0].refusal);
    keep_short(of);
    if (plan->n_points < CALIBRATE_PLAN_LEAST) {
        return err_set(err, "%s: fewer than %d load points can be served in time%s%s",
                       plan->config->file, CALIBRATE_PLAN_LEAST,
                       refusal[0] != '\0' ? "; the first: " : "", refusal);
    }
    return fill_slopes(of) == 0 ? 0 : calibrate_rows_stopped(err);
}

int calibrate_plan_make(struct calibrate_plan *of, const struct config *config,
                        const char *fit, int32_t n_threads,
                        const volatile sig_atomic_t *interrupted, struct arena *arena,
                        struct err *err)
{
    *of = (struct calibrate_plan){.config = config, .sd_before = known_before};
    struct playing field = {.plan = of,
                            .pool = config->pools[0],
                            .n_threads = n_threads,
                            .interrupted = interrupted};
    if (config->pools[0].cost.kind != COST_ROOFLINE) {
        return err_set(err, "%s: [pool.%s] cost: linear has no constants to measure",
                       config->file, config->pools[0].name);
    }
    if (calibrate_keys_read(&of->keys, fit, arena, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < of->keys.n; i++) {
        const struct calibrate_key *key = &of->keys.key[i];
        double value = (double)calibrate_keys_value(key, &config->pools[0].constants);
        of->at[i] = calibrate_keys_coordinate(key, value);
    }
    list_points(of, config->pools[0].scheduler.max_num_seqs);
    field.cases = memory_new((size_t)of->n_points, sizeof *field.cases);
    field.results = memory_new((size_t)of->n_points, sizeof *field.results);
    int status = make(&field, err);
    free(field.cases);
    free(field.results);
    if (status == 0) {
        choose(of);
    }
    return status;
}

void calibrate_plan_print(FILE *out, const struct calibrate_plan *of)
{
    double sum_s = 0;
    for (int32_t i = 0; i < of->n_chosen; i++) {
        const struct calibrate_plan_point *point = &of->points[of->chosen[i]];
        fprintf(out,
                "vllm bench serve --model MODEL --dataset-name random --ignore-eos "
                "--random-input-len %" PRId64 " --random-output-len %" PRId64
                " --random-range-ratio 0 --max-concurrency %" PRId64
                " --num-prompts %" PRId64 " --save-result\n",
                point->prompt_tokens, point->output_tokens, point->concurrency,
                point->n_prompts);
        sum_s += point->seconds;
    }
    fprintf(out,
            "\n%" PRId32 " of %" PRId32 " load points, %.0f s as simulated; "
            "'servesim import vllm-bench' reads what they save.\n\n",
            of->n_chosen, of->n_points, sum_s);
    fprintf(out, "%-28s %14s %14s\n", "constant, sd in %", "assumed before", "after");
    for (int32_t i = 0; i < of->keys.n; i++) {
        fprintf(out, "%-28s %14.0f %14.1f%s\n", of->keys.key[i].field->key,
                100 * of->sd_before, 100 * of->sd[i],
                of->sd[i] > 0.95 * of->sd_before ? "   they do not tell" : "");
    }
}

void calibrate_plan_free(struct calibrate_plan *of)
{
    free(of->points);
}
