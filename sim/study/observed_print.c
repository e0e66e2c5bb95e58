#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "study/observed.h"

struct shown {
    const char *name;
    const char *column;
    double scale; /* to the unit that is printed */
    int decimals;
};

static const struct shown quantities[N_OBSERVED_QUANTITIES] = {
    [OBSERVED_REQUESTS] = {"requests per s", "requests_per_s", 1, 3},
    [OBSERVED_PROMPT] = {"prompt tokens per s", "prompt_tokens_per_s", 1, 1},
    [OBSERVED_OUTPUT] = {"tokens per output", "tokens_per_output", 1, 1},
    [OBSERVED_HITS] = {"prefix hit rate, %", "prefix_hit_percent", 100, 2},
    [OBSERVED_STEP] = {"ITL of the batch, ms", "batch_itl_ms", 1e-6, 3},
    [OBSERVED_RUNNING] = {"running", "running", 1e-9, 2},
    [OBSERVED_WAITING] = {"waiting", "waiting", 1e-9, 2},
    [OBSERVED_PREEMPTIONS] = {"preemptions per s", "preemptions_per_s", 1, 3},
    [OBSERVED_KV_USED] = {"KV cache used, %", "kv_used_percent", 1e-7, 2},
    [OBSERVED_TTFT] = {"TTFT, ms", "ttft_ms", 1e-6, 2},
    [OBSERVED_ITL] = {"ITL, ms", "itl_ms", 1e-6, 3},
    [OBSERVED_E2E] = {"E2E, ms", "e2e_ms", 1e-6, 1},
};

static const char *const causes[N_OBSERVED_CAUSES + 1] = {
    [OBSERVED_TRAFFIC] = "traffic",       [OBSERVED_HIT_RATE] = "hit rate",
    [OBSERVED_STEP_TIME] = "step time",   [OBSERVED_SCHEDULING] = "scheduling",
    [N_OBSERVED_CAUSES] = "what follows",
};

static double value_of(struct observed_ratio ratio)
{
    return ratio.denominator > 0 ? ratio.numerator / ratio.denominator : NAN;
}

static void print_number(FILE *out, int width, int decimals, double value)
{
    if (isnan(value)) {
        fprintf(out, " %*s", width, "-");
    } else {
        fprintf(out, " %*.*f", width, decimals, value);
    }
}

/* An interval and how far off it is. */
struct miss {
    double size;
    int64_t interval;
};

/* The largest first; the earlier one of two alike. */
static int compare_misses(const void *a, const void *b)
{
    const struct miss *x = a;
    const struct miss *y = b;
    if (x->size != y->size) {
        return x->size > y->size ? -1 : 1;
    }
    return (x->interval > y->interval) - (x->interval < y->interval);
}

/* The seconds at which the worst intervals end. */
static void print_worst(FILE *out, const struct observed *observed,
                        const struct observed_result *result, int32_t n_worst)
{
    struct miss *misses = memory_new((size_t)observed->n, sizeof *misses);
    size_t n = 0;
    for (int64_t i = 0; i < observed->n; i++) {
        double size = fabs(value_of(result->pairs[i].observed) -
                           value_of(result->pairs[i].simulated));
        if (size > 0) { /* not NAN either */
            misses[n++] = (struct miss){size, i};
        }
    }
    qsort(misses, n, sizeof *misses, compare_misses);
    for (size_t i = 0; i < n && i < (size_t)n_worst; i++) {
        int64_t t_ns = observed->rows[misses[i].interval + 1].t_ns;
        fprintf(out, "%s%.9g", i == 0 ? "  " : " ", (double)t_ns * 1e-9);
    }
    free(misses);
}

static void print_quantity(FILE *out, const struct observed *observed,
                           enum observed_quantity quantity, int32_t n_worst)
{
    const struct shown *shown = &quantities[quantity];
    const struct observed_result *result = &observed->results[quantity];
    fprintf(out, "  %-22s", shown->name);
    if (isnan(result->observed)) {
        fputs("   not observed\n", out);
        return;
    }
    print_number(out, 10, shown->decimals, result->observed * shown->scale);
    print_number(out, 10, shown->decimals, result->simulated * shown->scale);
    double ratio = result->simulated > 0 ? result->observed / result->simulated : NAN;
    print_number(out, 7, 3, ratio);
    print_number(out, 6, 2, result->correlation);
    print_worst(out, observed, result, n_worst);
    fputc('\n', out);
}

