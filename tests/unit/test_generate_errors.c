#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/generate.h"

/* A workload without fault; a test replaces one section. */
static const char workload[] = "[workload]\nrequests = 137\n";
static const char arrivals[] = "[arrivals]\nprocess = poisson\nrate_rps = 4.1\n";
static const char prompt[] = "[prompt]\ndistribution = fixed\ntokens = 37\n";
static const char output[] = "[output]\ndistribution = fixed\ntokens = 13\n";

/* Writes w.ini, the section under test first so that its line 1 is the file's, and
 * reads it; the error must be `expected`. */
static void assert_refused(const char *section, const char *override,
                           const char *expected)
{
    const char *const others[] = {workload, arrivals, prompt, output};
    char text[4096];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", section);
    for (int i = 0; i < 4; i++) {
        size_t header = strcspn(others[i], "]");
        if (strncmp(section, others[i], header) != 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", others[i]);
        }
    }
    write_file("w.ini", text, used);
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct err err = {""};
    int status = generate_read(&spec, "w.ini", &override, override != NULL ? 1 : 0,
                               &arena, &err);
    assert_string_equal(err.text, expected);
    assert_int_equal(status, -1);
    memory_arena_free(&arena);
}

static void a_workload_needs_an_end(void **state)
{
    (void)state;
    assert_refused("[workload]\nseed = 7\n", NULL,
                   "w.ini: [workload] must give 'requests' or 'duration_s'");
    assert_refused("[workload]\nrequests = -3\n", NULL,
                   "w.ini:2: requests: '-3' is less than 1 requests");
    assert_refused("[workload]\nrequests = 12.5\n", NULL,
                   "w.ini:2: requests: '12.5' is not a whole number");
    assert_refused("[workload]\nrequests = 137\ncopula_rho = 1.5\n", NULL,
                   "w.ini:3: copula_rho: '1.5' is greater than 1");
    assert_refused(
        "[workload]\nrequests = 137\nrequest = 5\n", NULL,
        "w.ini:3: [workload] unknown key 'request' (did you mean 'requests'?)");
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct err err = {""};
    assert_int_equal(generate_read(&spec, "none.ini", NULL, 0, &arena, &err), -1);
    assert_string_equal(err.text,
                        "none.ini: cannot be opened: No such file or directory");
    memory_arena_free(&arena);
}

static void a_section_nobody_asked_for_is_an_error(void **state)
{
    (void)state;
    assert_refused(
        "[prefixes]\nshare = 0.5\n", NULL,
        "w.ini:1: unknown section [prefixes] (expected one of workload, arrivals, "
        "modulation, prompt, output, client.NAME, sessions, agent, turns, followup, "
        "gap, "
        "prefix, prefix_tokens, reasoning, thinking)");
}

static void arrivals_need_a_process_that_exists(void **state)
{
    (void)state;
    assert_refused("[arrivals]\nrate_rps = 4.1\n", NULL,
                   "w.ini:1: [arrivals] must give 'process' (how arrivals follow each "
                   "other)");
    assert_refused(
        "[arrivals]\nprocess = poison\nrate_rps = 4.1\n", NULL,
        "w.ini:2: process: 'poison' is not one of constant, poisson, gamma, weibull, "
        "cox, mmpp, onoff, batch, servegen");
    assert_refused("[arrivals]\nprocess = poisson\n", NULL,
                   "w.ini:1: [arrivals] must give 'rate_rps' (mean rate of arrivals)");
    assert_refused("[arrivals]\nprocess = poisson\nrate_rps = 0\n", NULL,
                   "w.ini:3: rate_rps: '0' is less than 0.001 requests/s");
    assert_refused(
        "[arrivals]\nprocess = poisson\nrate_rps = 4/s\n", NULL,
        "w.ini:3: rate_rps: '4/s' is not a number (a decimal without a unit)");
}

