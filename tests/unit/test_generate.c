#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/crowd.h"
#include "../support/files.h"

/* 30,011 requests, all of 37 prompt and 13 output tokens. */
static const char plain[] = "[workload]\nrequests = 30011\n"
                            "[prompt]\ndistribution = fixed\ntokens = 37\n"
                            "[output]\ndistribution = fixed\ntokens = 13\n"
                            "[arrivals]\n";

static void write_workload(const char *arrivals)
{
    char text[2048];
    int length = snprintf(text, sizeof text, "%s%s", plain, arrivals);
    write_file("w.ini", text, (size_t)length);
}

static struct crowd generate(const char *override)
{
    return crowd_generate("w.ini", &override, override != NULL ? 1 : 0);
}

static char *generate_text(const char *override)
{
    return crowd_text("w.ini", &override, override != NULL ? 1 : 0);
}

static void every_row_of_the_tables_is_sound(void **state)
{
    (void)state;
    field_verify(&generate_table);
    field_verify(&modulation_table);
    for (int i = 0; i < ARRIVALS_TABLES; i++) {
        field_verify(&arrivals_tables[i]);
    }
    for (int i = 0; i < LENGTHS_TABLES; i++) {
        field_verify(&lengths_tables[i]);
    }
}

static void every_workload_that_comes_along_can_be_generated(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "configs/workloads/azure-code-2023.ini",
        "configs/workloads/azure-conv-2023.ini", "configs/workloads/diurnal.ini",
        "configs/workloads/weekly.ini", "configs/workloads/poisson.ini"};
    const char *const few[] = {"workload.requests=137"};
    for (int i = 0; i < 5; i++) {
        struct crowd crowd = crowd_generate(paths[i], few, 1);
        assert_int_equal(crowd.n, 137);
        crowd_free(&crowd);
    }
}

static void the_same_seed_gives_the_same_bytes_and_another_does_not(void **state)
{
    (void)state;
    write_workload("process = cox\nrate_rps = 4.1\nshape = 0.87\nmodulation_cv = 0.3\n"
                   "tau_s = 17\n");
    char *once = generate_text("workload.seed=4099");
    char *again = generate_text("workload.seed=4099");
    char *other = generate_text("workload.seed=4100");
    assert_string_equal(once, again);
    assert_string_not_equal(once, other);
    free(once);
    free(again);
    free(other);
}

static void a_row_has_nine_decimals_and_two_lengths(void **state)
{
    (void)state;
    write_workload("process = constant\nrate_rps = 3\n");
    char *text = generate_text("workload.requests=5");
    assert_string_equal(text, "arrival_s,prompt_tokens,output_tokens\n"
                              "0.000000000,37,13\n"
                              "0.333333333,37,13\n"
                              "0.666666667,37,13\n"
                              "1.000000000,37,13\n"
                              "1.333333333,37,13\n");
    free(text);
}

static void a_duration_ends_before_a_request_at_its_last_instant(void **state)
{
    (void)state;
    write_workload("process = constant\nrate_rps = 4\n");
    struct crowd crowd = generate("workload.duration_s=2.5");
    assert_int_equal(crowd.n, 10);
    assert_true(crowd.arrival_s[9] == 2.25);
    crowd_free(&crowd);
}

static void of_requests_and_duration_the_first_ends_the_trace(void **state)
{
    (void)state;
    write_workload("process = constant\nrate_rps = 4\n");
    const char *const early[] = {"workload.duration_s=2.5", "workload.requests=7"};
    struct crowd crowd = crowd_generate("w.ini", early, 2);
    assert_int_equal(crowd.n, 7);
    crowd_free(&crowd);
    const char *const late[] = {"workload.duration_s=1h"};
    crowd = crowd_generate("w.ini", late, 1);
    assert_int_equal(crowd.n, 14400);
    crowd_free(&crowd);
}

static void other_outputs_leave_arrivals_and_prompts_as_they_were(void **state)
{
    (void)state;
    static const char text[] = "[workload]\nrequests = 4099\ncopula_rho = 0.4\n"
                               "[arrivals]\nprocess = poisson\nrate_rps = 4.1\n"
                               "[prompt]\ndistribution = uniform\nmin = 3\nmax = 4099\n"
                               "[output]\ndistribution = uniform\nmin = 3\nmax = 137\n";
    write_file("w.ini", text, sizeof text - 1);
    struct crowd a = generate(NULL);
    struct crowd b = generate("output.max=1009");
    for (int64_t i = 0; i < a.n; i++) {
        assert_true(a.arrival_s[i] == b.arrival_s[i]);
        assert_int_equal(a.prompt[i], b.prompt[i]);
    }
    assert_true(crowd_mean(b.output, b.n) > 3 * crowd_mean(a.output, a.n));
    crowd_free(&a);
    crowd_free(&b);
}

