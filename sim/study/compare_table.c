#include "study/compare_table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "output/text.h"

static int widest_label(const struct compare *compare)
{
    size_t most = strlen("variant");
    for (int32_t i = 0; i < compare->n_variants; i++) {
        size_t length = strlen(compare->variants[i].label);
        most = length > most ? length : most;
    }
    return (int)most;
}

/* A blank in front, and one behind each value for the mark. */
static int width_of(const struct compare_score *score, int32_t n)
{
    size_t most = strlen(score->title);
    most = strlen(score->unit) > most ? strlen(score->unit) : most;
    for (int32_t i = 0; i < n; i++) {
        char text[COMPARE_SCORE_TEXT];
        compare_score_print(score, i, text);
        most = strlen(text) > most ? strlen(text) : most;
    }
    return (int)most + 1;
}

static void print_heads(FILE *out, const struct compare_scores *scores, int label,
                        const int widths[COMPARE_SCORE_MOST])
{
    fprintf(out, "%-*s", label, "variant");
    for (int32_t i = 0; i < scores->n; i++) {
        fprintf(out, "%*s ", widths[i], scores->list[i].title);
    }
    fprintf(out, "  won\n%-*s", label, "");
    for (int32_t i = 0; i < scores->n; i++) {
        fprintf(out, "%s%*s", i > 0 ? " " : "", widths[i], scores->list[i].unit);
    }
    fputc('\n', out);
}

/* Who is best in what. */
static void print_winners(FILE *out, const struct compare *compare,
                          const struct compare_scores *scores)
{
    fputs("\nbest:\n", out);
    for (int32_t i = 0; i < scores->n; i++) {
        const struct compare_score *score = &scores->list[i];
        const char *between = " ";
        if (score->better == COMPARE_SCORE_NEITHER) {
            continue;
        }
        fprintf(out, "  %-10s", score->title);
        for (int32_t j = 0; j < compare->n_variants; j++) {
            if (score->won[j]) {
                fprintf(out, "%s%s", between, compare->variants[j].label);
                between = ", ";
            }
        }
        fputs(score->is_won ? "\n" : " (all alike)\n", out);
    }
}

/* Dollars of different vendors are not one scale: whose they are, if variants differ. */
static void print_vendors(FILE *out, const struct compare *compare)
{
    const char *first = metrics_value(&compare->variants[0].metrics, "price_basis");
    bool is_mixed = false;
    for (int32_t i = 1; i < compare->n_variants; i++) {
        const struct metrics *metrics = &compare->variants[i].metrics;
        is_mixed =
            is_mixed || strcmp(metrics_value(metrics, "price_basis"), first) != 0;
    }
    if (!is_mixed) {
        return;
    }
    fputs("\nprices are not all of one vendor; compare dollars with care:\n", out);
    for (int32_t i = 0; i < compare->n_variants; i++) {
        fprintf(out, "  %s: %s\n", compare->variants[i].label,
                metrics_value(&compare->variants[i].metrics, "price_basis"));
    }
}

void compare_table_print(FILE *out, const struct compare *compare,
                         const struct compare_scores *scores)
{
    int label = widest_label(compare);
    int widths[COMPARE_SCORE_MOST];
    for (int32_t i = 0; i < scores->n; i++) {
        widths[i] = width_of(&scores->list[i], compare->n_variants);
    }
    fprintf(out, "%s in %" PRId32 " variants; * is the best of a column\n\n",
            compare->base.file, compare->n_variants);
    print_heads(out, scores, label, widths);
    for (int32_t i = 0; i < compare->n_variants; i++) {
        fprintf(out, "%-*s", label, compare->variants[i].label);
        for (int32_t j = 0; j < scores->n; j++) {
            char text[COMPARE_SCORE_TEXT];
            compare_score_print(&scores->list[j], i, text);
            fprintf(out, "%*s%c", widths[j], text, scores->list[j].won[i] ? '*' : ' ');
        }
        fprintf(out, "%5" PRId32 "\n", scores->n_wins[i]);
    }
    print_winners(out, compare, scores);
    print_vendors(out, compare);
}

/* The names of all variants' metrics: the first one's in their order, then what only
 * others have.  A variant may count what others cannot. */
static int32_t all_names(const struct compare *compare, const char ***names)
{
    int32_t n = 0;
    int32_t room = 0;
    *names = NULL;
    for (int32_t i = 0; i < compare->n_variants; i++) {
        const struct metrics *metrics = &compare->variants[i].metrics;
        for (int32_t j = 0; j < metrics->n; j++) {
            int32_t at = 0;
            while (at < n && strcmp((*names)[at], metrics->list[j].name) != 0) {
                at++;
            }
            if (at < n) {
                continue;
            }
            if (n == room) {
                room += METRICS_MOST;
                *names = memory_grow(*names, (size_t)room, sizeof **names);
            }
            (*names)[n++] = metrics->list[j].name;
        }
    }
    return n;
}

int compare_table_write(const struct compare *compare,
                        const struct compare_scores *scores, const char *folder,
                        struct err *err)
{
    struct text text;
    if (text_open(&text, folder, "compare.csv", err) != 0) {
        return -1;
    }
    const char **names;
    int32_t n_names = all_names(compare, &names);
    for (int32_t i = 0; i < compare->grid.n_keys; i++) {
        text_printf(&text, "%s,", compare->grid.keys[i].name);
    }
    for (int32_t i = 0; i < n_names; i++) {
        text_printf(&text, "%s,", names[i]);
    }
    text_string(&text, "wins\n");
    for (int32_t i = 0; i < compare->n_variants; i++) {
        const struct compare_variant *variant = &compare->variants[i];
        for (int32_t j = 0; j < compare->grid.n_keys; j++) {
            text_quoted(&text, variant->values[j]);
            text_string(&text, ",");
        }
        for (int32_t j = 0; j < n_names; j++) {
            const struct metric *metric = metrics_find(&variant->metrics, names[j]);
            text_printf(&text, "%s,", metric != NULL ? metric->value : "");
        }
        text_printf(&text, "%" PRId32 "\n", scores->n_wins[i]);
    }
    free(names);
    return text_close(&text, err);
}

static void write_winner(struct text *text, const struct compare_score *score,
                         const char *winner, const char *value)
{
    text_printf(text, "%s,", score->metric);
    text_quoted(text, winner);
    text_printf(text, ",%s,%s\n", value, score->metric_unit);
}

int compare_table_write_winners(const struct compare *compare,
                                const struct compare_scores *scores, const char *folder,
                                struct err *err)
{
    struct text text;
    if (text_open(&text, folder, "winners.csv", err) != 0) {
        return -1;
    }
    text_string(&text, "column,winner,value,unit\n");
    for (int32_t i = 0; i < scores->n; i++) {
        const struct compare_score *score = &scores->list[i];
        if (!score->is_won && score->better != COMPARE_SCORE_NEITHER) {
            write_winner(&text, score, "", "");
        }
        for (int32_t j = 0; j < compare->n_variants; j++) {
            if (score->won[j]) {
                write_winner(&text, score, compare->variants[j].label,
                             score->values[j]);
            }
        }
    }
    return text_close(&text, err);
}
