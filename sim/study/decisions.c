#include "study/decisions.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void score_choices(struct decisions *out, const struct decisions_curves *curves)
{
    struct decisions_choice_groups places;
    struct decisions_choice_groups jobs;
    decisions_choice_gather(&places, curves, &decisions_choice_places);
    decisions_choice_gather(&jobs, curves, &decisions_dollars_jobs);
    out->n_places = places.n;
    out->n_jobs = jobs.n;
    for (int k = 0; k < DECISIONS_CHOOSERS; k++) {
        decisions_choice_score(out->choice[k], &places, (enum decisions_chooser)k,
                               out->headroom);
    }
    for (int k = 0; k < DECISIONS_DOLLARS_LOADS; k++) {
        decisions_dollars_score(out->dollars[k], &jobs, decisions_dollars_loads[k],
                                out->headroom);
    }
    decisions_choice_free(&places);
    decisions_choice_free(&jobs);
}

void decisions_score(const struct predict_case *cases,
                     const struct predict_result *results, int32_t n, double headroom,
                     struct decisions *out)
{
    struct decisions_curves curves;
    *out = (struct decisions){.headroom = headroom};
    for (int32_t i = 0; i < n; i++) {
        bool is_closed = cases[i].kind == MEASURED_CLOSED;
        out->n_rows += is_closed;
        out->n_without_preset += is_closed && !cases[i].has_config;
    }
    decisions_curve_collect(&curves, cases, results, n, NULL);
    decisions_capacity_score(&out->capacity, &curves);
    score_choices(out, &curves);
    decisions_curve_free(&curves);
    decisions_coverage_score(&out->coverage, cases, results, n);
}

void decisions_free(struct decisions *decisions)
{
    decisions_coverage_free(&decisions->coverage);
}

double decisions_tune(const struct predict_case *cases,
                      const struct predict_result *results, int32_t n)
{
    struct decisions_curves curves;
    struct decisions_choice_groups places;
    decisions_curve_collect(&curves, cases, results, n, "train");
    decisions_choice_gather(&places, &curves, &decisions_choice_places);
    double headroom = decisions_choice_tune(&places);
    decisions_choice_free(&places);
    decisions_curve_free(&curves);
    return headroom;
}

/* "TPOT 20 ms, TTFT 500 ms"; of the last one, "all". */
struct label {
    char text[48];
};

static struct label label_of(int bound)
{
    struct label label = {"all"};
    if (bound < DECISIONS_CURVE_BOUNDS) {
        const struct decisions_curve_bound *of = &decisions_curve_bounds[bound];
        int used =
            snprintf(label.text, sizeof label.text, "TPOT %g ms", of->tpot_s * 1e3);
        if (isfinite(of->ttft_s)) {
            snprintf(label.text + used, sizeof label.text - (size_t)used, " TTFT %g ms",
                     of->ttft_s * 1e3);
        }
    }
    return label;
}

/* Right-aligned in `width`; "-" if it does not exist. */
static void print_number(FILE *out, int width, int decimals, double value)
{
    if (isfinite(value)) {
        fprintf(out, " %*.*f", width, decimals, value);
    } else {
        fprintf(out, " %*s", width, "-");
    }
}

static double share(int32_t part, int32_t whole)
{
    return whole > 0 ? 100.0 * part / whole : NAN;
}

static void print_capacity(FILE *out, const struct decisions_capacities *of)
{
    fprintf(
        out,
        "D1 capacity: 100 |ln(predicted / measured)| of the best throughput per GPU "
        "within a bound\n   %" PRId32 " curves of 3 points or more; %" PRId32
        " more are refused\n",
        of->n_curves, of->n_refused);
    fprintf(out, "   %-24s %5s %7s %7s %7s %6s %6s %6s %8s %8s\n", "bound", "n",
            "median", "mean", "p90", ">+10%", "open", "flips", "censored", "neither");
    for (int b = 0; b <= DECISIONS_CURVE_BOUNDS; b++) {
        const struct decisions_capacity *row = &of->bounds[b];
        fprintf(out, "   %-24s %5" PRId32, label_of(b).text, row->error.n);
        print_number(out, 7, 1, row->error.median);
        print_number(out, 7, 1, row->error.mean);
        print_number(out, 7, 1, row->error.p90);
        fprintf(
            out, " %6" PRId32 " %6" PRId32 " %6" PRId32 " %8" PRId32 " %8" PRId32 "\n",
            row->n_over, row->n_open, row->n_flips, row->n_censored, row->n_neither);
    }
}

static const char *const choosers[DECISIONS_CHOOSERS] = {
    [DECISIONS_CHOICE_PREDICTED] = "predicted",
    [DECISIONS_CHOICE_SMALLEST] = "smallest",
    [DECISIONS_CHOICE_LARGEST] = "largest",
};

