#include "study/size_print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/size_rows.h"
#include "study/size_slo.h"

static double usd(int64_t nano)
{
    return (double)nano * 1e-9;
}

/* " $ 43.89 per hour", or nothing where there are no prices. */
static void print_price(FILE *out, const struct size_variant *variant, int64_t nano)
{
    if (variant->candidates.has_prices) {
        fprintf(out, ", $ %.2f per hour", usd(nano));
    }
}

static void print_head(FILE *out, const struct size_variant *variant)
{
    const struct size_candidates *candidates = &variant->candidates;
    const struct trial_spec *spec = &variant->book.spec;
    const struct config_study_runs *runs = &variant->config.study.runs;
    char goal[400];
    size_slo_print(&spec->goal, &variant->config.slo, goal);
    fprintf(out,
            "%s: %.4g requests/s, in the mean %.0f prompt and %.0f output tokens\n",
            variant->config.file, candidates->rate_rps, candidates->mean_prompt_tokens,
            candidates->mean_output_tokens);
    fprintf(out, "goal: %s\n", goal);
    fprintf(out,
            "runs: %" PRId32 " seed%s of %" PRId64
            " requests, about %.0f s; the first %.3g %% and the last %.3g %% are not "
            "counted\n",
            spec->n_seeds, spec->n_seeds == 1 ? "" : "s", spec->n_requests,
            candidates->run_s, (double)runs->warmup_nano * 1e-7,
            (double)runs->cooldown_nano * 1e-7);
}

/* What is known of one replica fewer. */
static void print_below(FILE *out, const struct size_variant *variant)
{
    const struct size_fleet *best = &variant->answer.best;
    const struct size_candidate *candidate =
        &variant->candidates.list[best->candidate[0]];
    for (int32_t less = 1; less <= 2 && best->replicas[0] > less; less++) {
        struct size_case what = {.fleet = *best, .factor = 1};
        what.fleet.replicas[0] -= less;
        int32_t n = what.fleet.replicas[0];
        const struct size_entry *entry = size_book_find(&variant->book, &what);
        if (entry != NULL) {
            fprintf(out, "  %s at %d: %s\n",
                    entry->result.verdict.meets ? "meets" : "fails", (int)n,
                    entry->error != NULL ? entry->error : entry->result.verdict.reason);
        } else if (n < candidate->least) {
            fprintf(out,
                    "  %d cannot serve more than %.4g requests/s by the roofline\n",
                    (int)n, n * candidate->most_rps[POOL_BOTH]);
            return;
        }
    }
}

static void print_parts_below(FILE *out, const struct size_variant *variant)
{
    for (int part = 0; part < SIZE_FLEET_PARTS; part++) {
        char text[SIZE_FLEET_TEXT];
        struct size_case what = {.fleet = variant->answer.best, .factor = 1};
        what.fleet.replicas[part]--;
        const struct size_entry *entry = size_book_find(&variant->book, &what);
        size_fleet_print(&variant->candidates, &what.fleet, text);
        if (entry != NULL && entry->error == NULL) {
            fprintf(out, "  %s at %s: %s\n",
                    entry->result.verdict.meets ? "meets" : "fails", text,
                    entry->result.verdict.reason);
        }
    }
}

static void print_interval(FILE *out, const struct size_variant *variant)
{
    const struct size_draws *draws = &variant->draws;
    const struct config_study_runs *runs = &variant->config.study.runs;
    if (draws->n == 0) {
        fprintf(out, "  no interval: %s\n", variant->calibration);
        return;
    }
    fprintf(out, "  %" PRId64 " %% of deployments take ", runs->percent);
    if (draws->low == 0) {
        fprintf(out, "more than the limit");
    } else if (draws->high == 0) {
        fprintf(out, "%d replicas or more", (int)draws->low);
    } else if (draws->low == draws->high) {
        fprintf(out, "%d replicas", (int)draws->low);
    } else {
        fprintf(out, "%d to %d replicas", (int)draws->low, (int)draws->high);
    }
    fprintf(out, ": %s\n", variant->calibration);
}

