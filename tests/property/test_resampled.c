#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "../support/crowd.h"
#include "../support/files.h"
#include "input/workload.h"

/* What blocks drawn again have in the mean is what the trace has.
 *
 * Each of 50 seeds gives a mean gap, a mean prompt and a mean output.  The interval of
 * their mean is that of Student's t with 49 degrees of freedom at 99 %: 2.680 standard
 * errors.  Seeds are fixed, so the test passes or fails for ever; a right program fails one
 * of the nine intervals with odds of 1 in 11 when a seed or a trace is changed.
 *
 * The third trace has all its long prompts at its two ends: blocks that did not go round
 * would begin there less often than elsewhere, and the mean prompt would be far too small.
 */

enum { N_SEEDS = 50, N_ROWS = 6007, N_QUANTITIES = 3 };

static const double student_t = 2.680;

static const char *const quantities[N_QUANTITIES] = {"gap", "prompt", "output"};

struct means {
    double of[N_QUANTITIES];
};

static const char bursty[] =
    "[workload]\nrequests = 6007\nseed = 41\n[arrivals]\nprocess = cox\nrate_rps = "
    "4.1\n"
    "shape = 0.37\nmodulation_cv = 0.7\ntau_s = 37\n[prompt]\ndistribution = "
    "lognormal_mix\n"
    "w = 0.4, 0.6\nmu = 5.1, 6.7\nsigma = 0.9, 0.13\nmin = 7\nmax = 4099\n"
    "[output]\ndistribution = uniform\nmin = 3\nmax = 137\n";

static struct crowd trace_of(const char *override)
{
    write_file("w.ini", bursty, sizeof bursty - 1);
    return crowd_generate("w.ini", &override, override != NULL ? 1 : 0);
}

static void write_trace(const struct crowd *crowd)
{
    FILE *out = fopen("t.csv", "w");
    assert_non_null(out);
    fputs("arrival_s,prompt_tokens,output_tokens\n", out);
    for (int64_t i = 0; i < crowd->n; i++) {
        fprintf(out, "%.9f,%lld,%lld\n", crowd->arrival_s[i],
                (long long)crowd->prompt[i], (long long)crowd->output[i]);
    }
    assert_int_equal(fclose(out), 0);
}

/* Of so many rows; `resample_ns` of 0: of the trace itself. */
static struct means means_of(int64_t n_rows, int64_t resample_ns, uint64_t seed)
{
    struct config_workload config = {.trace = "t.csv",
                                     .trace_sha256 = "",
                                     .rate_scale_nano = 1000000000,
                                     .repeat = 1,
                                     .limit = n_rows,
                                     .resample_ns = resample_ns};
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    struct means means = {{0}};
    int64_t first_ns = -1;
    int64_t n = 0;
    workload_open(&workload, &config, seed, NULL, &err);
    assert_string_equal(err.text, "");
    for (; workload_next(&workload, &arrival, &err) == 1; n++) {
        first_ns = first_ns < 0 ? arrival.arrival_ns : first_ns;
        means.of[0] = (double)(arrival.arrival_ns - first_ns) * 1e-9;
        means.of[1] += (double)arrival.prompt_tokens;
        means.of[2] += (double)arrival.output_tokens;
    }
    assert_string_equal(err.text, "");
    assert_int_equal(n, n_rows);
    workload_close(&workload);
    means.of[0] /= (double)(n_rows - 1);
    means.of[1] /= (double)n_rows;
    means.of[2] /= (double)n_rows;
    return means;
}

/* The trace is t.csv. */
static void assert_means(int64_t n_rows, int64_t resample_ns)
{
    struct means trace = means_of(N_ROWS, 0, 1);
    struct means seeds[N_SEEDS];
    for (int i = 0; i < N_SEEDS; i++) {
        seeds[i] = means_of(n_rows, resample_ns, (uint64_t)i + 1);
    }
    for (int q = 0; q < N_QUANTITIES; q++) {
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < N_SEEDS; i++) {
            sum += seeds[i].of[q];
        }
        double mean = sum / N_SEEDS;
        for (int i = 0; i < N_SEEDS; i++) {
            squares += (seeds[i].of[q] - mean) * (seeds[i].of[q] - mean);
        }
        double error = sqrt(squares / (N_SEEDS - 1) / N_SEEDS);
        assert_true(error > 0);                  /* seeds differ ... */
        assert_true(error < 0.05 * trace.of[q]); /* ... and not too much to say much */
        if (fabs(mean - trace.of[q]) > student_t * error) {
            fail_msg("%s: %.6g +- %.3g, but the trace has %.6g", quantities[q], mean,
                     student_t * error, trace.of[q]);
        }
    }
}

static void means_over_seeds_are_those_of_the_trace(void **state)
{
    (void)state;
    struct crowd crowd = trace_of(NULL);
    write_trace(&crowd);
    assert_means(N_ROWS, 17000000000);
    crowd_free(&crowd);
    crowd = trace_of("arrivals.shape=4.1");
    write_trace(&crowd);
    assert_means(N_ROWS, 1370000000);
    crowd_free(&crowd);
}

static void the_ends_of_the_trace_are_drawn_as_often_as_its_middle(void **state)
{
    (void)state;
    struct crowd crowd = trace_of(NULL);
    for (int64_t i = 0; i < crowd.n; i++) {
        bool is_end = i < 600 || i >= crowd.n - 600;
        crowd.prompt[i] = is_end ? 40990 : 137;
    }
    write_trace(&crowd);
    assert_means(20 * N_ROWS, 41000000000); /* few blocks would say little */
    crowd_free(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_over_seeds_are_those_of_the_trace),
        cmocka_unit_test(the_ends_of_the_trace_are_drawn_as_often_as_its_middle),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
