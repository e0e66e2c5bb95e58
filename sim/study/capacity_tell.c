#include "study/capacity_tell.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/calibrated.h"

/* "at 21.35 req/s"; a blank where nothing was tried. */
static void print_head(FILE *out, const struct capacity *answer, int32_t at)
{
    char rate[CAPACITY_TEXT];
    char text[CAPACITY_TEXT + 8];
    capacity_print_rate(answer->tries[at].rate_rps, rate);
    snprintf(text, sizeof text, "at %s", rate);
    fprintf(out, "%24s", text);
}

static void print_value(FILE *out, const struct goal_verdict *verdict, int32_t k)
{
    char text[64];
    if (isnan(verdict->mean[k])) {
        snprintf(text, sizeof text, "-");
    } else if (verdict->sd[k] > 0) {
        snprintf(text, sizeof text, "%.6g +- %.2g", verdict->mean[k], verdict->sd[k]);
    } else {
        snprintf(text, sizeof text, "%.6g", verdict->mean[k]);
    }
    fprintf(out, "%24s", text);
}

/* Every criterion at the two rates. */
static void print_criteria(FILE *out, const struct capacity_variant *variant)
{
    const struct capacity *answer = &variant->answer;
    const struct goal *goal = &variant->spec.goal;
    const int32_t shown[] = {answer->meets, answer->fails};
    fprintf(out, "\n%-18s %11s", "", "bound");
    for (int i = 0; i < 2; i++) {
        if (shown[i] >= 0) {
            print_head(out, answer, shown[i]);
        }
    }
    fputc('\n', out);
    for (int32_t k = 0; k < goal->n; k++) {
        char bound[32];
        snprintf(bound, sizeof bound, "%s %.6g",
                 goal->list[k].at_least ? ">=" : "<=", goal->list[k].bound);
        fprintf(out, "%-18s %11s", goal->list[k].metric, bound);
        for (int i = 0; i < 2; i++) {
            if (shown[i] >= 0) {
                print_value(out, &answer->tries[shown[i]].result.verdict, k);
            }
        }
        fputc('\n', out);
    }
}

static void print_line(FILE *out, const char *label, double value, const char *unit)
{
    if (isfinite(value)) {
        fprintf(out, "%-26s %14.6g %s\n", label, value, unit);
    }
}

static void print_dollars(FILE *out, const struct capacity_variant *variant,
                          const struct capacity_figures *figures)
{
    const struct trial_result *at = capacity_result(&variant->answer);
    if (!isfinite(at->usd_per_million)) {
        return;
    }
    fprintf(out, "%-26s %14.4f USD", "Cost per million tokens", at->usd_per_million);
    if (isfinite(figures->usd_low) && isfinite(figures->usd_high)) {
        fprintf(out, " (%" PRId64 " %%: %.4f - %.4f)",
                variant->config.study.runs.percent, figures->usd_low,
                figures->usd_high);
    }
    fprintf(out, "\n%-26s %14.4f USD\n", "... of output", at->usd_per_million_output);
}

static void print_figures(FILE *out, const struct capacity_variant *variant)
{
    struct capacity_figures figures;
    const struct trial_result *at = capacity_result(&variant->answer);
    const char *unit = variant->spec.rate_unit;
    capacity_study_figures(variant, &figures);
    fputc('\n', out);
    if (figures.n_replicas > 1) {
        print_line(out, "Per replica", figures.rps_per_replica, unit);
    }
    print_line(out, "Per GPU", figures.rps_per_gpu, unit);
    print_line(out, "Output per GPU", figures.output_per_gpu, "tok/s");
    print_line(out, "Output per user", figures.output_per_user,
               "tok/s (1 / mean TPOT)");
    print_dollars(out, variant, &figures);
    print_line(out, "Energy per output token", at->joules_per_output,
               "J (uncalibrated)");
}

/* Which of the two makes the interval wide, and what would narrow it most. */
static void print_shares(FILE *out, const struct capacity_interval *interval)
{
    double model = interval->model * interval->model;
    double sampling = interval->sampling * interval->sampling;
    if (!(model + sampling > 0)) {
        return;
    }
    double share = 100 * model / (model + sampling);
    fprintf(out,
            "%.0f %% of its variance is what is not known of the steps (+-%.2g %%), "
            "%.0f %% what traffic comes (+-%.2g %%)\n",
            share, 100 * interval->model, 100 - share, 100 * interval->sampling);
    fputs(share >= 50
              ? "what would narrow it most: measuring this deployment: servesim "
                "calibrate --plan\n"
              : "what would narrow it most: more [study] requests or seeds\n",
          out);
}

static void print_interval(FILE *out, const struct capacity_variant *variant)
{
    const struct capacity_interval *interval = &variant->interval;
    int64_t percent = variant->config.study.runs.percent;
    fputc('\n', out);
    if (!interval->is_known) {
        char calibration[CALIBRATED_TEXT];
        calibrated_print(variant->config.pools, variant->config.n_pools, calibration);
        fputs(calibration, out);
        fputs(": no interval\n", out);
        if (interval->sampling > 0) {
            fprintf(out, "what traffic comes alone: +-%.2g %% (one standard error)\n",
                    100 * interval->sampling);
        }
        return;
    }
    if (isnan(interval->high_rps)) {
        fputs("no interval: one draw, one seed\n", out);
        return;
    }
    fprintf(out, "%" PRId64 " %%: %.4g - %.4g %s\n", percent, interval->low_rps,
            interval->high_rps, variant->spec.rate_unit);
    print_shares(out, interval);
}

