#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_world.h"
#include "study/goal.h"

/* A run of 4099 requests in 137 s whose queue does as it is told. */
struct told {
    double p99_ttft_ms;
    double attainment;
    double growth;
    double queue_ms;
    int64_t completed; /* of 4099 */
    double e2e_ms;
};

static const struct told fine = {311, 0.97, 0.0001, 13, 4099, 613};

static void fill(struct metrics *run, const struct told *told)
{
    run->n = 0;
    metrics_integer(run, "completed", told->completed, "requests");
    metrics_integer(run, "rejected", 0, "requests");
    metrics_integer(run, "timed_out", 4099 - told->completed, "requests");
    metrics_integer(run, "shed", 0, "requests");
    metrics_real(run, "slo_attainment", told->attainment, 6, "");
    metrics_real(run, "p99_ttft_ms", told->p99_ttft_ms, 6, "ms");
    metrics_real(run, "mean_queue_ms", told->queue_ms, 6, "ms");
    metrics_real(run, "mean_e2el_ms", told->e2e_ms, 6, "ms");
    metrics_real(run, "offered_rate", 4098 / 137.0, 6, "req/s");
    metrics_real(run, "queue_growth", told->growth, 6, "s/s");
    metrics_integer(run, "injected_requests", 4099, "requests");
    metrics_integer(run, "all_completed_requests", told->completed, "requests");
    metrics_real(run, "request_throughput", (double)told->completed / 137, 6, "req/s");
    metrics_real(run, "request_goodput",
                 told->attainment * (double)told->completed / 137, 6, "req/s");
    metrics_text(run, "load_verdict", "stable", "");
    metrics_text(run, "mean_tpot_ms", "", "ms");
}

static void read_goal(struct config_world *world, struct goal *goal, const char *slo)
{
    char text[1000];
    snprintf(text, sizeof text, "%s%s[slo]\n%s\n", TRACE_ONLY, LINEAR, slo);
    config_world_must(world, text, NULL);
    if (goal_read(goal, &world->config, &world->arena, &world->err) != 0) {
        fail_msg("%s", world->err.text);
    }
}

static void judge(const char *slo, const struct told *told, int32_t n,
                  struct goal_verdict *verdict)
{
    static struct metrics runs[4];
    const struct metrics *list[4];
    struct config_world world;
    struct goal goal;
    read_goal(&world, &goal, slo);
    for (int32_t i = 0; i < n; i++) {
        fill(&runs[i], &told[i]);
        list[i] = &runs[i];
    }
    if (goal_judge(&goal, list, n, verdict, &world.err) != 0) {
        fail_msg("%s", world.err.text);
    }
    config_world_free(&world);
}

static void bounds_are_read_in_their_order_and_the_share_comes_last(void **state)
{
    (void)state;
    struct config_world world;
    struct goal goal;
    read_goal(&world, &goal,
              "ttft_ms = 137\nattainment = 0.93\n"
              "require = p99_ttft_ms <= 613.7, request_goodput>=4.1");
    assert_int_equal(goal.n, 3);
    assert_string_equal(goal.list[0].metric, "p99_ttft_ms");
    assert_false(goal.list[0].at_least);
    assert_true(goal.list[0].bound == 613.7);
    assert_string_equal(goal.list[1].metric, "request_goodput");
    assert_true(goal.list[1].at_least);
    assert_true(goal.list[1].bound == 4.1);
    assert_string_equal(goal.list[2].metric, "slo_attainment");
    assert_true(goal.list[2].at_least);
    assert_true(goal.list[2].bound == 0.93);
    goal_scale_ttft(&goal, 0.5);
    assert_true(goal.list[0].bound == 613.7 / 2);
    assert_true(goal.list[1].bound == 4.1);
    config_world_free(&world);
}

static void a_goal_without_a_bound_is_refused(void **state)
{
    (void)state;
    struct config_world world;
    struct goal goal;
    config_world_must(&world, TRACE_ONLY LINEAR, NULL);
    assert_int_equal(goal_read(&goal, &world.config, &world.arena, &world.err), -1);
    assert_string_equal(world.err.text,
                        "run.ini: [slo]: there is no bound to meet: give ttft_ms, "
                        "tpot_ms, itl_ms, e2e_ms, ttfat_ms or require");
    config_world_free(&world);
}

static void a_bound_holds_for_the_mean_of_the_seeds(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    struct told told[3] = {fine, fine, fine};
    told[1].p99_ttft_ms = 401;
    told[2].p99_ttft_ms = 599; /* the mean is 437, the deviation 147.34 */
    judge("require = p99_ttft_ms <= 437", told, 3, &verdict);
    assert_true(verdict.meets);
    assert_true(fabs(verdict.mean[0] - 437) < 1e-9);
    assert_true(fabs(verdict.sd[0] - sqrt((126 * 126 + 36 * 36 + 162 * 162) / 6.0)) <
                1e-9);
    judge("require = p99_ttft_ms <= 436.9", told, 3, &verdict);
    assert_false(verdict.meets);
    assert_string_equal(verdict.reason, "p99_ttft_ms 437 is above 436.9");
}