static void print_choices(FILE *out, const struct decisions *of)
{
    fprintf(out,
            "\nD2 choice of layout and concurrency at %" PRId32
            " places, bounds x %.2f: utility, %% that miss the bound\n"
            "   %-24s %5s",
            of->n_places, of->headroom, "bound", "n");
    for (int k = 0; k < DECISIONS_CHOOSERS; k++) {
        fprintf(out, " %10s %6s", choosers[k], "miss");
    }
    fprintf(out, " %8s %10s %8s\n", "declined", "impossible", "promised");
    for (int b = 0; b <= DECISIONS_CURVE_BOUNDS; b++) {
        const struct decisions_choice *own = &of->choice[DECISIONS_CHOICE_PREDICTED][b];
        fprintf(out, "   %-24s %5" PRId32, label_of(b).text, own->n);
        for (int k = 0; k < DECISIONS_CHOOSERS; k++) {
            print_number(out, 10, 3, decisions_choice_utility(&of->choice[k][b]));
            print_number(out, 6, 1, 100 * decisions_choice_misses(&of->choice[k][b]));
        }
        fprintf(out, " %8" PRId32 " %10" PRId32 " %8" PRId32 "\n", own->n_declined,
                own->n_impossible, own->n_promised);
    }
}

static void print_dollars(FILE *out, const struct decisions *of)
{
    fprintf(out,
            "\nD3 dollars: the bill of the choice over the best one, %" PRId32
            " jobs, list prices, bounds x %.2f\n"
            "   %6s %-24s %5s %7s %7s %9s %6s %8s %6s\n",
            of->n_jobs, of->headroom, "load/s", "bound", "n", "median", "p90",
            "in 10%, %", "missed", "declined", "short");
    for (int k = 0; k < DECISIONS_DOLLARS_LOADS; k++) {
        for (int b = 0; b <= DECISIONS_CURVE_BOUNDS; b++) {
            const struct decisions_dollars *row = &of->dollars[k][b];
            fprintf(out, "   %6g %-24s %5" PRId32, decisions_dollars_loads[k],
                    label_of(b).text, row->n);
            print_number(out, 7, 3, row->ratio.median);
            print_number(out, 7, 3, row->ratio.p90);
            print_number(out, 9, 1, share(row->n_within, row->n));
            fprintf(out, " %6" PRId32 " %8" PRId32 " %6" PRId32 "\n", row->n_missed,
                    row->n_declined, row->n_short);
        }
    }
}

static void print_coverage(FILE *out, const struct decisions_coverages *of)
{
    fputs("\nD4 calibration: % of measurements inside the intervals, and their median "
          "width in % of the prediction\n",
          out);
    fprintf(out, "   %-10s %-24s %5s", "metric", "model", "n");
    for (int k = 0; k < DECISIONS_COVERAGE_LEVELS; k++) {
        fprintf(out, " in %3g%% %7s", 100 * decisions_coverage_levels[k], "width");
    }
    fputs(" uncalibrated\n", out);
    for (int32_t i = 0; i < of->n; i++) {
        const struct decisions_coverage *row = &of->rows[i];
        if (row->n + row->n_uncalibrated == 0) {
            continue; /* nothing of the kind was measured */
        }
        fprintf(out, "   %-10s %-24s %5" PRId32, predict_metric_name(row->metric),
                row->model != NULL ? row->model : "all", row->n);
        for (int k = 0; k < DECISIONS_COVERAGE_LEVELS; k++) {
            print_number(out, 7, 1, share(row->n_inside[k], row->n));
            print_number(out, 7, 1, 100 * row->width[k]);
        }
        fprintf(out, " %12" PRId32 "\n", row->n_uncalibrated);
    }
}

void decisions_print(const struct decisions *decisions, FILE *out)
{
    if (decisions->n_without_preset > 0) {
        fprintf(out,
                "%" PRId32 " of %" PRId32
                " closed-loop rows have no preset and are in none of D1 to D4\n",
                decisions->n_without_preset, decisions->n_rows);
    }
    print_capacity(out, &decisions->capacity);
    print_choices(out, decisions);
    print_dollars(out, decisions);
    print_coverage(out, &decisions->coverage);
}

/* One line of the CSV; `bound` as label_of() has it. */
struct cell {
    const char *score;
    const char *bound;
    int32_t n;
};

static void write_cell(FILE *out, const struct cell *cell, const char *metric,
                       double value, const char *unit)
{
    fprintf(out, "%s,%s,%s,", cell->score, cell->bound, metric);
    if (isfinite(value)) {
        fprintf(out, "%.6g", value);
    }
    fprintf(out, ",%s,%" PRId32 "\n", unit, cell->n);
}

