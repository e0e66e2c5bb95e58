/* Generated arrivals against what is known of each process.
 *
 * Seeds are fixed, so a test that passes passes always; bands are 3 to 4 standard errors
 * of what is estimated, and that of a Kolmogorov-Smirnov distance its 0.1 % point.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/crowd.h"
#include "../support/files.h"
#include "input/renewal.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>

enum { N_REQUESTS = 30011 };

static const char plain[] = "[workload]\nrequests = 30011\n"
                            "[prompt]\ndistribution = fixed\ntokens = 37\n"
                            "[output]\ndistribution = fixed\ntokens = 13\n"
                            "[arrivals]\n";

static void write_workload(const char *arrivals)
{
    char text[4096];
    int length = snprintf(text, sizeof text, "%s%s", plain, arrivals);
    write_file("w.ini", text, (size_t)length);
}

static struct crowd generate(const char *arrivals, const char *override)
{
    write_workload(arrivals);
    return crowd_generate("w.ini", &override, override != NULL ? 1 : 0);
}

static void assert_near(double value, double expected, double off)
{
    if (!(fabs(value - expected) <= off)) {
        fail_msg("%.9g is not %.9g +- %.3g", value, expected, off);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The distance between the gaps of `times` and a distribution; `times` is used up. */
static double gap_distance(double *times, int64_t n, double (*cdf)(double gap))
{
    double most = 0;
    for (int64_t i = 0; i + 1 < n; i++) {
        times[i] = times[i + 1] - times[i];
    }
    n--;
    qsort(times, (size_t)n, sizeof *times, compare_doubles);
    for (int64_t i = 0; i < n; i++) {
        double share = cdf(times[i]);
        most = fmax(most, fabs((double)i / (double)n - share));
        most = fmax(most, fabs((double)(i + 1) / (double)n - share));
    }
    return most;
}

static int64_t count_between(const struct crowd *crowd, double from_s, double until_s)
{
    int64_t n = 0;
    for (int64_t i = 0; i < crowd->n; i++) {
        n += crowd->arrival_s[i] >= from_s && crowd->arrival_s[i] < until_s;
    }
    return n;
}

/* Weibull gaps of mean 1 / 4.1 and shape 0.6. */
static double weibull_cdf(double gap)
{
    return gsl_cdf_weibull_P(gap, 1 / 4.1 / gsl_sf_gamma(1 + 1 / 0.6), 0.6);
}

static void weibull_gaps_have_the_distribution_and_variation_asked_for(void **state)
{
    (void)state;
    struct crowd crowd =
        generate("process = weibull\nrate_rps = 4.1\nshape = 0.6\n", NULL);
    double cv = sqrt(gsl_sf_gamma(1 + 2 / 0.6) / pow(gsl_sf_gamma(1 + 1 / 0.6), 2) - 1);
    assert_near(crowd_rate(&crowd), 4.1, 4.1 * 4 * cv / sqrt(N_REQUESTS));
    assert_near(crowd_gap_cv(&crowd), cv, 0.05);
    double distance = gap_distance(crowd.arrival_s, crowd.n, weibull_cdf);
    assert_true(distance < 1.95 / sqrt(N_REQUESTS));
    crowd_free(&crowd);
    for (int i = 0; i < 12; i++) {
        double asked = 0.013 * pow(2.1, i);
        double k = renewal_weibull_shape(asked);
        double found = gsl_sf_lngamma(1 + 2 / k) - 2 * gsl_sf_lngamma(1 + 1 / k);
        assert_near(sqrt(expm1(found)) / asked, 1, 1e-9);
    }
    crowd = generate("process = weibull\nrate_rps = 137.5\ncv = 0.3\n", NULL);
    assert_near(crowd_gap_cv(&crowd), 0.3, 0.006);
    crowd_free(&crowd);
}

/* Two states with rates a, b and rates of leaving r, s have counts in windows of W with
 * variance / mean 1 + 2 (a - b)^2 r s / ((r + s)^2 (a s + b r)) x
 * (1 - (1 - exp(-(r + s) W)) / ((r + s) W))  (Heffes and Lucantoni, IEEE JSAC 4, 1986). */
