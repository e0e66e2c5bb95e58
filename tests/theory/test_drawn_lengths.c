/* Lengths that are drawn against the distributions that they are drawn from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/crowd.h"
#include "../support/files.h"

#include <gsl/gsl_cdf.h>

enum { N_REQUESTS = 30011 };

#define HEAD                         \
    "[workload]\nrequests = 30011\n" \
    "[arrivals]\nprocess = constant\nrate_rps = 4\n"
#define GAMMAS                                                  \
    "distribution = gamma_mix\nw = 0.3, 0.7\nshape = 0.6, 40\n" \
    "scale = 137, 25\n"
#define QUANTILES                                           \
    "distribution = quantiles\nquantiles = 0:12, 0.5:300\n" \
    "quantiles_2 = 0.75:300, 0.9:1000, 1:4000\n"
#define OUTPUT "[output]\ndistribution = fixed\ntokens = 13\n"

static struct crowd generate(const char *text, const char *override)
{
    write_file("w.ini", text, strlen(text));
    return crowd_generate("w.ini", &override, override != NULL ? 1 : 0);
}

static void assert_near(double value, double expected, double off)
{
    if (!(fabs(value - expected) <= off)) {
        fail_msg("%.9g is not %.9g +- %.3g", value, expected, off);
    }
}

/* The distance between the lengths and the distribution `cdf` of what is rounded to the
 * nearest of them; its 0.1 % point is 1.95 / sqrt(n), and less for whole numbers. */
static void assert_distributed(const int64_t *values, double (*cdf)(double tokens),
                               int64_t min, int64_t max)
{
    int64_t *sorted = crowd_sorted(values, N_REQUESTS);
    double most = 0;
    int64_t at = 0;
    for (int64_t length = min; length < max; length++) {
        while (at < N_REQUESTS && sorted[at] <= length) {
            at++;
        }
        most = fmax(most, fabs((double)at / N_REQUESTS - cdf((double)length + 0.5)));
    }
    assert_true(sorted[0] >= min && sorted[N_REQUESTS - 1] <= max);
    assert_true(most < 1.95 / sqrt(N_REQUESTS));
    free(sorted);
}

static double gammas(double tokens)
{
    return 0.3 * gsl_cdf_gamma_P(tokens, 0.6, 137) +
           0.7 * gsl_cdf_gamma_P(tokens, 40, 25);
}

/* Drawn again outside of 500 to 1100. */
static double middle_gammas(double tokens)
{
    double below = gammas(499.5);
    return (gammas(tokens) - below) / (gammas(1100.5) - below);
}

static void a_mixture_of_gammas_has_its_distribution(void **state)
{
    (void)state;
    struct crowd crowd = generate(HEAD "[prompt]\n" GAMMAS OUTPUT, NULL);
    assert_distributed(crowd.prompt, gammas, 1, 4000);
    crowd_free(&crowd);
    crowd = generate(HEAD "[prompt]\n" GAMMAS "min = 500\nmax = 1100\n" OUTPUT, NULL);
    assert_distributed(crowd.prompt, gammas, 500, 1100);
    crowd_free(&crowd);
    crowd = generate(HEAD "[prompt]\n" GAMMAS
                          "min = 500\nmax = 1100\noutside = resample\n" OUTPUT,
                     NULL);
    assert_distributed(crowd.prompt, middle_gammas, 500, 1100);
    crowd_free(&crowd);
}

static double between(double tokens, double (*bent)(double tokens))
{
    static const double knots[][2] = {
        {0, 12}, {0.5, 300}, {0.75, 300}, {0.9, 1000}, {1, 4000}};
    double share = 0;
    for (int i = 0; i < 4; i++) {
        double part = (bent(tokens) - bent(knots[i][1])) /
                      (bent(knots[i + 1][1]) - bent(knots[i][1]));
        if (tokens >= knots[i + 1][1]) {
            share = knots[i + 1][0];
        } else if (tokens > knots[i][1]) {
            share = knots[i][0] + part * (knots[i + 1][0] - knots[i][0]);
        }
    }
    return share;
}

static double straight(double tokens)
{
    return tokens;
}

static double lines(double tokens)
{
    return between(tokens, straight);
}

static double log_lines(double tokens)
{
    return between(tokens, log);
}

static double middle_lines(double tokens)
{
    return (lines(tokens) - lines(99.5)) / (lines(2000.5) - lines(99.5));
}

static void quantiles_are_met_and_lines_drawn_between_them(void **state)
{
    (void)state;
    struct crowd crowd = generate(HEAD "[prompt]\n" QUANTILES OUTPUT, NULL);
    assert_distributed(crowd.prompt, lines, 12, 4000);
    crowd_free(&crowd);
    crowd = generate(HEAD "[prompt]\n" QUANTILES "between = log\n" OUTPUT, NULL);
    assert_distributed(crowd.prompt, log_lines, 12, 4000);
    crowd_free(&crowd);
    crowd = generate(HEAD "[prompt]\n" QUANTILES
                          "min = 100\nmax = 2000\noutside = resample\n" OUTPUT,
                     NULL);
    assert_distributed(crowd.prompt, middle_lines, 100, 2000);
    crowd_free(&crowd);
}

static void a_file_of_quantiles_is_the_list_of_them(void **state)
{
    (void)state;
    static const char csv[] = "p,tokens\n0,12\n0.5,300\n0.75, 300\n0.9,1e3\n1,4000\n";
    write_file("q.csv", csv, sizeof csv - 1);
    struct crowd list = generate(HEAD "[prompt]\n" QUANTILES OUTPUT, NULL);
    struct crowd file = generate(
        HEAD "[prompt]\ndistribution = quantiles\nquantiles_file = q.csv\n" OUTPUT,
        NULL);
    assert_memory_equal(list.prompt, file.prompt, N_REQUESTS * sizeof *list.prompt);
    crowd_free(&list);
    /* -s replaces the list, not its first line */
    list = generate(HEAD "[prompt]\n" QUANTILES OUTPUT, "prompt.quantiles=0:7, 1:9");
    for (int64_t i = 0; i < N_REQUESTS; i++) {
        assert_in_range(list.prompt[i], 7, 9);
    }
    crowd_free(&list);
    crowd_free(&file);
}

/* Spearman's correlation of a Gaussian copula is (6 / pi) asin(rho / 2) (Pearson, 1907);
 * ranks are the shares, but for those that are equal. */
static void the_copula_ties_gammas_and_quantiles_too(void **state)
{
    (void)state;
    struct crowd crowd = generate(HEAD "[prompt]\n" GAMMAS "[output]\n" QUANTILES,
                                  "workload.copula_rho=0.613");
    int64_t *prompts = memory_new(N_REQUESTS, sizeof *prompts);
    int64_t *outputs = memory_new(N_REQUESTS, sizeof *outputs);
    for (int64_t i = 0; i < N_REQUESTS; i++) {
        prompts[i] = llround(1e6 * gammas((double)crowd.prompt[i]));
        outputs[i] = llround(1e6 * lines((double)crowd.output[i]));
    }
    double expected = 6 / acos(-1) * asin(0.613 / 2);
    assert_near(crowd_correlation(prompts, outputs, N_REQUESTS), expected, 0.03);
    free(prompts);
    free(outputs);
    crowd_free(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mixture_of_gammas_has_its_distribution),
        cmocka_unit_test(quantiles_are_met_and_lines_drawn_between_them),
        cmocka_unit_test(a_file_of_quantiles_is_the_list_of_them),
        cmocka_unit_test(the_copula_ties_gammas_and_quantiles_too),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
