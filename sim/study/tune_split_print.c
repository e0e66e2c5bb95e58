#include "study/tune_split_print.h"

#include <inttypes.h>
#include <math.h>

static const double nano = 1e-9;

static void print_ratio(FILE *out, const struct tune_split_hour *hour)
{
    fprintf(out, "%.0f:%.0f", hour->mean_prompt, hour->mean_output);
}

/* The goal as people say it. */
static void show_value(const struct tune_split *split,
                       const struct tune_split_hour *hour, int32_t fleet, char text[40])
{
    const struct tune_score_cell *cell = &hour->cells[fleet];
    if (fleet < 0 || hour->failed[fleet]) {
        snprintf(text, 40, "cannot serve");
    } else if (cell->none) {
        snprintf(text, 40, "no rate");
    } else if (cell->any) {
        snprintf(text, 40, "any rate");
    } else if (split->tune->score.goal == CONFIG_STUDY_THROUGHPUT) {
        snprintf(text, 40, "%.4g", exp(-cell->value));
    } else {
        snprintf(text, 40, "%.4g", exp(cell->value));
    }
}

static bool is_told(const struct tune_split_hour *hour, int32_t fleet)
{
    const struct tune_score_cell *cell = &hour->cells[fleet];
    return !hour->failed[fleet] && !cell->none && !cell->any;
}

static void print_hour(FILE *out, const struct tune_split *split,
                       const struct tune_split_hour *hour)
{
    char name[64] = "all";
    char ratio[40];
    char as_is[40];
    char best[40];
    char fleet[48] = "-";
    if (hour != split->hours) {
        snprintf(name, sizeof name, "%.6g-%.6g s", (double)hour->from_ns * nano,
                 (double)hour->until_ns * nano);
    }
    snprintf(ratio, sizeof ratio, "%.0f:%.0f", hour->mean_prompt, hour->mean_output);
    fprintf(out, "%-18s %9" PRId64 " %9.4g %13s ", name, hour->n, hour->rate_rps,
            ratio);
    if (hour != split->hours && hour->n < TUNE_SPLIT_REQUESTS) {
        fprintf(out, "too few to tell\n");
        return;
    }
    show_value(split, hour, 0, as_is);
    show_value(split, hour, hour->best, best);
    if (hour->best >= 0) {
        snprintf(fleet, sizeof fleet, "%" PRId64 ":%" PRId64,
                 split->fleets[hour->best].n_prefill,
                 split->fleets[hour->best].n_decode);
    }
    fprintf(out, "%12s %7s %12s", as_is, fleet, best);
    if (hour->best >= 0 && is_told(hour, 0) && is_told(hour, hour->best)) {
        fprintf(out, " %+8.1f %%",
                100 * -expm1(hour->cells[hour->best].value - hour->cells[0].value));
    }
    fputc('\n', out);
}

static void print_crossings(FILE *out, const struct tune_split *split)
{
    const struct tune_split_fleet *best = &split->fleets[split->hours[0].best];
    bool is_latency = split->tune->score.goal == CONFIG_STUDY_LATENCY;
    fprintf(out,
            "\nbreak-even of %" PRId64 ":%" PRId64
            " against the fleet as it is, by %s:\n",
            best->n_prefill, best->n_decode,
            is_latency ? split->tune->base.study.tune.latency
                       : "how far within [slo] they are");
    for (int32_t i = 0; i < split->n_crossings; i++) {
        fprintf(out, "  %.4g requests/s at ", split->crossings[i].rate_rps);
        print_ratio(out, &split->hours[0]);
        fprintf(out, " tokens: the split is %s above it\n",
                split->crossings[i].split_above ? "better" : "worse");
    }
    if (split->n_crossings == 0) {
        fprintf(out, "  never from %.4g to %.4g requests/s at ", split->least_rps,
                split->most_rps);
        print_ratio(out, &split->hours[0]);
        fprintf(out, " tokens: the split is %s\n",
                split->sign < 0   ? "better, or as good, at every rate"
                : split->sign > 0 ? "worse, or as good, at every rate"
                                  : "as good at every rate");
    }
}

void tune_split_print(FILE *out, const struct tune_split *split)
{
    static const char *const goals[] = {"USD/Mtok", "req/s/GPU", "latency"};
    const char *goal = goals[split->tune->score.goal];
    fprintf(out, "\nprefill:decode of %" PRId64 " replicas, by hour\n",
            split->tune->now->config.pools[0].n_replicas);
    fprintf(out, "%-18s %9s %9s %13s %12s %7s %12s %10s\n", "time", "requests", "req/s",
            "prompt:output", "as it is", "best", goal, "gain");
    for (int32_t i = 0; i < split->n_hours; i++) {
        print_hour(out, split, &split->hours[i]);
    }
    if (split->hours[0].best > 0 && !split->hours[0].failed[0]) {
        print_crossings(out, split);
    } else {
        fprintf(out, "\nno break-even: %s\n", split->refusal);
    }
}
