#include "study/capacity_table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/capacity_tell.h"

enum { N_CELLS = 10, MARK = N_CELLS - 1, CELL = 48 };

static const char *const heads[N_CELLS][2] = {
    {"req/s", ""},         {"interval", ""},
    {"req/s", "per GPU"},  {"tok/s", "per GPU"},
    {"tok/s", "per user"}, {"$", "per Mtok"},
    {"interval", ""},      {"prices", ""},
    {"J", "per tok"},      {"", ""},
};

/* With so many digits; "-" where there is no value. */
static void put(char text[CELL], int digits, double value)
{
    if (isfinite(value) && value >= 1000) {
        snprintf(text, CELL, "%.0f", value);
    } else if (isfinite(value)) {
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

/* "one vendor: GCP" as "GCP". */
static void put_vendor(char text[CELL], const char *basis)
{
    static const char one[] = "one vendor: ";
    bool is_one = strncmp(basis, one, strlen(one)) == 0;
    snprintf(text, CELL, "%.*s", CELL - 1, basis + (is_one ? strlen(one) : 0));
}

/* Whether the dollars of the table are not of one scale. */
static bool is_mixed(const struct capacity_study *study)
{
    const char *first = NULL;
    for (int32_t i = 0; i < study->n_variants; i++) {
        const struct capacity_variant *variant = &study->variants[i];
        if (!variant->is_best || !variant->fits || variant->answer.meets < 0) {
            continue;
        }
        const char *basis = capacity_result(&variant->answer)->price_basis;
        first = first != NULL ? first : basis;
        if (strcmp(first, basis) != 0) {
            return true;
        }
    }
    return false;
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
    put_vendor(cells[7], meets ? at->price_basis : "-");
    put(cells[8], 3, meets ? at->joules_per_output : NAN);
    put_mark(cells[MARK], variant);
}

/* A value that is a file is called by its name alone. */
static void put_value(char text[CELL], const char *value)
{
    const char *slash = strrchr(value, '/');
    const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : value;
    const char *dot = strrchr(name, '.');
    bool is_ini = dot != NULL && dot > name && strcmp(dot, ".ini") == 0;
    snprintf(text, CELL, "%.*s", is_ini ? (int)(dot - name) : (int)strlen(name), name);
}

/* Of a key's column, with two blanks behind it. */
static int width_of(const struct capacity_study *study, int32_t key)
{
    size_t most = strlen(study->grid.keys[key].shown);
    for (int32_t i = 0; i < study->n_variants; i++) {
        char text[CELL];
        put_value(text, study->variants[i].values[key]);
        bool shown = study->variants[i].is_best;
        most = shown && strlen(text) > most ? strlen(text) : most;
    }
    return (int)most + 2;
}

static void print_values(FILE *out, const struct capacity_study *study,
                         const struct capacity_variant *variant, bool aligned)
{
    for (int32_t k = 0; k < study->grid.n_keys; k++) {
        char text[CELL];
        put_value(text, variant->values[k]);
        if (aligned) {
            fprintf(out, "%-*s", width_of(study, k), text);
        } else {
            fprintf(out, "%s%s", k > 0 ? " " : "  ", text);
        }
    }
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
        if (!meets) {
            print_values(out, study, variant, false);
            fprintf(out, ": %s\n",
                    variant->fits ? capacity_result(&variant->answer)->verdict.reason
                                  : variant->reason.text);
        }
        if (variant->fits && !variant->answer.is_monotone) {
            print_values(out, study, variant, false);
            fputs(": ", out);
            capacity_tell_monotone(out, variant);
        }
    }
}

static void print_heads(FILE *out, const struct capacity_study *study,
                        const int widths[N_CELLS])
{
    for (int row = 0; row < 2; row++) {
        for (int32_t k = 0; k < study->grid.n_keys; k++) {
            fprintf(out, "%-*s", width_of(study, k),
                    row == 0 ? study->grid.keys[k].shown : "");
        }
        for (int c = 0; c < MARK; c++) {
            fprintf(out, "%*s", widths[c], heads[c][row]);
        }
        fputc('\n', out);
    }
}

static void print_rows(FILE *out, const struct capacity_study *study)
{
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
    print_heads(out, study, widths);
    for (int32_t i = 0; i < study->n_variants; i++) {
        const struct capacity_variant *variant = &study->variants[i];
        if (!variant->is_best) {
            continue;
        }
        fill(cells, variant);
        print_values(out, study, variant, true);
        for (int c = 0; c < MARK; c++) {
            fprintf(out, "%*s", widths[c], cells[c]);
        }
        fprintf(out, "%s%s\n", cells[MARK][0] != '\0' ? "  " : "",
                cells[MARK] + (cells[MARK][0] == ' '));
        any_unknown = any_unknown || (variant->fits && !variant->interval.is_known);
    }
    print_reasons(out, study);
    if (is_mixed(study)) {
        fputs("\nprices are not all of one vendor; compare dollars with care ([price] "
              "book)\n",
              out);
    }
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
