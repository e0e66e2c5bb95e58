/* Generated traces against the Azure traces of 2023 that they imitate.
 *
 * Arrivals: the fit's own author simulated it over 40 to 60 seeds; each trace here must
 * lie within 3 standard deviations of that mean (4 where bursts make the dispersion
 * skewed: over 24 seeds the largest was 3.1 above), and the mean over the seeds within
 * 3 standard errors (plus 1 % for figures printed with three digits).
 *
 * Lengths: a mixture of a few lognormals is not the trace.  It lies within a KS
 * distance of 0.03 to 0.04, which moves a percentile far where the trace has few
 * requests: the bands say how far, from the fit's own quantiles (an output of 712
 * tokens where the trace has 601), plus 3 standard errors of a sample of that size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/crowd.h"

#include <time.h>

enum { N_SEEDS = 6 };

struct band {
    double mean;
    double sd;
};

struct likeness {
    const char *workload;
    const char *original; /* outside the repository: may be absent */
    int64_t n;
    double deviations; /* that one trace may be off */
    struct band rate_per_s;
    struct band gap_cv;
    struct band idc1;
    struct band idc10;
    struct band idc60;
    /* Of the trace: mean, p50, p90, p99, and how far off the generated one may be. */
    double prompt[4];
    double prompt_off[4];
    double output[4];
    double output_off[4];
    double prompt_distance; /* KS of the fit */
    double output_distance;
};

/* The rate's standard deviation over an hour is not in the fit: a wandering rate with
 * cv c and memory tau averages over T = 3502 s to c sqrt(2 tau / T) = 5.6 %, 0.31 a
 * second. */
static const struct likeness conversation = {
    .workload = "configs/workloads/azure-conv-2023.ini",
    .original = "../shared/traces/azure2023/AzureLLMInferenceTrace_conv.csv",
    .n = 19366,
    .deviations = 3,
    .rate_per_s = {5.53, 0.31},
    .gap_cv = {1.116, 0.012},
    .idc1 = {1.395, 0.086},
    .idc10 = {3.53, 0.78},
    .idc60 = {13.5, 4.5},
    .prompt = {1155, 1020, 2734, 4142},
    .prompt_off = {0.025, 0.01, 0.14, 0.025},
    .output = {211.1, 129, 424, 601},
    .output_off = {0.02, 0.03, 0.02, 0.25},
    .prompt_distance = 0.043,
    .output_distance = 0.029,
};

/* The mean output is 6 % short, and its p99 a fifth: the trace has a few answers of
 * more than 1,000 tokens which three components miss. */
static const struct likeness completion = {
    .workload = "configs/workloads/azure-code-2023.ini",
    .original = "../shared/traces/azure2023/AzureLLMInferenceTrace_code.csv",
    .n = 8819,
    .deviations = 4,
    .rate_per_s = {2.51, 0.48},
    .gap_cv = {15.3, 1.0},
    .idc1 = {10.9, 1.0},
    .idc10 = {61.7, 8.2},
    .idc60 = {182, 29},
    .prompt = {2048, 1469, 5188, 7436},
    .prompt_off = {0.035, 0.045, 0.12, 0.001},
    .output = {27.88, 13, 55, 251.5},
    .output_off = {0.11, 0.08, 0.18, 0.33},
    .prompt_distance = 0.034,
    .output_distance = 0.028,
};

static struct crowd generate(const struct likeness *likeness, int seed)
{
    char override[40];
    snprintf(override, sizeof override, "workload.seed=%d", seed);
    const char *const overrides[] = {override};
    return crowd_generate(likeness->workload, overrides, 1);
}

static void assert_near(const char *what, double value, double expected, double off)
{
    if (fabs(value - expected) > off) {
        fail_msg("%s is %g and not %g +- %g", what, value, expected, off);
    }
}

static void check_arrivals(const struct likeness *likeness)
{
    static const char *const names[] = {"rate", "gap cv", "idc1", "idc10", "idc60"};
    const struct band bands[] = {likeness->rate_per_s, likeness->gap_cv, likeness->idc1,
                                 likeness->idc10, likeness->idc60};
    double sums[5] = {0};
    for (int seed = 1; seed <= N_SEEDS; seed++) {
        struct crowd crowd = generate(likeness, seed);
        assert_int_equal(crowd.n, likeness->n);
        double values[] = {crowd_rate(&crowd), crowd_gap_cv(&crowd),
                           crowd_dispersion(&crowd, 1), crowd_dispersion(&crowd, 10),
                           crowd_dispersion(&crowd, 60)};
        for (int i = 0; i < 5; i++) {
            assert_near(names[i], values[i], bands[i].mean,
                        likeness->deviations * bands[i].sd);
            sums[i] += values[i];
        }
        crowd_free(&crowd);
    }
    for (int i = 0; i < 5; i++) {
        assert_near(names[i], sums[i] / N_SEEDS, bands[i].mean,
                    3 * bands[i].sd / sqrt(N_SEEDS) + 0.01 * bands[i].mean);
    }
}

