#include "study/size_print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/size_more.h"
#include "study/size_rows.h"
#include "study/size_slo.h"

static const double short_s = 100;

static double usd(int64_t nano)
{
    return (double)nano * 1e-9;
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
    if (candidates->run_s < short_s) {
        fputs("  in runs this short a queue that grows slowly is hardly seen: raise "
              "[study] requests\n",
              out);
    }
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
        fprintf(out, "%d replica%s", (int)draws->low, draws->low == 1 ? "" : "s");
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
    size_more_price(out, variant, answer->nano);
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
        fprintf(out, " %*.*f", width - 1, decimals, value); /* apart, however wide */
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
        "four columns\nand better in one; *: uncalibrated\n",
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
        fprintf(out, " %s%s %s\n", row->is_pareto ? "P" : " ",
                row->is_doubtful ? "*" : " ", result->verdict.reason);
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
        size_more_price(out, variant, row->nano);
        break;
    case SIZE_SEARCH_FAILS:
        fprintf(out, "fails at %d, the most allowed: %s", (int)n,
                row->entry != NULL ? row->entry->result.verdict.reason : "");
        break;
    case SIZE_SEARCH_DEARER:
        fprintf(out, "fails at %d%s", (int)n,
                row->entry != NULL && row->fails == n ? "" : " and below");
        size_more_price(out, variant, row->nano);
        fputs("; with more it is dearer than the best of its kind", out);
        break;
    case SIZE_SEARCH_PRUNED:
        fprintf(out, "cannot be cheaper: needs at least %d by the roofline",
                (int)row->least);
        size_more_price(out, variant, row->nano);
        break;
    case SIZE_SEARCH_NEVER:
    case SIZE_SEARCH_REFUSED:
        fprintf(out, "%.160s%s", row->reason, strlen(row->reason) > 160 ? " ..." : "");
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
    fprintf(out,
            "\n%s: %" PRId64 " fleets of %d pairs (of %d) could be cheaper; %d tried, ",
            what, pairs->n_possible, (int)pairs->n_pairs, (int)pairs->n_all,
            (int)pairs->n_tried);
    fprintf(out, "%s\n",
            pairs->found && pairs->all ? "the cheapest that meets is the answer"
            : pairs->found             ? "one that meets is the answer"
            : pairs->all               ? "none meets"
                                       : "none of those meets");
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
    size_more_print(out, variant);
    size_more_vendors(out, variant);
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
    if (size->n == 1) {
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
    size_more_vendors(out, &size->variants[0]);
}