static void an_mmpp_disperses_counts_as_heffes_and_lucantoni_say(void **state)
{
    (void)state;
    double a = 13.7;
    double b = 2.3;
    double r = 1 / 3.1;
    double s = 1 / 7.3;
    double mean = (a * s + b * r) / (r + s);
    static const double windows_s[] = {1, 10, 60};
    double sums[3] = {0};
    double rates = 0;
    enum { SEEDS = 8 };
    for (int seed = 1; seed <= SEEDS; seed++) {
        char override[32];
        snprintf(override, sizeof override, "workload.seed=%d", seed);
        struct crowd crowd =
            generate("process = mmpp\nstates = 13.7:3.1s, 2.3:7.3s\n", override);
        rates += crowd_rate(&crowd) / SEEDS;
        for (int i = 0; i < 3; i++) {
            sums[i] += crowd_dispersion(&crowd, windows_s[i]) / SEEDS;
        }
        crowd_free(&crowd);
    }
    double limit =
        2 * (a - b) * (a - b) * r * s / ((r + s) * (r + s) * (a * s + b * r));
    double time_s = SEEDS * N_REQUESTS / mean;
    for (int i = 0; i < 3; i++) {
        double z = (r + s) * windows_s[i];
        double expected = 1 + limit * (1 - (1 - exp(-z)) / z);
        /* Windows that are shorter than 2 / (r + s) = 4.3 s depend on each other. */
        double n_windows = time_s / fmax(windows_s[i], 4.3);
        assert_near(sums[i] / expected, 1, 4 * sqrt(2 / n_windows));
    }
    assert_near(rates, mean, 4 * sqrt((1 + limit) * mean / time_s));
}

static void the_states_of_an_mmpp_are_scaled_to_a_mean_rate(void **state)
{
    (void)state;
    /* (0 x 5 + 4 x 2 + 30 x 1) / 8 = 4.75 */
    static const char text[] =
        "process = mmpp\nstates = 0:5s, 4:2s\nstates_2 = 30:1s\n";
    for (int i = 0; i < 2; i++) {
        char arrivals[256];
        snprintf(arrivals, sizeof arrivals, "%sswitching = %s\n", text,
                 i == 0 ? "cyclic" : "uniform");
        struct crowd crowd = generate(arrivals, NULL);
        assert_near(crowd_rate(&crowd) / 4.75, 1, 0.1);
        crowd_free(&crowd);
        crowd = generate(arrivals, "arrivals.rate_rps=0.475");
        /* sojourns stay, so ten times as many of them pass */
        assert_near(crowd_rate(&crowd) / 0.475, 1, 0.04);
        crowd_free(&crowd);
    }
}

static void batches_come_at_once_and_again(void **state)
{
    (void)state;
    struct crowd crowd = generate("process = batch\n", NULL);
    assert_int_equal(count_between(&crowd, 0, 1e-9), N_REQUESTS);
    crowd_free(&crowd);
    crowd = generate("process = batch\nbatch_size = 17\nevery_s = 2.5s\n", NULL);
    for (int64_t i = 0; i < crowd.n; i++) {
        int64_t batch = i / 17;
        assert_true(crowd.arrival_s[i] == (double)batch * 2.5);
    }
    crowd_free(&crowd);
}

/* [modulation] of the tests below, and its integral from 0. */
static const char mixed[] = "[modulation]\nprofile = 0:2, 100:6, 150s:6\n"
                            "profile_2 = 4min:1\nperiod_s = 400\n"
                            "ramp_factor = 3\nramp_start_s = 500\nramp_s = 1000\n"
                            "spikes = 37:13:4, 700:90:0\n";

static double mixed_factor(double t)
{
    static const double corners[][2] = {{0, 2}, {100, 6}, {150, 6}, {240, 1}, {400, 2}};
    /* (2+6)/2 x 100 + 6 x 50 + (6+1)/2 x 90 + (1+2)/2 x 160 = 1255 */
    double mean = 1255 / 400.0;
    double x = fmod(t, 400);
    int i = 0;
    while (x >= corners[i + 1][0]) {
        i++;
    }
    double share = (x - corners[i][0]) / (corners[i + 1][0] - corners[i][0]);
    double profile = corners[i][1] + share * (corners[i + 1][1] - corners[i][1]);
    double ramp = 1 + 2 * fmin(fmax((t - 500) / 1000, 0), 1);
    double spike = t >= 37 && t < 50 ? 4 : t >= 700 && t < 790 ? 0 : 1;
    return profile / mean * ramp * spike;
}

