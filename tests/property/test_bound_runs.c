#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/bounded.h"
#include "../support/files.h"
#include "base/memory.h"
#include "input/config_route.h"
#include "input/workload.h"
#include "study/bound.h"
#include "study/bound_pace.h"
#include "study/run.h"

enum { N_WORLDS = 1200 };

/* What a run told, and what its bounds are. */
struct told {
    int64_t world;
    const struct pool *pool; /* that computes prompts, */
    const struct pool *rest; /* and that writes outputs: often the same */
    struct bound_mix mix;    /* of those who completed */
    bool *shares;            /* by id */
    int64_t n_shares;
    double *tpots;  /* of those who completed, seconds; 0 with one token */
    int64_t n_late; /* checked against the bounds of their latencies */
    double least_ttft_s;
    double output_s;      /* from first to last token, of all */
    double output_tokens; /* after the first */
    double steps_ratio;   /* steps over the least at that pace; 0: not looked at */
    double ttft_ratio;    /* the smallest of what was over what is the least */
    double output_ratio;
};

/* How tight the bounds were. */
struct ratios {
    double busy[N_WORLDS];
    double steps[N_WORLDS];
    int64_t n_steps;
    double ttft[N_WORLDS];
    double output[N_WORLDS];
    int64_t n;
};

static void finish(void *state, struct probe_record *record)
{
    struct told *told = state;
    struct bound_length length = {record->prompt_tokens, record->output_tokens, 1,
                                  told->shares[record->id]};
    free(record->labels);
    if (record->status != REQUEST_COMPLETED) {
        return;
    }
    bound_mix_add(&told->mix, length.prompt_tokens, length.output_tokens,
                  length.shares);
    double first_s = bound_ttft_s(told->pool, &length);
    double rest_s = bound_output_s(told->rest, &length);
    double ttft_s = (double)(record->first_token_ns - record->arrival_ns) * 1e-9;
    double output_s = (double)(record->finish_ns - record->first_token_ns) * 1e-9;
    if (ttft_s < first_s || output_s < rest_s) {
        fail_msg("world %lld: request %d of %lld + %lld tokens: TTFT %.12g s, at least "
                 "%.12g; "
                 "then %.12g s, at least %.12g",
                 (long long)told->world, (int)record->id,
                 (long long)length.prompt_tokens, (long long)length.output_tokens,
                 ttft_s, first_s, output_s, rest_s);
    }
    told->tpots = memory_grow(told->tpots, (size_t)told->n_late + 1, sizeof(double));
    told->tpots[told->n_late++] =
        length.output_tokens > 1 ? output_s / (double)(length.output_tokens - 1) : 0;
    told->output_s += output_s;
    told->output_tokens += (double)(length.output_tokens - 1);
    told->least_ttft_s = fmin(told->least_ttft_s, ttft_s);
    told->ttft_ratio = fmin(told->ttft_ratio, ttft_s / first_s);
    if (rest_s > 0) {
        told->output_ratio = fmin(told->output_ratio, output_s / rest_s);
    }
}

static void tick(void *state, struct sim *sim, int64_t at_ns)
{
    (void)state;
    (void)sim;
    (void)at_ns;
}

struct source {
    struct workload workload;
    struct told *told;
};

static int next(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct source *source = state;
    struct told *told = source->told;
    int got = workload_next(&source->workload, arrival, err);
    if (got > 0) {
        told->shares =
            memory_grow(told->shares, (size_t)told->n_shares + 1, sizeof(bool));
        told->shares[told->n_shares++] = arrival->parts != NULL;
    }
    return got;
}

/* Busy seconds of a pool's replicas; a rank in lockstep is busy when all are. */
static double busy_s(const struct sim *sim, const struct pool *pool)
{
    wide ns = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        ns += sim->replicas[i].pool == pool ? sim->replicas[i].sums.busy_ns : 0;
    }
    return (double)ns * 1e-9 / (double)layout_ranks(&pool->config->layout);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* An SLO that so many of a hundred of the requests that completed just meet. */
static struct slo slo_met_by(const struct told *told, int64_t percent)
{
    int64_t last = (told->n_late * percent + 99) / 100 - 1;
    qsort(told->tpots, (size_t)told->n_late, sizeof *told->tpots, by_size);
    return (struct slo){.tpot_ns = (int64_t)ceil(told->tpots[last] * 1e9) + 1};
}

