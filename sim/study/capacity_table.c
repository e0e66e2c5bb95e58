#include "study/capacity_table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/capacity_tell.h"

enum { N_CELLS = 9, CELL = 48 };

static const char *const heads[N_CELLS][2] = {
    {"req/s", ""},        {"interval", ""},      {"req/s", "per GPU"},
    {"tok/s", "per GPU"}, {"tok/s", "per user"}, {"$", "per Mtok"},
    {"interval", ""},     {"J", "per tok"},      {"", ""},
};

/* With so many digits; "-" where there is no value. */
static void put(char text[CELL], int digits, double value)
{
    if (isfinite(value)) {
        snprintf(text, CELL, "%.*g", digits, value);
    } else {
        snprintf(text, CELL, "-");
    }
}

static void put_range(char text[CELL], int digits, double low, double high)
{
    if (isnan(high)) {
        snprintf(text, CELL, "-");
    } else if (isnan(low)) {
        snprintf(text, CELL, "- to %.*g", digits, high);
    } else {
        snprintf(text, CELL, "%.*g to %.*g", digits, low, digits, high);
    }
}

/* Why there is no answer, or what is to be known of it. */
static void put_mark(char text[CELL], const struct capacity_variant *variant)
{
    bool fits = variant->fits;
    snprintf(text, CELL, "%s%s%s",
             !fits                       ? "does not fit"
             : variant->answer.meets < 0 ? "no rate meets"
             : variant->answer.fails < 0 ? "not tried above"
                                         : "",
             fits && !variant->answer.is_monotone ? " not monotone" : "",
             variant->interval.is_known || !fits ? "" : " *");
}

static void fill(char cells[N_CELLS][CELL], const struct capacity_variant *variant)
{
    struct capacity_figures figures;
    const struct capacity_interval *interval = &variant->interval;
    bool meets = variant->fits && variant->answer.meets >= 0;
    const struct trial_result *at = meets ? capacity_result(&variant->answer) : NULL;
    capacity_study_figures(variant, &figures);
    put(cells[0], 4, meets ? at->rate_rps : 0);
    put_range(cells[1], 3, meets ? interval->low_rps : NAN,
              meets ? interval->high_rps : NAN);
    put(cells[2], 4, figures.rps_per_gpu);
    put(cells[3], 4, figures.output_per_gpu);
    put(cells[4], 3, figures.output_per_user);
    put(cells[5], 4, meets ? at->usd_per_million : NAN);
    if (isnan(figures.usd_high) && !isnan(figures.usd_low)) {
        snprintf(cells[6], CELL, "%.3g or more", figures.usd_low);
    } else {
        put_range(cells[6], 3, figures.usd_low, figures.usd_high);
    }
    put(cells[7], 3, meets ? at->joules_per_output : NAN);
    put_mark(cells[8], variant);
}

static int widest(const struct capacity_study *study)
{
    size_t most = strlen("variant");
    for (int32_t i = 0; i < study->n_variants; i++) {
        size_t length = strlen(study->variants[i].label);
        most = study->variants[i].is_best && length > most ? length : most;
    }
    return (int)most;
}

/* What the reasons of those are that have no answer, each once. */
static void print_reasons(FILE *out, const struct capacity_study *study)
{
    bool begun = false;
    for (int32_t i = 0; i < study->n_variants; i++) {
        const struct capacity_variant *variant = &study->variants[i];
        bool meets = variant->fits && variant->answer.meets >= 0;
        if (!variant->is_best || (meets && variant->answer.is_monotone)) {
            continue;
        }
        fputs(begun ? "" : "\n", out);
        begun = true;
        if (meets) {
            fprintf(out, "  %s: ", variant->label);
            capacity_tell_monotone(out, &variant->answer);
        } else {
            fprintf(out, "  %s: %s\n", variant->label,
                    variant->fits ? variant->answer.tries[0].result.verdict.reason
                                  : variant->reason.text);
        }
    }
}

static void print_rows(FILE *out, const struct capacity_study *study)
{
    int label = widest(study);
    int widths[N_CELLS];
    char cells[N_CELLS][CELL];
    bool any_unknown = false;
    for (int c = 0; c < N_CELLS; c++) {
        size_t most = strlen(heads[c][0]);
        most = strlen(heads[c][1]) > most ? strlen(heads[c][1]) : most;
        for (int32_t i = 0; i < study->n_variants; i++) {
            fill(cells, &study->variants[i]);
            bool shown = study->variants[i].is_best;
            most = shown && strlen(cells[c]) > most ? strlen(cells[c]) : most;
        }
        widths[c] = (int)most + 2;
    }
    for (int row = 0; row < 2; row++) {
        fprintf(out, "%-*s", label, row == 0 ? "variant" : "");
        int last = N_CELLS - 2 - row; /* no blanks at the end */
        for (int c = 0; c <= N_CELLS - 2 && c <= last + row; c++) {
            fprintf(out, "%*s", widths[c], heads[c][row]);
        }
        fputc('\n', out);
    }
    for (int32_t i = 0; i < study->n_variants; i++) {
        const struct capacity_variant *variant = &study->variants[i];
        if (!variant->is_best) {
            continue;
        }
        fill(cells, variant);
        fprintf(out, "%-*s", label, variant->label);
        for (int c = 0; c < N_CELLS - 1; c++) {
            fprintf(out, "%*s", widths[c], cells[c]);
        }
        fprintf(out, "%s%s\n", cells[N_CELLS - 1][0] != '\0' ? "  " : "",
                cells[N_CELLS - 1] + (cells[N_CELLS - 1][0] == ' '));
        any_unknown = any_unknown || (variant->fits && !variant->interval.is_known);
    }
    print_reasons(out, study);
    if (any_unknown) {
        fputs("\n* uncalibrated: no interval\n", out);
    }
}

void capacity_table_print(FILE *out, const struct capacity_study *study)
{
    if (study->grid.n_keys == 0) {
        capacity_tell_print(out, &study->variants[0]);
        return;
    }
    int32_t n_shown = 0;
    for (int32_t i = 0; i < study->n_variants; i++) {
        n_shown += study->variants[i].is_best;
    }
    fprintf(out, "capacity of %s in %" PRId32 " variants", study->base.file,
            study->n_variants);
    if (n_shown < study->n_variants) {
        fprintf(out, ", the cheapest by %s", study->grid.keys[study->best_of].shown);
    }
    fputs("\n\n", out);
    print_rows(out, study);
    fputc('\n', out);
    capacity_tell_rules(out, &study->variants[0]);
}