/* By the midpoint rule from *from_s on, whose error in a step h is f'' h^3 / 24 < 1e-9. */
static double mixed_area(double *from_s, double until_s)
{
    double area = 0;
    while (*from_s < until_s) {
        double step = fmin(1e-2, until_s - *from_s);
        double corner = ceil(*from_s * 100 + 1e-6) / 100; /* all corners are whole */
        step = fmin(step, corner - *from_s > 1e-12 ? corner - *from_s : 1e-2);
        area += mixed_factor(*from_s + step / 2) * step;
        *from_s += step;
    }
    return area;
}

static void one_every_so_much_of_the_integral_is_what_constant_means(void **state)
{
    (void)state;
    char text[512];
    snprintf(text, sizeof text, "process = constant\nrate_rps = 4.1\n%s", mixed);
    struct crowd crowd = generate(text, "workload.requests=12011");
    double from_s = 0;
    double area = 0;
    for (int64_t i = 0; i < crowd.n; i++) {
        area += mixed_area(&from_s, crowd.arrival_s[i]);
        assert_near(area * 4.1, (double)i, 1e-5);
    }
    assert_true(from_s > 1500);
    crowd_free(&crowd);
}

static double gamma_cdf(double gap)
{
    return gsl_cdf_gamma_P(gap, 1 / 2.25, 2.25);
}

static void gaps_keep_their_distribution_in_operational_time(void **state)
{
    (void)state;
    char text[512];
    snprintf(text, sizeof text, "process = gamma\nrate_rps = 4.1\ncv = 1.5\n%s", mixed);
    struct crowd crowd = generate(text, NULL);
    double from_s = 0;
    double area = 0;
    for (int64_t i = 0; i < crowd.n; i++) {
        area += mixed_area(&from_s, crowd.arrival_s[i]) * 4.1;
        crowd.arrival_s[i] = area;
    }
    assert_near(crowd_gap_cv(&crowd), 1.5, 0.03);
    assert_true(gap_distance(crowd.arrival_s, crowd.n, gamma_cdf) <
                1.95 / sqrt(N_REQUESTS));
    crowd_free(&crowd);
}

/* How far counts are from what a share of the period should get, as chi^2. */
static double profile_misfit(const struct crowd *crowd, double period_s,
                             const double *shares, int n)
{
    double counts[16] = {0};
    double misfit = 0;
    for (int64_t i = 0; i < crowd->n; i++) {
        int part = (int)(fmod(crowd->arrival_s[i], period_s) / period_s * n);
        counts[part]++;
    }
    for (int i = 0; i < n; i++) {
        double expected = shares[i] * (double)crowd->n;
        misfit += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    return misfit;
}

/* 30,011 at 4 a second are 7,503 s: 75 periods of 100 s, so that the end of the last one
 * hardly counts. */
static void a_profile_repeats_itself_and_keeps_the_mean_rate(void **state)
{
    (void)state;
    static const double steps[] = {0.1, 0.1, 0.5, 0.3};
    static const double lines[] = {0.1, 0.2, 0.4, 0.3};
    static const char *const processes[] = {
        "process = poisson\nrate_rps = 4\n",
        "process = weibull\ncv = 0.9\nrate_rps = 4\n",
        "process = cox\ncv = 1\nmodulation_cv = 0.02\ntau_s = 3\nrate_rps = 4\n",
        "process = mmpp\nstates = 0.39:0.2s, 0.41:0.2s\nrate_rps = 4\n"};
    for (int i = 0; i < 4; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "%s[modulation]\nperiod_s = 100\nprofile_shape = steps\n"
                 "profile = 0:20, 50:100, 75:60\n",
                 processes[i]);
        struct crowd crowd = generate(text, NULL);
        assert_near(crowd_rate(&crowd), 4, 0.1);
        assert_true(profile_misfit(&crowd, 100, steps, 4) < 16.3);
        crowd_free(&crowd);
        /* lines from 0.5 over 1.5 and 2.5 at 25, 75 back to 0.5 ... */
        snprintf(text, sizeof text,
                 "%s[modulation]\nperiod_s = 100\n"
                 "profile = 0:0, 25:8, 50:8, 75:24\n",
                 processes[i]);
        crowd = generate(text, NULL);
        assert_near(crowd_rate(&crowd), 4, 0.1);
        assert_true(profile_misfit(&crowd, 100, lines, 4) < 16.3);
        crowd_free(&crowd);
    }
}