static void print_cause(FILE *out, const struct observed *observed,
                        enum observed_cause cause)
{
    fputs(causes[cause], out);
    if (cause == OBSERVED_SCHEDULING && observed->step_factor != 1) {
        fprintf(out, ", simulated with steps x %.3f", observed->step_factor);
    }
    fputc('\n', out);
}

static void print_blame(FILE *out, const struct observed *observed,
                        enum observed_cause cause)
{
    fprintf(out, "%s (%+.1f %%, %s)", causes[cause], 100 * observed->drifts[cause],
            quantities[observed->blamed[cause]].column);
}

static void print_verdict(FILE *out, const struct observed *observed)
{
    enum observed_cause first = observed_first(observed);
    enum observed_cause most = observed_most(observed);
    if (first == N_OBSERVED_CAUSES) {
        fprintf(out, "verdict: nothing drifted by more than %.0f %%",
                100 * OBSERVED_DRIFT);
    } else {
        fputs("verdict: first to drift: ", out);
        print_blame(out, observed, first);
        fputs("; most: ", out);
        print_blame(out, observed, most);
        if (first < OBSERVED_STEP_TIME && most != first && most != OBSERVED_STEP_TIME) {
            fprintf(out, ", which may follow from the %s", causes[first]);
        }
    }
    const char *before = "; not observed: ";
    for (int i = 0; i < N_OBSERVED_CAUSES; i++) {
        if (isnan(observed->drifts[i])) {
            fprintf(out, "%s%s", before, causes[i]);
            before = ", ";
        }
    }
    fputc('\n', out);
}

void observed_print(FILE *out, const struct observed *observed, int32_t n_worst)
{
    static const enum observed_quantity firsts[N_OBSERVED_CAUSES + 2] = {
        OBSERVED_REQUESTS, OBSERVED_HITS, OBSERVED_STEP,
        OBSERVED_RUNNING,  OBSERVED_TTFT, N_OBSERVED_QUANTITIES};
    fprintf(out, "%s: %" PRId64 " intervals, %.9g s\n\n", observed->file, observed->n,
            (double)observed->rows[observed->n].t_ns * 1e-9);
    fprintf(out, "%-24s %10s %10s %7s %6s  %s\n", "", "observed", "simulated", "ratio",
            "corr", "worst until s");
    for (int cause = 0; cause <= N_OBSERVED_CAUSES; cause++) {
        print_cause(out, observed, (enum observed_cause)cause);
        for (int i = (int)firsts[cause]; i < (int)firsts[cause + 1]; i++) {
            print_quantity(out, observed, (enum observed_quantity)i, n_worst);
        }
    }
    fputc('\n', out);
    print_verdict(out, observed);
}

static void write_cell(FILE *out, double value)
{
    if (isnan(value)) {
        fputc(',', out);
    } else {
        fprintf(out, ",%.6f", value);
    }
}

void observed_print_rows(FILE *out, const struct observed *observed)
{
    fputs("t_s", out);
    for (int i = 0; i < N_OBSERVED_QUANTITIES; i++) {
        fprintf(out, ",%s_observed,%s_simulated", quantities[i].column,
                quantities[i].column);
    }
    fputc('\n', out);
    for (int64_t k = 0; k < observed->n; k++) {
        fprintf(out, "%.9f", (double)observed->rows[k + 1].t_ns * 1e-9);
        for (int i = 0; i < N_OBSERVED_QUANTITIES; i++) {
            const struct observed_pair *pair = &observed->results[i].pairs[k];
            write_cell(out, value_of(pair->observed) * quantities[i].scale);
            write_cell(out, value_of(pair->simulated) * quantities[i].scale);
        }
        fputc('\n', out);
    }
}
