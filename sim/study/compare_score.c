#include "study/compare_score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* When a column says something. */
enum presence {
    GIVEN,  /* some variant has a value */
    PRICED, /* some variant has one that is not 0, which stands for "not known" */
    UNEVEN, /* not all have the same: it tells why others cannot be compared */
};

static const struct column {
    const char *metric;
    const char *title;
    const char *unit;
    enum compare_score_better better;
    enum presence presence;
    double scale;
    int decimals;
} columns[] = {
    {"completed", "completed", "", COMPARE_SCORE_MORE, UNEVEN, 1, 0},
    {"mean_ttft_ms", "mean TTFT", "ms", COMPARE_SCORE_LESS, GIVEN, 1, 2},
    {"p99_ttft_ms", "p99 TTFT", "ms", COMPARE_SCORE_LESS, GIVEN, 1, 2},
    {"mean_tpot_ms", "mean TPOT", "ms", COMPARE_SCORE_LESS, GIVEN, 1, 2},
    {"p99_tpot_ms", "p99 TPOT", "ms", COMPARE_SCORE_LESS, GIVEN, 1, 2},
    {"p99_itl_ms", "p99 ITL", "ms", COMPARE_SCORE_LESS, GIVEN, 1, 2},
    {"mean_e2el_ms", "mean E2E", "ms", COMPARE_SCORE_LESS, GIVEN, 1, 2},
    {"request_goodput", "goodput", "req/s", COMPARE_SCORE_MORE, GIVEN, 1, 3},
    {"output_throughput", "output", "tok/s", COMPARE_SCORE_MORE, GIVEN, 1, 2},
    /* memory that is used is neither well nor badly used */
    {"mean_kv_used_fraction", "KV used", "%", COMPARE_SCORE_NEITHER, GIVEN, 100, 2},
    {"preemptions", "preempted", "", COMPARE_SCORE_LESS, GIVEN, 1, 0},
    {"mfu", "MFU", "%", COMPARE_SCORE_MORE, GIVEN, 100, 2},
    {"mbu", "MBU", "%", COMPARE_SCORE_MORE, GIVEN, 100, 2},
    {"usd_per_million_tokens", "cost", "$/Mtok", COMPARE_SCORE_LESS, PRICED, 1, 4},
    {"joules_per_output_token", "energy", "J/token", COMPARE_SCORE_LESS, PRICED, 1, 3},
    {"jain_fairness", "fairness", "", COMPARE_SCORE_MORE, GIVEN, 1, 4},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

/* Whether any value is given, differs from 0, or differs from another. */
static bool is_told(const struct compare_score *score, int32_t n,
                    enum presence presence)
{
    for (int32_t i = 0; i < n; i++) {
        const char *value = score->values[i];
        switch (presence) {
        case GIVEN:
            if (value[0] != '\0') {
                return true;
            }
            break;
        case PRICED:
            if (strtod(value, NULL) != 0) {
                return true;
            }
            break;
        case UNEVEN:
            if (strcmp(value, score->values[0]) != 0) {
                return true;
            }
            break;
        }
    }
    return false;
}

static void find_winners(struct compare_score *score, int32_t n)
{
    double sign = score->better == COMPARE_SCORE_LESS ? 1 : -1;
    double best = 0;
    int32_t n_given = 0;
    int32_t n_best = 0;
    for (int32_t i = 0; i < n; i++) {
        double value = sign * strtod(score->values[i], NULL);
        if (score->values[i][0] == '\0') {
            continue;
        }
        if (n_given == 0 || value < best) {
            best = value;
            n_best = 0;
        }
        n_best += value == best;
        n_given++;
    }
    score->is_won = score->better != COMPARE_SCORE_NEITHER && n_best < n_given;
    for (int32_t i = 0; i < n && score->is_won; i++) {
        score->won[i] = score->values[i][0] != '\0' &&
                        sign * strtod(score->values[i], NULL) == best;
    }
}

static void fill(struct compare_score *score, const struct column *column,
                 const struct compare *compare, struct arena *arena)
{
    int32_t n = compare->n_variants;
    *score = (struct compare_score){
        .metric = column->metric,
        .title = column->title,
        .unit = column->unit,
        .metric_unit = "",
        .better = column->better,
        .scale = column->scale,
        .decimals = column->decimals,
        .values = ARENA_NEW(arena, n, const char *),
        .won = ARENA_NEW(arena, n, bool),
    };
    for (int32_t i = 0; i < n; i++) {
        const struct metric *metric =
            metrics_find(&compare->variants[i].metrics, column->metric);
        score->values[i] = metric != NULL ? metric->value : "";
        score->metric_unit = metric != NULL ? metric->unit : score->metric_unit;
    }
}

void compare_score_all(struct compare_scores *scores, const struct compare *compare,
                       struct arena *arena)
{
    int32_t n = compare->n_variants;
    *scores = (struct compare_scores){.n_wins = ARENA_NEW(arena, n, int32_t)};
    for (int i = 0; i < N_COLUMNS; i++) {
        CHECK(scores->n < COMPARE_SCORE_MOST);
        struct compare_score *score = &scores->list[scores->n];
        fill(score, &columns[i], compare, arena);
        if (!is_told(score, n, columns[i].presence)) {
            continue;
        }
        find_winners(score, n);
        for (int32_t j = 0; j < n; j++) {
            scores->n_wins[j] += score->won[j];
        }
        scores->n++;
    }
}

void compare_score_print(const struct compare_score *score, int32_t variant,
                         char text[COMPARE_SCORE_TEXT])
{
    const char *value = score->values[variant];
    if (value[0] == '\0') {
        snprintf(text, COMPARE_SCORE_TEXT, "-");
    } else {
        snprintf(text, COMPARE_SCORE_TEXT, "%.*f", score->decimals,
                 strtod(value, NULL) * score->scale);
    }
}