static void a_profile_of_rates_needs_no_other_rate(void **state)
{
    (void)state;
    static const char csv[] = "time_s,rate_rps\r\n0,2\r\n600s,6.2\r\n1200,2\r\n";
    write_file("rates.csv", csv, sizeof csv - 1);
    struct crowd file = generate("process = poisson\n[modulation]\n"
                                 "profile_file = rates.csv\n",
                                 "workload.duration_s=1200");
    struct crowd list = generate("process = poisson\nrate_rps = 4.1\n[modulation]\n"
                                 "profile = 0:1\nprofile_2 = 600:3.1, 20min:1\n",
                                 "workload.duration_s=1200");
    assert_int_equal(file.n, list.n);
    for (int64_t i = 0; i < file.n; i++) {
        assert_near(file.arrival_s[i], list.arrival_s[i], 2e-9);
    }
    assert_near((double)file.n, 4.1 * 1200, 4 * sqrt(4.1 * 1200));
    crowd_free(&file);
    crowd_free(&list);
}

/* In the mean a cycle is spike_every_s + spike_s long. */
static void random_spikes_come_as_often_and_are_as_high_as_asked(void **state)
{
    (void)state;
    struct crowd crowd = generate("process = constant\nrate_rps = 4\n[modulation]\n"
                                  "spike_every_s = 7\nspike_s = 3\nspike_factor = 11\n",
                                  NULL);
    assert_near(crowd_rate(&crowd) / 4, (7 + 3 * 11) / 10.0, 0.3);
    int64_t short_gaps = 0;
    for (int64_t i = 1; i < crowd.n; i++) {
        double gap = crowd.arrival_s[i] - crowd.arrival_s[i - 1];
        assert_true(gap < 0.25 + 1e-8 && gap > 0.25 / 11 - 1e-8);
        short_gaps += gap < 0.25 / 11 + 1e-8;
    }
    assert_near((double)short_gaps / (double)crowd.n, 33 / 40.0, 0.02);
    crowd_free(&crowd);
}

static void the_same_seed_gives_the_same_bytes_whatever_the_process(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "process = weibull\nrate_rps = 4.1\ncv = 2\n",
        "process = mmpp\nstates = 1:3s, 9:2s, 4:7s\nswitching = uniform\n",
        ("process = cox\nrate_rps = 4.1\ncv = 1\nmodulation_cv = 0.3\ntau_s = 17\n"
         "[modulation]\nspike_every_s = 60\nramp_factor = 0.5\nramp_s = 137\n")};
    for (int i = 0; i < 3; i++) {
        const char *const seeds[] = {"workload.seed=4099", "workload.seed=4100"};
        write_workload(texts[i]);
        char *once = crowd_text("w.ini", seeds, 1);
        char *again = crowd_text("w.ini", seeds, 1);
        char *other = crowd_text("w.ini", seeds + 1, 1);
        assert_string_equal(once, again);
        assert_string_not_equal(once, other);
        free(once);
        free(again);
        free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weibull_gaps_have_the_distribution_and_variation_asked_for),
        cmocka_unit_test(an_mmpp_disperses_counts_as_heffes_and_lucantoni_say),
        cmocka_unit_test(the_states_of_an_mmpp_are_scaled_to_a_mean_rate),
        cmocka_unit_test(batches_come_at_once_and_again),
        cmocka_unit_test(one_every_so_much_of_the_integral_is_what_constant_means),
        cmocka_unit_test(gaps_keep_their_distribution_in_operational_time),
        cmocka_unit_test(a_profile_repeats_itself_and_keeps_the_mean_rate),
        cmocka_unit_test(a_profile_of_rates_needs_no_other_rate),
        cmocka_unit_test(random_spikes_come_as_often_and_are_as_high_as_asked),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_whatever_the_process),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