static void print_answer(FILE *out, const struct size_variant *variant)
{
    const struct size_answer *answer = &variant->answer;
    const struct size_case what = {.fleet = answer->best, .factor = 1};
    char text[SIZE_FLEET_TEXT];
    if (!answer->found) {
        fputs("\nno fleet meets the goal within the limits\n", out);
        return;
    }
    const struct size_entry *entry = size_book_find(&variant->book, &what);
    size_fleet_print(&variant->candidates, &answer->best, text);
    int64_t gpus = size_fleet_gpus(&variant->candidates, &answer->best);
    fprintf(out, "\ncheapest: %s = %" PRId64 " GPU%s", text, gpus,
            gpus == 1 ? "" : "s");
    print_price(out, variant, answer->nano);
    fprintf(out, "\n  meets: %s\n", entry->result.verdict.reason);
    if (answer->best.n_parts == 1) {
        print_below(out, variant);
        print_interval(out, variant);
    } else {
        print_parts_below(out, variant);
        fprintf(out, "  no interval for two pools: %s\n", variant->calibration);
    }
    if (!variant->candidates.has_prices) {
        fputs("  nobody says what GPUs cost: the fewest are the cheapest\n", out);
    }
}

static int widest(const struct size_variant *variant, const struct size_rows *rows,
                  const int32_t *order, int32_t n)
{
    size_t most = strlen("fleet");
    for (int32_t i = 0; i < n; i++) {
        char text[SIZE_FLEET_TEXT];
        size_fleet_print(&variant->candidates, &rows->list[order[i]].fleet, text);
        most = strlen(text) > most ? strlen(text) : most;
    }
    return (int)most;
}

static void print_number(FILE *out, int width, int decimals, double value)
{
    if (isfinite(value) && value != 0) {
        fprintf(out, "%*.*f", width, decimals, value);
    } else {
        fprintf(out, "%*s", width, "-");
    }
}

static void print_rows(FILE *out, const struct size_variant *variant,
                       const struct size_rows *rows, struct arena *arena)
{
    int32_t *order = ARENA_NEW(arena, (size_t)rows->n + 1, int32_t);
    int32_t n = size_rows_told(rows, variant, order);
    if (n == 0) {
        return;
    }
    int width = widest(variant, rows, order, n);
    fputs(
        "\nthe best of every accelerator and kind; P: no other is as good in the last "
        "four columns\nand better in one\n",
        out);
    fprintf(out, "  %-*s %5s %9s %8s %10s %10s %8s    %s\n", width, "fleet", "GPUs",
            "$/h", "$/Mtok", "tok/s/GPU", "tok/s/user", "J/token", "what decides");
    for (int32_t i = 0; i < n; i++) {
        char text[SIZE_FLEET_TEXT];
        const struct size_row *row = &rows->list[order[i]];
        const struct trial_result *result = &row->entry->result;
        size_fleet_print(&variant->candidates, &row->fleet, text);
        fprintf(out, "  %-*s %5" PRId64, width, text, row->gpus);
        print_number(out, 10, 2, variant->candidates.has_prices ? usd(row->nano) : 0);
        print_number(out, 9, 3, result->usd_per_million);
        print_number(out, 11, 1, row->per_gpu);
        print_number(out, 11, 1, row->per_user);
        print_number(out, 9, 3, result->joules_per_output);
        fprintf(out, " %s  %s\n", row->is_pareto ? "P" : " ", result->verdict.reason);
    }
}

static void print_other(FILE *out, const struct size_variant *variant,
                        const struct size_row *row)
{
    const char *label = variant->candidates.list[row->fleet.candidate[0]].label;
    int32_t n = row->fleet.replicas[0];
    fprintf(out, "  %s: ", label);
    switch (row->outcome) {
    case SIZE_SEARCH_MEETS:
        fprintf(out, "meets at %d", (int)n);
        print_price(out, variant, row->nano);
        break;
    case SIZE_SEARCH_FAILS:
        fprintf(out, "fails at %d, the most allowed: %s", (int)n,
                row->entry != NULL ? row->entry->result.verdict.reason : "");
        break;
    case SIZE_SEARCH_DEARER:
        fprintf(out, "fails at %d%s", (int)n,
                row->entry != NULL && row->fails == n ? "" : " and below");
        print_price(out, variant, row->nano);
        fputs("; with more it is dearer than the best of its kind", out);
        break;
    case SIZE_SEARCH_PRUNED:
        fprintf(out, "cannot be cheaper: needs at least %d by the roofline",
                (int)row->least);
        print_price(out, variant, row->nano);
        break;
    case SIZE_SEARCH_NEVER:
    case SIZE_SEARCH_REFUSED:
        fprintf(out, "%.160s", row->reason);
        break;
    }
    fputc('\n', out);
}