static void a_key_of_another_process_is_not_ignored(void **state)
{
    (void)state;
    assert_refused(
        "[arrivals]\nprocess = poisson\nrate_rps = 4.1\ntau_s = 120\n", NULL,
        "w.ini:4: tau_s: this key goes with process = cox, not with poisson");
    assert_refused(
        arrivals, "arrivals.shape=0.87",
        "-s arrivals.shape=0.87: this key goes with process = gamma or weibull "
        "or cox, not with poisson");
    assert_refused("[arrivals]\nprocess = cox\nrate_rps = 4.1\ntau = 3\n", NULL,
                   "w.ini:4: [arrivals] unknown key 'tau' (did you mean 'tau_s'?)");
}

static void gamma_gaps_need_one_of_cv_and_shape(void **state)
{
    (void)state;
    assert_refused("[arrivals]\nprocess = gamma\nrate_rps = 4.1\n", NULL,
                   "w.ini:2: process: it needs 'cv' or 'shape' in [arrivals]");
    assert_refused(
        "[arrivals]\nprocess = gamma\nrate_rps = 4.1\ncv = 2\nshape = 0.25\n", NULL,
        "w.ini:5: shape: cv is given too; only one of the two can be");
    assert_refused("[arrivals]\nprocess = cox\nrate_rps = 4.1\nmodulation_cv = 0.2\n"
                   "tau_s = 500ms\ncv = 1\n",
                   NULL, "w.ini:5: tau_s: '500ms' is less than 1 s");
}

static void lengths_need_bounds_in_order(void **state)
{
    (void)state;
    assert_refused("[prompt]\ndistribution = uniform\nmin = 137\nmax = 37\n", NULL,
                   "w.ini:4: max: '37' is less than min (137)");
    assert_refused("[output]\ndistribution = fixed\ntokens = 0\n", NULL,
                   "w.ini:3: tokens: '0' is less than 1 tokens");
    assert_refused("[output]\ndistribution = fixed\ntokens = 13\nmax = 7\n", NULL,
                   "w.ini:4: max: this key goes with distribution = uniform or "
                   "lognormal_mix or gamma_mix or quantiles or geometric, not with "
                   "fixed");
    assert_refused("[prompt]\ndistribution = normal\n", NULL,
                   "w.ini:2: distribution: 'normal' is not one of fixed, uniform, "
                   "lognormal_mix, gamma_mix, quantiles, geometric");
    assert_refused(
        "[prompt]\n", NULL,
        "w.ini:1: [prompt] must give 'distribution' (how lengths are drawn)");
}

/* A mixture of which one line is what the test says. */
static void assert_mixture_refused(const char *w, const char *mu, const char *sigma,
                                   const char *expected)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[prompt]\ndistribution = lognormal_mix\nw = %s\nmu = %s\nsigma = %s\n"
             "min = 5\nmax = 7\noutside = resample\n",
             w, mu, sigma);
    assert_refused(text, NULL, expected);
}

static void the_lists_of_a_mixture_hold_numbers_and_equally_many(void **state)
{
    (void)state;
    assert_mixture_refused("0.6, 0.4", "2, 3x", "1, 1",
                           "w.ini:4: mu: number 2 of the list: '3x' is not a number (a "
                           "decimal without a unit)");
    assert_mixture_refused("0.6, 0.4,", "2, 3", "1, 1",
                           "w.ini:3: w: number 3 of the list: '' is not a number (a "
                           "decimal without a unit)");
    assert_mixture_refused(
        "0.6, 0.4", "2, 51", "1, 1",
        "w.ini:4: mu: number 2 of the list: '51' is greater than 50");
    assert_mixture_refused("0.6, 0.4", "2, 3", "1, 0",
                           "w.ini:5: sigma: number 2 of the list: '0' is less than "
                           "0.000001");
    assert_mixture_refused("0.6, 0.4", "2, 3, 4", "1, 1",
                           "w.ini:4: mu: the list is 3 long and w is 2 long");
    assert_mixture_refused("0.6, 0.4", "2, 3", "1",
                           "w.ini:5: sigma: the list is 1 long and w is 2 long");
    assert_mixture_refused("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "2", "1",
                           "w.ini:3: w: the list has more than 16 numbers");
    assert_refused("[prompt]\ndistribution = lognormal_mix\nw = 1\nsigma = 1\n", NULL,
                   "w.ini:1: [prompt] must give 'mu' (mean of the logarithm of each)");
}