static void check_lengths(const int64_t *values, int64_t n, const double expected[4],
                          const double off[4])
{
    static const char *const names[] = {"mean", "p50", "p90", "p99"};
    double found[] = {crowd_mean(values, n), crowd_percentile(values, n, 0.5),
                      crowd_percentile(values, n, 0.9),
                      crowd_percentile(values, n, 0.99)};
    for (int i = 0; i < 4; i++) {
        assert_near(names[i], found[i], expected[i], off[i] * expected[i]);
    }
}

static void check_all_lengths(const struct likeness *likeness)
{
    for (int seed = 1; seed <= N_SEEDS; seed++) {
        struct crowd crowd = generate(likeness, seed);
        check_lengths(crowd.prompt, crowd.n, likeness->prompt, likeness->prompt_off);
        check_lengths(crowd.output, crowd.n, likeness->output, likeness->output_off);
        crowd_free(&crowd);
    }
}

/* The original's lengths, or n = 0 if it is not here. */
static struct crowd read_original(const struct likeness *likeness)
{
    struct crowd crowd = {0};
    FILE *file = fopen(likeness->original, "r");
    if (file == NULL) {
        return crowd;
    }
    crowd.prompt = memory_new((size_t)likeness->n + 1, sizeof *crowd.prompt);
    crowd.output = memory_new((size_t)likeness->n + 1, sizeof *crowd.output);
    char line[128];
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file) != NULL) {
        assert_true(crowd.n < likeness->n);
        char *end = strchr(line, ',');
        assert_non_null(end);
        crowd.prompt[crowd.n] = strtoll(end + 1, &end, 10);
        crowd.output[crowd.n] = strtoll(end + 1, &end, 10);
        crowd.n++;
    }
    fclose(file);
    assert_int_equal(crowd.n, likeness->n);
    return crowd;
}

static void check_distance(const struct likeness *likeness)
{
    struct crowd original = read_original(likeness);
    if (original.n == 0) {
        print_message("skipped: no %s\n", likeness->original);
        skip();
    }
    /* A sample of n strays from its own distribution by more than 1.63 / sqrt(n) once
     * in a hundred times (Kolmogorov); 0.0005 for the rounding of the published
     * distance. */
    double margin = 1.63 / sqrt((double)likeness->n) + 0.0005;
    for (int seed = 1; seed <= N_SEEDS; seed++) {
        struct crowd crowd = generate(likeness, seed);
        double prompt =
            crowd_distance(crowd.prompt, crowd.n, original.prompt, original.n);
        double output =
            crowd_distance(crowd.output, crowd.n, original.output, original.n);
        assert_near("prompt distance", prompt, 0, likeness->prompt_distance + margin);
        assert_near("output distance", output, 0, likeness->output_distance + margin);
        crowd_free(&crowd);
    }
    crowd_free(&original);
}

static void conversation_arrives_as_it_did_at_azure(void **state)
{
    (void)state;
    check_arrivals(&conversation);
}

static void completion_arrives_as_it_did_at_azure(void **state)
{
    (void)state;
    check_arrivals(&completion);
}

static void conversation_has_the_lengths_it_had_at_azure(void **state)
{
    (void)state;
    check_all_lengths(&conversation);
}

static void completion_has_the_lengths_it_had_at_azure(void **state)
{
    (void)state;
    check_all_lengths(&completion);
}

static void lengths_of_conversation_are_as_near_the_trace_as_the_fit(void **state)
{
    (void)state;
    check_distance(&conversation);
}

static void lengths_of_completion_are_as_near_the_trace_as_the_fit(void **state)
{
    (void)state;
    check_distance(&completion);
}

/* Processor time, so that a busy machine cannot fail it; 0.06 s when it was written,
 * and sanitizers cost a factor of five. */
static void an_hour_of_azure_takes_well_under_a_second(void **state)
{
    (void)state;
    clock_t start = clock();
    char *text = crowd_text(conversation.workload, NULL, 0);
    double used_s = (double)(clock() - start) / CLOCKS_PER_SEC;
    free(text);
    assert_near("processor time in s", used_s, 0, 0.8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversation_arrives_as_it_did_at_azure),
        cmocka_unit_test(completion_arrives_as_it_did_at_azure),
        cmocka_unit_test(conversation_has_the_lengths_it_had_at_azure),
        cmocka_unit_test(completion_has_the_lengths_it_had_at_azure),
        cmocka_unit_test(lengths_of_conversation_are_as_near_the_trace_as_the_fit),
        cmocka_unit_test(lengths_of_completion_are_as_near_the_trace_as_the_fit),
        cmocka_unit_test(an_hour_of_azure_takes_well_under_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