static void a_mean_of_rounded_values_may_be_the_bound_itself(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    struct told told[3] = {fine, fine, fine};
    told[0].attainment = 1;
    told[1].attainment = 1;
    told[2].attainment = 0.97;
    judge("ttft_ms = 500\nattainment = 0.99", told, 3, &verdict);
    assert_true(verdict.meets);
}

static void the_worst_criterion_is_the_reason(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    judge("ttft_ms = 500\nattainment = 0.99\nrequire = p99_ttft_ms <= 211", &fine, 1,
          &verdict);
    assert_false(verdict.meets);
    assert_int_equal(verdict.worst, 0);
    assert_string_equal(verdict.reason, "p99_ttft_ms 311 is above 211");
}

static void a_queue_that_grows_fails_where_it_does_in_half_of_the_runs(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    /* Waits from 0 to 2.74 s in 137 s: 2 %, and twice the mean. */
    const struct told grows = {311, 0.97, 0.02, 1370, 4099, 613};
    struct told told[3] = {grows, fine, fine};
    judge("require = p99_ttft_ms <= 500", told, 3, &verdict);
    assert_true(verdict.meets);
    assert_int_equal(verdict.n_overloaded, 1);
    judge("require = p99_ttft_ms <= 500", told, 2, &verdict);
    assert_false(verdict.meets);
    assert_string_equal(verdict.reason, "overloaded: the queue grows");
}

static void growth_below_half_of_the_mean_wait_is_noise(void **state)
{
    (void)state;
    static struct metrics run;
    struct told told = {311, 0.97, 0.02, 5481, 4099, 613}; /* it grew by 2740 ms */
    fill(&run, &told);
    assert_false(goal_is_overloaded(&run));
    told.queue_ms = 5479;
    fill(&run, &told);
    assert_true(goal_is_overloaded(&run));
    told.growth = 0.0099; /* less than a hundredth */
    told.queue_ms = 13;
    fill(&run, &told);
    assert_false(goal_is_overloaded(&run));
}

static void requests_that_come_at_once_prove_nothing(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    struct told told = fine;
    told.e2e_ms = 136900;
    judge("require = p99_ttft_ms <= 500", &told, 1, &verdict);
    assert_true(verdict.meets);
    told.e2e_ms = 137100;
    judge("require = p99_ttft_ms <= 500", &told, 1, &verdict);
    assert_false(verdict.meets);
    assert_string_equal(verdict.reason,
                        "too few requests to tell: they come in less time than one of "
                        "them takes (more [study] requests)");
}

static void what_never_finishes_is_at_most_what_attainment_gives_up(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    struct told told = fine;
    told.completed = 4099 - 41; /* 1.0002 % */
    judge("attainment = 0.99\nrequire = p99_ttft_ms <= 500", &told, 1, &verdict);
    assert_false(verdict.meets);
    assert_string_equal(verdict.reason, "1 % of the requests never finish");
    told.completed = 4099 - 40;
    judge("attainment = 0.99\nrequire = p99_ttft_ms <= 500", &told, 1, &verdict);
    assert_true(verdict.meets);
}

static void what_no_run_says_is_missed(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    judge("require = mean_tpot_ms <= 50", &fine, 1, &verdict);
    assert_false(verdict.meets);
    assert_true(isnan(verdict.mean[0]));
}

static void a_goodput_above_what_is_done_asks_for_more_requests(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    struct told told = fine; /* 29.92 done per second, 29.02 of them in time */
    judge("require = request_goodput >= 31", &told, 1, &verdict);
    assert_false(verdict.meets);
    assert_true(verdict.too_few);
    judge("require = request_throughput >= 31", &told, 1, &verdict);
    assert_true(verdict.too_few);
    judge("require = request_goodput >= 29", &told, 1, &verdict);
    assert_true(verdict.meets);
    assert_false(verdict.too_few);
}

static void a_goodput_that_lateness_takes_does_not(void **state)
{
    (void)state;
    struct goal_verdict verdict;
    struct told told = fine;
    judge("require = request_goodput >= 29.7", &told, 1, &verdict);
    assert_false(verdict.meets);
    assert_false(verdict.too_few);
    judge("require = request_goodput >= 31, p99_ttft_ms <= 307", &told, 1, &verdict);
    assert_false(verdict.too_few);
    told.growth = 0.03;
    judge("require = request_goodput >= 31", &told, 1, &verdict);
    assert_false(verdict.too_few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_read_in_their_order_and_the_share_comes_last),
        cmocka_unit_test(a_goal_without_a_bound_is_refused),
        cmocka_unit_test(a_bound_holds_for_the_mean_of_the_seeds),
        cmocka_unit_test(a_mean_of_rounded_values_may_be_the_bound_itself),
        cmocka_unit_test(the_worst_criterion_is_the_reason),
        cmocka_unit_test(a_queue_that_grows_fails_where_it_does_in_half_of_the_runs),
        cmocka_unit_test(growth_below_half_of_the_mean_wait_is_noise),
        cmocka_unit_test(requests_that_come_at_once_prove_nothing),
        cmocka_unit_test(what_never_finishes_is_at_most_what_attainment_gives_up),
        cmocka_unit_test(what_no_run_says_is_missed),
        cmocka_unit_test(a_goodput_above_what_is_done_asks_for_more_requests),
        cmocka_unit_test(a_goodput_that_lateness_takes_does_not),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