static void the_weights_of_a_mixture_sum_to_1(void **state)
{
    (void)state;
    assert_mixture_refused(
        "0.6, 0.3", "2, 3", "1, 1",
        "w.ini:3: w: the weights sum to 0.9; they must sum to 1 within "
        "0.01");
    assert_mixture_refused(
        "0.6, -0.4", "2, 3", "1, 1",
        "w.ini:3: w: number 2 of the list: '-0.4' is less than 0.000001");
}

static void lengths_that_cannot_be_drawn_again_are_refused(void **state)
{
    (void)state;
    assert_mixture_refused(
        "1", "9", "0.1",
        "w.ini:8: outside: too little of the mixture lies between min (5) "
        "and max (7) to draw again what is outside");
}

static void gaps_of_bursts_are_checked_as_lengths_are(void **state)
{
    (void)state;
    assert_refused("[arrivals]\nprocess = onoff\nburst_mu = 3\nburst_sigma = 1\n"
                   "gap_w = 0.5, 0.5\ngap_mu = 1\ngap_sigma = 1, 1\noff_mu = 1\n"
                   "off_sigma = 1\n",
                   NULL, "w.ini:6: gap_mu: the list is 1 long and gap_w is 2 long");
}

/* Writes a trace of a good workload to `path`; the error of that must be `expected`. */
static void assert_not_written(const char *process, const char *override,
                               const char *path, const char *expected)
{
    char text[1024];
    int length =
        snprintf(text, sizeof text, "%s%s%s%s", workload, process, prompt, output);
    write_file("w.ini", text, (size_t)length);
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct err err = {""};
    generate_read(&spec, "w.ini", &override, 1, &arena, &err);
    assert_string_equal(err.text, "");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(generate_write(&spec, out, NULL, &err), -1);
    assert_string_equal(err.text, expected);
    fclose(out);
    memory_arena_free(&arena);
}

static void a_full_disk_is_noticed_early_and_at_the_end(void **state)
{
    (void)state;
    const char *full = "the trace cannot be written: No space left on device";
    assert_not_written(arrivals, "workload.requests=7", "/dev/full", full);
    assert_not_written(arrivals, "workload.requests=1m", "/dev/full", full);
}

static void a_duration_in_which_nothing_arrives_is_an_error(void **state)
{
    (void)state;
    assert_not_written(arrivals, "workload.duration_s=1us", "out.csv",
                       "w.ini: no request arrives within duration_s");
}

/* Bursts of one request, a million seconds apart. */
static void arrivals_after_the_end_of_every_trace_are_an_error(void **state)
{
    (void)state;
    assert_not_written(
        "[arrivals]\nprocess = onoff\nburst_mu = 3\nburst_sigma = 1\n"
        "burst_max = 1\ngap_w = 1\ngap_mu = 1\ngap_sigma = 1\n"
        "off_mu = 30\noff_sigma = 1\n",
        "workload.requests=4099", "out.csv",
        "w.ini: only 1000 of 4099 requests arrive within 1000000000 s, the end of "
        "every trace; ask for fewer or a higher rate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_workload_needs_an_end),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_section_nobody_asked_for_is_an_error),
        cmocka_unit_test(arrivals_need_a_process_that_exists),
        cmocka_unit_test(a_key_of_another_process_is_not_ignored),
        cmocka_unit_test(gamma_gaps_need_one_of_cv_and_shape),
        cmocka_unit_test(lengths_need_bounds_in_order),
        cmocka_unit_test(the_lists_of_a_mixture_hold_numbers_and_equally_many),
        cmocka_unit_test(the_weights_of_a_mixture_sum_to_1),
        cmocka_unit_test(lengths_that_cannot_be_drawn_again_are_refused),
        cmocka_unit_test(gaps_of_bursts_are_checked_as_lengths_are),
        cmocka_unit_test(a_full_disk_is_noticed_early_and_at_the_end),
        cmocka_unit_test(a_duration_in_which_nothing_arrives_is_an_error),
        cmocka_unit_test(arrivals_after_the_end_of_every_trace_are_an_error),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