/* Its busy seconds were bounded, too, by the pace that its outputs had. */
static void check_pace(struct told *told, double seconds)
{
    for (int64_t percent = 70; percent <= 100; percent += 15) {
        struct slo slo = slo_met_by(told, percent);
        struct bound_result bound;
        bound_of_slo(told->pool, &told->mix, &slo, (double)percent / 100, &bound);
        double least_s = bound.busy_s_per_request * (double)told->n_late;
        if (seconds < least_s) {
            fail_msg("world %lld: busy for %.12g s, at least %.12g where %lld %% have "
                     "a TPOT of "
                     "%lld ns",
                     (long long)told->world, seconds, least_s, (long long)percent,
                     (long long)slo.tpot_ns);
        }
    }
}

/* The mean TPOT by token is a pace, too: its inequality asks no more than that. */
static void check_steps(struct told *told, int64_t n_steps)
{
    struct bound_price price;
    struct bound_pace pace = {told->output_s / told->output_tokens, 1};
    if (told->output_tokens <= 0) {
        return;
    }
    bound_price_init(&price, told->pool);
    double least = bound_pace_steps(&price, told->mix.lengths, told->mix.n_lengths,
                                    told->mix.n_requests, &pace);
    if ((double)n_steps < least * (1 - 1e-9)) {
        fail_msg("world %lld: %lld steps, at least %.12g where outputs take %.12g s "
                 "per token",
                 (long long)told->world, (long long)n_steps, least, pace.seconds);
    }
    told->steps_ratio = (double)n_steps / least;
}

/* Steps of all replicas, which ranks in lockstep take together. */
static int64_t steps_of(const struct sim *sim)
{
    int64_t n = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        n += sim->replicas[i].sums.work.steps;
    }
    return n;
}

/* Both of them, of one pool that does all. */
static void check_paces(struct told *told, const struct sim *sim, double seconds)
{
    if (told->pool == told->rest) {
        check_pace(told, seconds);
    }
    if (told->pool == told->rest && layout_ranks(&told->pool->config->layout) == 1) {
        check_steps(told, steps_of(sim));
    }
}

/* The pool that writes outputs has its part, at least. */
static void check_rest(struct told *told, double seconds)
{
    struct bound_result bound;
    bound_of(told->rest, &told->mix, &bound);
    if (seconds < bound.busy_s_per_request * (double)told->mix.n_requests) {
        fail_msg("world %lld: outputs took %.12g s, at least %.12g per request",
                 (long long)told->world, seconds, bound.busy_s_per_request);
    }
}