static void print_others(FILE *out, const struct size_variant *variant,
                         const struct size_rows *rows)
{
    bool has_head = false;
    for (int32_t i = 0; i < rows->n; i++) {
        const struct size_row *row = &rows->list[i];
        bool is_told =
            row->outcome == SIZE_SEARCH_MEETS && (row->is_best || row->is_pareto);
        if (is_told) {
            continue;
        }
        fputs(has_head ? "" : "\nothers:\n", out);
        has_head = true;
        print_other(out, variant, row);
    }
}

static void print_pairs(FILE *out, const char *what, const struct size_pairs *pairs)
{
    if (pairs->n_pairs == 0) {
        fprintf(out, "\n%s: no two candidates go together\n", what);
        return;
    }
    fprintf(out, "\n%s: %" PRId64 " fleets of %d pairs could be cheaper; %d tried, ",
            what, pairs->n_possible, (int)pairs->n_pairs, (int)pairs->n_tried);
    fprintf(out, "%s\n",
            pairs->found && pairs->all ? "the cheapest that meets is the answer"
            : pairs->found             ? "one that meets is the answer"
            : pairs->all               ? "none meets"
                                       : "none of those meets");
}

static void print_notch(FILE *out, const struct size_variant *variant,
                        const struct size_answer *answer, const char *what)
{
    char text[SIZE_FLEET_TEXT];
    double notch = fabs(answer->factor - 1) * 100;
    if (answer->factor == 0) {
        return;
    }
    fprintf(out, "  %.3g %% %s: ", notch, what);
    if (!answer->found) {
        fputs("no fleet within the limits\n", out);
        return;
    }
    size_fleet_print(&variant->candidates, &answer->best, text);
    fputs(text, out);
    print_price(out, variant, answer->nano);
    fprintf(out, " (%+.1f %%)\n",
            100 * ((double)answer->nano / (double)variant->answer.nano - 1));
}

static void print_hours(FILE *out, const struct size_variant *variant)
{
    const struct demand *demand = &variant->demand;
    const struct size_fleet *best = &variant->answer.best;
    double peak = demand_peak_rps(demand);
    if (demand->n_intervals < 2 || best->n_parts != 1 || peak <= 0) {
        return;
    }
    const struct size_candidate *candidate =
        &variant->candidates.list[best->candidate[0]];
    double proved = peak / best->replicas[0];
    struct demand_fleet fleet =
        demand_follow(demand, proved, candidate->price.n_committed, candidate->gpus);
    struct demand_fleet least =
        demand_follow(demand, candidate->most_rps[POOL_BOTH], 0, candidate->gpus);
    double hours = (double)demand->n_intervals * (double)demand->interval_ns / 3.6e12;
    double held = (double)best->replicas[0] * (double)candidate->gpus * hours;
    fprintf(out,
            "\nover time, in %" PRId64 " intervals of %.6g s: the fleet takes %.4g "
            "GPU-hours;\n  an ideal autoscaler %.4g (%.0f %%), if a replica serves "
            "%.4g requests/s as in the fullest interval;\n  by the roofline none takes "
            "less than %.4g\n",
            demand->n_intervals, (double)demand->interval_ns * 1e-9, held,
            fleet.ideal_gpu_hours, 100 * fleet.ideal_gpu_hours / held, proved,
            least.ideal_gpu_hours);
}