void capacity_tell_rules(FILE *out, const struct capacity_variant *variant)
{
    const struct trial_spec *spec = &variant->spec;
    const struct config_study_runs *runs = &variant->config.study.runs;
    const struct capacity *answer = &variant->answer;
    int64_t n = spec->n_requests;
    if (variant->fits && strcmp(spec->rate_unit, "req/s") != 0) {
        int32_t at = answer->meets >= 0 ? answer->meets : answer->fails;
        const struct capacity_try *shown = &answer->tries[at];
        fprintf(
            out,
            "rates are of starts, of which one is a session or a single request: at "
            "%.6g starts/s there are %.4g req/s\n",
            shown->rate_rps, shown->result.requests_per_s);
    }
    int64_t from = (int64_t)((double)n * ((double)runs->warmup_nano * 1e-9));
    int64_t cut = (int64_t)((double)n * ((double)runs->cooldown_nano * 1e-9));
    fprintf(out,
            "%" PRId64 " requests a run, of which the first %" PRId64
            " and the last %" PRId64 " are not counted; ",
            n, from, cut);
    if (!spec->draws_traffic) {
        fputs("one trace: the interval is of the model alone; resample = 60s draws "
              "others\n",
              out);
        return;
    }
    fprintf(out, "%" PRId32 " seed%s, %" PRId64 " draw%s\n", spec->n_seeds,
            spec->n_seeds == 1 ? "" : "s", runs->draws, runs->draws == 1 ? "" : "s");
}

void capacity_tell_monotone(FILE *out, const struct capacity_variant *variant)
{
    const struct capacity *capacity = &variant->answer;
    const char *unit = variant->spec.rate_unit;
    char fails[CAPACITY_TEXT];
    char again[CAPACITY_TEXT];
    int32_t at = capacity->fails >= 0 ? capacity->fails : 0;
    capacity_print_rate(capacity->tries[at].rate_rps, fails);
    capacity_print_rate(capacity->again_rps, again);
    fprintf(out,
            "not monotone: fails at %s %s, yet %s %s meets; the answer is the "
            "rate below which everything that was tried meets\n",
            fails, unit, again, unit);
}

/* Where below the answer it was tried, too. */
static void print_below(FILE *out, const struct capacity *answer, const char *unit)
{
    const char *between = "";
    int32_t n = 0;
    fputs("below, it meets at ", out);
    for (int32_t i = 0; i < answer->meets; i++) {
        char rate[CAPACITY_TEXT];
        if (!answer->tries[i].result.verdict.meets) {
            continue; /* too few came */
        }
        capacity_print_rate(answer->tries[i].rate_rps, rate);
        fprintf(out, "%s%s", between, rate);
        between = ", ";
        n++;
    }
    fprintf(out, "%s%s%s\n", n > 0 ? " " : "", n > 0 ? unit : "",
            n > 0               ? ", too"
            : answer->meets > 0 ? "no other rate that was tried"
                                : "no other rate: none was tried");
}

static void print_none(FILE *out, const struct capacity_variant *variant)
{
    char rate[CAPACITY_TEXT];
    const struct capacity_try *shown = &variant->answer.tries[variant->answer.fails];
    capacity_print_rate(shown->rate_rps, rate);
    fprintf(out, "no rate meets: at %s %s, the %s, %s\n", rate, variant->spec.rate_unit,
            shown->result.verdict.too_few ? "highest at which all else holds"
                                          : "lowest tried",
            shown->result.verdict.reason);
    if (!variant->answer.is_monotone) {
        capacity_tell_monotone(out, variant);
    }
}

static void print_answer(FILE *out, const struct capacity_variant *variant)
{
    char rate[CAPACITY_TEXT];
    const char *unit = variant->spec.rate_unit;
    const struct capacity *answer = &variant->answer;
    capacity_print_rate(capacity_rps(answer), rate);
    if (answer->fails < 0) {
        fprintf(out, "at least %s %s: not tried above\n", rate, unit);
    } else {
        const struct capacity_try *next = &answer->tries[answer->fails];
        fprintf(out, "meets at %s %s, ", rate, unit);
        capacity_print_rate(next->rate_rps, rate);
        fprintf(out, "fails at %s %s: %s\n", rate, unit, next->result.verdict.reason);
    }
}

void capacity_tell_print(FILE *out, const struct capacity_variant *variant)
{
    fprintf(out, "capacity of %s\n\n", variant->config.file);
    if (variant->answer.meets < 0) {
        print_none(out, variant);
        print_criteria(out, variant);
        fputc('\n', out);
        capacity_tell_rules(out, variant);
        return;
    }
    print_answer(out, variant);
    if (!variant->answer.is_monotone) {
        capacity_tell_monotone(out, variant);
    }
    print_criteria(out, variant);
    print_figures(out, variant);
    print_interval(out, variant);
    fputc('\n', out);
    print_below(out, &variant->answer, variant->spec.rate_unit);
    capacity_tell_rules(out, variant);
}