/* Runs the world; busy seconds of the pool that computes prompts. */
static double run_world(struct told *told, struct bound_result *bound)
{
    struct arena arena = {0};
    struct config config;
    struct err err = {""};
    struct source source = {.told = told};
    struct served served;
    int32_t faulty;
    if (config_read(&config, "config.ini", NULL, 0, &arena, &err) != 0) {
        fail_msg("%s", err.text);
    }
    struct pool *pools = memory_new((size_t)config.n_pools, sizeof *pools);
    struct batch_policy policies[2];
    assert_true(config.n_pools <= 2);
    for (int32_t i = 0; i < config.n_pools; i++) {
        policies[i] = policy_of(&config.pools[i].scheduler);
    }
    if (run_pools(&config, pools, &err) != 0 ||
        config_route_served(&config, &served, &arena, &faulty, &err) != 0 ||
        workload_open(&source.workload, &config.workload, 37, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    source.workload.served = &served;
    told->pool = &pools[0];
    told->rest = &pools[config.n_pools - 1];
    struct probe probe = {.state = told, .finish = finish, .tick = tick};
    struct sim_config sim_config = {
        .pools = pools,
        .policies = policies,
        .n_pools = config.n_pools,
        .seed = 37,
        .route = policy_route("round_robin"),
        .decode_route = policy_route("round_robin"),
        .disaggregate = &config.disaggregate,
        .routing = &config.route,
        .client_timeout_ns = config.workload.client_timeout_ns,
        .reject_unservable = true,
        .probe = &probe,
    };
    struct sim_source arrivals = {.state = &source, .next = next};
    struct sim sim;
    if (sim_run(&sim, &sim_config, &arrivals, &err) != 0) {
        fail_msg("%s", err.text);
    }
    double seconds = busy_s(&sim, told->pool);
    if (told->mix.n_requests > 0) {
        check_rest(told, busy_s(&sim, told->rest));
        bound_of(told->pool, &told->mix, bound);
        assert_true(bound->least_ttft_s <= told->least_ttft_s);
        check_paces(told, &sim, seconds);
    }
    sim_free(&sim);
    workload_close(&source.workload);
    run_free_pools(&config, pools);
    memory_arena_free(&arena);
    return seconds;
}

static double median(double *values, int64_t n)
{
    qsort(values, (size_t)n, sizeof *values, by_size);
    return values[n / 2];
}

/* Looks at one world; its requests that completed. */
static int64_t look_at(int64_t world, enum bounded_how how,
                       struct ratios ratios[N_KINDS])
{
    struct told told = {.world = world,
                        .least_ttft_s = INFINITY,
                        .ttft_ratio = INFINITY,
                        .output_ratio = INFINITY};
    struct bound_result bound = {.busy_s_per_request = 0};
    enum bounded_kind kind = bounded_write_world(world, how);
    double seconds = run_world(&told, &bound);
    int64_t n = told.mix.n_requests;
    double least_s = bound.busy_s_per_request * (double)n;
    if (n > 0) {
        struct ratios *of = &ratios[kind];
        if (seconds < least_s) {
            fail_msg("world %lld was busy for %.12g s, at least %.12g",
                     (long long)world, seconds, least_s);
        }
        assert_true((double)n <= bound.most_rps * seconds);
        of->busy[of->n] = seconds / least_s;
        if (told.steps_ratio > 0) {
            of->steps[of->n_steps++] = told.steps_ratio;
        }
        of->ttft[of->n] = told.ttft_ratio;
        of->output[of->n] = told.output_ratio;
        of->n++;
    }
    bound_mix_free(&told.mix);
    free(told.shares);
    free(told.tpots);
    return n;
}

/* Says how tight the bounds were; fails if no run came near them. */
static void tell(struct ratios ratios[N_KINDS], double near)
{
    static const char *const names[] = {"linear", "dense", "other kinds"};
    for (int kind = 0; kind < N_KINDS; kind++) {
        struct ratios *of = &ratios[kind];
        if (of->n == 0) {
            continue;
        }
        double busy = median(of->busy, of->n);
        double steps = of->n_steps > 0 ? median(of->steps, of->n_steps) : 0;
        double ttft = median(of->ttft, of->n);
        double output = median(of->output, of->n);
        print_message(
            "%s: %lld worlds; what was over the least that there could be, "
            "median (least): busy %.3f (%.6f), steps at the mean pace %.3f "
            "(%.6f), TTFT of the fastest %.3f (%.6f), its output %.3f (%.6f)\n",
            names[kind], (long long)of->n, busy, of->busy[0], steps, of->steps[0], ttft,
            of->ttft[0], output, of->output[0]);
        assert_true(of->busy[0] < near && of->ttft[0] < near && of->output[0] < near);
    }
}

static void no_run_beats_the_bounds(void **state)
{
    struct ratios *ratios = memory_new(N_KINDS, sizeof *ratios);
    int64_t n = 0;
    (void)state;
    for (int64_t world = 0; world < N_WORLDS; world++) {
        n += look_at(world, BOUNDED_PLAIN, ratios);
    }
    tell(ratios, 1.001);
    assert_true(n > 41000);
    assert_true(ratios[LINEAR].steps[0] < 1.01 && ratios[KINDS].steps[0] < 1.1);
    free(ratios);
}

static void no_run_with_drafted_tokens_does(void **state)
{
    struct ratios *ratios = memory_new(N_KINDS, sizeof *ratios);
    int64_t n = 0;
    (void)state;
    for (int64_t world = 0; world < N_WORLDS / 10; world++) {
        n += look_at(world, BOUNDED_DRAFTS, ratios);
    }
    tell(ratios, 1.01);
    assert_true(n > 4100);
    free(ratios);
}

static void no_run_with_prompts_and_outputs_apart_does(void **state)
{
    struct ratios *ratios = memory_new(N_KINDS, sizeof *ratios);
    int64_t n = 0;
    (void)state;
    for (int64_t world = 0; world < N_WORLDS / 4; world++) {
        n += look_at(world, BOUNDED_APART, ratios);
    }
    tell(ratios, 1.01);
    assert_true(n > 4100);
    free(ratios);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_run_beats_the_bounds),
        cmocka_unit_test(no_run_with_drafted_tokens_does),
        cmocka_unit_test(no_run_with_prompts_and_outputs_apart_does),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