/* 30,011 gaps: a rate's standard error is cv / sqrt(n), 0.6 % for Poisson. */
static void check_process(const char *arrivals, double rate, double cv, double off)
{
    write_workload(arrivals);
    struct crowd crowd = generate(NULL);
    assert_int_equal(crowd.n, 30011);
    assert_true(fabs(crowd_rate(&crowd) / rate - 1) < off * fmax(cv, 0.1));
    assert_true(fabs(crowd_gap_cv(&crowd) / cv - 1) < off * fmax(cv, 1));
    crowd_free(&crowd);
}

static void gaps_have_the_rate_and_variation_that_were_asked_for(void **state)
{
    (void)state;
    check_process("process = poisson\nrate_rps = 0.0137\n", 0.0137, 1, 0.025);
    check_process("process = gamma\nrate_rps = 137.5\ncv = 2.5\n", 137.5, 2.5, 0.025);
    check_process("process = gamma\nrate_rps = 4.1\nshape = 16\n", 4.1, 0.25, 0.025);
    /* Independent gaps: counts in long windows vary as cv^2. */
    struct crowd crowd = generate("arrivals.shape=4");
    assert_true(fabs(crowd_dispersion(&crowd, 10) - 0.25) < 0.05);
    crowd_free(&crowd);
}

/* With Poisson gaps, cv c and memory tau the counts in windows of W have variance /
 * mean 1 + 2 rate c^2 tau (1 - (tau / W)(1 - exp(-W / tau))) for a small c (Cox,
 * 1955). */
static void a_wandering_rate_disperses_counts_as_cox_says(void **state)
{
    (void)state;
    write_workload("process = cox\nrate_rps = 9.7\ncv = 1\nmodulation_cv = 0.2\n"
                   "tau_s = 11\n");
    double sum = 0;
    for (int seed = 1; seed <= 5; seed++) {
        char override[32];
        snprintf(override, sizeof override, "workload.seed=%d", seed);
        struct crowd crowd = generate(override);
        sum += crowd_dispersion(&crowd, 30);
        crowd_free(&crowd);
    }
    double share = 1 - 11.0 / 30 * (1 - exp(-30.0 / 11));
    double expected = 1 + 2 * 9.7 * 0.2 * 0.2 * 11 * share;
    /* 5 x 103 windows: a variance has a standard error of sqrt(2 / 515) = 6 %. */
    assert_true(fabs(sum / 5 / expected - 1) < 0.19);
}

static void bursts_are_as_large_and_silences_as_long_as_the_limits_let_them(
    void **state)
{
    (void)state;
    write_workload("process = onoff\nburst_mu = 9\nburst_sigma = 0.1\nburst_max = 7\n"
                   "gap_w = 1\ngap_mu = -3\ngap_sigma = 2\ngap_max_s = 0.125\n"
                   "off_mu = 5\noff_sigma = 0.1\noff_min_s = 2\noff_max_s = 20\n");
    struct crowd crowd = generate(NULL);
    assert_true(crowd.arrival_s[0] == 0);
    int64_t capped = 0;
    for (int64_t i = 1; i < crowd.n; i++) {
        double gap = crowd.arrival_s[i] - crowd.arrival_s[i - 1];
        assert_true(i % 7 == 0 ? fabs(gap - 20) < 1e-7 : gap < 0.125 + 1e-7);
        capped += i % 7 != 0 && fabs(gap - 0.125) < 1e-7;
    }
    /* P(exp(N(-3, 2)) > 0.125) = P(N > 0.4603) = 0.3227, of 25,724 gaps. */
    assert_true(fabs((double)capped / 25724 - 0.3227) < 0.012);
    crowd_free(&crowd);
}

int main(void)
{
    const struct CMUnitTest of_the_repository[] = {
        cmocka_unit_test(every_row_of_the_tables_is_sound),
        cmocka_unit_test(every_workload_that_comes_along_can_be_generated),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_and_another_does_not),
        cmocka_unit_test(a_row_has_nine_decimals_and_two_lengths),
        cmocka_unit_test(a_duration_ends_before_a_request_at_its_last_instant),
        cmocka_unit_test(of_requests_and_duration_the_first_ends_the_trace),
        cmocka_unit_test(other_outputs_leave_arrivals_and_prompts_as_they_were),
        cmocka_unit_test(gaps_have_the_rate_and_variation_that_were_asked_for),
        cmocka_unit_test(a_wandering_rate_disperses_counts_as_cox_says),
        cmocka_unit_test(
            bursts_are_as_large_and_silences_as_long_as_the_limits_let_them),
    };
    int failed = cmocka_run_group_tests(of_the_repository, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