/* Dollars of different vendors are not one scale. */
static void print_vendors(FILE *out, const struct size_variant *variant)
{
    const struct size_candidates *candidates = &variant->candidates;
    const char *first = NULL;
    bool is_mixed = false;
    for (int32_t i = 0; i < candidates->n; i++) {
        const struct size_candidate *candidate = &candidates->list[i];
        if (candidate->refused == NULL) {
            first = first != NULL ? first : candidate->vendor;
            is_mixed = is_mixed || strcmp(first, candidate->vendor) != 0;
        }
    }
    if (first == NULL || !candidates->has_prices) {
        return;
    }
    if (!is_mixed) {
        fprintf(out, "\nprices: %s\n", first[0] != '\0' ? first : "nobody says whose");
        return;
    }
    fputs("\nprices are not all of one vendor; compare dollars with care ([price] book "
          "has one's):\n",
          out);
    int32_t group = -1;
    for (int32_t i = 0; i < candidates->n; i++) {
        const struct size_candidate *candidate = &candidates->list[i];
        if (candidate->refused == NULL && candidate->group != group) {
            group = candidate->group;
            fprintf(out, "  %s: %s\n", candidate->accelerator, candidate->vendor);
        }
    }
}

static void print_variant(FILE *out, const struct size_variant *variant,
                          struct arena *arena)
{
    const struct config_study_size *asked = &variant->config.study.size;
    struct size_rows rows;
    size_rows_init(&rows, variant, arena);
    print_head(out, variant);
    print_answer(out, variant);
    print_rows(out, variant, &rows, arena);
    print_others(out, variant, &rows);
    if (asked->mixed) {
        print_pairs(out, "mixed", &variant->answer.mixed);
    }
    if (asked->disaggregate) {
        print_pairs(out, "prefill and decode apart", &variant->answer.apart);
    }
    if (variant->tighter.factor != 0) {
        fputs("\nwhat the SLO costs:\n", out);
        print_notch(out, variant, &variant->tighter, "tighter");
        print_notch(out, variant, &variant->looser, "looser");
    }
    if (variant->answer.found) {
        print_hours(out, variant);
    }
    print_vendors(out, variant);
}

static void print_line(FILE *out, const struct size_variant *variant, int label,
                       int width)
{
    const struct size_answer *answer = &variant->answer;
    char text[SIZE_FLEET_TEXT] = "none";
    if (!answer->found) {
        fprintf(out, "%-*s %-*s\n", label, variant->label, width, text);
        return;
    }
    const struct size_case what = {.fleet = answer->best, .factor = 1};
    const struct size_entry *entry = size_book_find(&variant->book, &what);
    char interval[64] = "-";
    if (variant->draws.n > 0) {
        snprintf(interval, sizeof interval, "%d-%d", (int)variant->draws.low,
                 (int)variant->draws.high);
    }
    size_fleet_print(&variant->candidates, &answer->best, text);
    fprintf(out, "%-*s %-*s %5" PRId64, label, variant->label, width, text,
            size_fleet_gpus(&variant->candidates, &answer->best));
    print_number(out, 10, 2, variant->candidates.has_prices ? usd(answer->nano) : 0);
    print_number(out, 9, 3, entry->result.usd_per_million);
    fprintf(out, " %11s  %s\n", interval, entry->result.verdict.reason);
}

void size_print(FILE *out, const struct size *size, struct arena *arena)
{
    if (size->grid.n_keys == 0) {
        print_variant(out, &size->variants[0], arena);
        return;
    }
    size_t label = strlen("variant");
    size_t width = strlen("cheapest fleet");
    for (int32_t i = 0; i < size->n; i++) {
        const struct size_variant *variant = &size->variants[i];
        char text[SIZE_FLEET_TEXT] = "";
        if (variant->answer.found) {
            size_fleet_print(&variant->candidates, &variant->answer.best, text);
        }
        label = strlen(variant->label) > label ? strlen(variant->label) : label;
        width = strlen(text) > width ? strlen(text) : width;
    }
    fprintf(out, "%s in %" PRId32 " variants\n\n", size->base.file, size->n);
    fprintf(out, "%-*s %-*s %5s %9s %8s %11s  %s\n", (int)label, "variant", (int)width,
            "cheapest fleet", "GPUs", "$/h", "$/Mtok", "replicas", "what decides");
    for (int32_t i = 0; i < size->n; i++) {
        print_line(out, &size->variants[i], (int)label, (int)width);
    }
    print_vendors(out, &size->variants[0]);
}