static void write_capacity(FILE *out, const struct decisions_capacities *of)
{
    struct cell curves = {"D1", "all", of->n_curves + of->n_refused};
    write_cell(out, &curves, "refused", of->n_refused, "curves");
    for (int b = 0; b <= DECISIONS_CURVE_BOUNDS; b++) {
        struct label label = label_of(b);
        const struct decisions_capacity *row = &of->bounds[b];
        struct cell cell = {"D1", label.text, row->error.n};
        write_cell(out, &cell, "median_error", row->error.median, "100 ln");
        write_cell(out, &cell, "mean_error", row->error.mean, "100 ln");
        write_cell(out, &cell, "p90_error", row->error.p90, "100 ln");
        write_cell(out, &cell, "over_promises", row->n_over, "curves");
        write_cell(out, &cell, "open", row->n_open, "curves");
        write_cell(out, &cell, "flips", row->n_flips, "curves");
        write_cell(out, &cell, "censored", row->n_censored, "curves");
        write_cell(out, &cell, "neither", row->n_neither, "curves");
    }
}

static void write_choice(FILE *out, const struct decisions *of)
{
    for (int k = 0; k < DECISIONS_CHOOSERS; k++) {
        for (int b = 0; b <= DECISIONS_CURVE_BOUNDS; b++) {
            struct label label = label_of(b);
            const struct decisions_choice *row = &of->choice[k][b];
            char score[32];
            snprintf(score, sizeof score, "D2 %s", choosers[k]);
            struct cell cell = {score, label.text, row->n};
            write_cell(out, &cell, "utility", decisions_choice_utility(row), "1");
            write_cell(out, &cell, "missed", 100 * decisions_choice_misses(row), "%");
            write_cell(out, &cell, "declined", row->n_declined, "choices");
            write_cell(out, &cell, "impossible", row->n_impossible, "choices");
            write_cell(out, &cell, "promised", row->n_promised, "choices");
        }
    }
}

static void write_dollars(FILE *out, const struct decisions *of)
{
    for (int k = 0; k < DECISIONS_DOLLARS_LOADS; k++) {
        for (int b = 0; b <= DECISIONS_CURVE_BOUNDS; b++) {
            struct label label = label_of(b);
            const struct decisions_dollars *row = &of->dollars[k][b];
            char score[32];
            snprintf(score, sizeof score, "D3 %g/s", decisions_dollars_loads[k]);
            struct cell cell = {score, label.text, row->n};
            write_cell(out, &cell, "median_ratio", row->ratio.median, "1");
            write_cell(out, &cell, "p90_ratio", row->ratio.p90, "1");
            write_cell(out, &cell, "within_10", share(row->n_within, row->n), "%");
            write_cell(out, &cell, "missed", share(row->n_missed, row->n), "%");
            write_cell(out, &cell, "declined", row->n_declined, "choices");
            write_cell(out, &cell, "impossible", row->n_impossible, "choices");
            write_cell(out, &cell, "short", row->n_short, "choices");
        }
    }
}

/* The bound of an interval is its level, and the model. */
static void write_coverage(FILE *out, const struct decisions_coverages *of)
{
    for (int32_t i = 0; i < of->n; i++) {
        const struct decisions_coverage *row = &of->rows[i];
        const char *column = predict_metric_column(row->metric);
        for (int k = 0; k < DECISIONS_COVERAGE_LEVELS; k++) {
            char bound[160];
            char metric[48];
            snprintf(bound, sizeof bound, "%g %% %s",
                     100 * decisions_coverage_levels[k],
                     row->model != NULL ? row->model : "all");
            struct cell cell = {"D4", bound, row->n};
            snprintf(metric, sizeof metric, "%s_inside", column);
            write_cell(out, &cell, metric, share(row->n_inside[k], row->n), "%");
            snprintf(metric, sizeof metric, "%s_width", column);
            write_cell(out, &cell, metric, 100 * row->width[k], "%");
            snprintf(metric, sizeof metric, "%s_uncalibrated", column);
            write_cell(out, &cell, metric, row->n_uncalibrated, "rows");
        }
    }
}

void decisions_write(const struct decisions *decisions, FILE *out)
{
    fputs("score,bound,metric,value,unit,n\n", out);
    struct cell rows = {"rows", "all", decisions->n_rows};
    write_cell(out, &rows, "without_preset", decisions->n_without_preset, "rows");
    write_capacity(out, &decisions->capacity);
    write_choice(out, decisions);
    write_dollars(out, decisions);
    write_coverage(out, &decisions->coverage);
}
