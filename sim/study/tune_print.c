#include "study/tune_print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "input/import_args_paste.h"
#include "output/whole.h"
#include "study/calibrated.h"

/* Means over the cells; of what is a logarithm, the geometric one. */
static double goal_value(const struct tune *tune, const struct tune_point *point)
{
    int32_t n = tune->score.n_draws * tune->score.n_seeds;
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += point->cells[i].value / n;
    }
    return exp(sum);
}

static double mean_rate(const struct tune *tune, const struct tune_point *point)
{
    int32_t n = tune->score.n_draws * tune->score.n_seeds;
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += log(point->cells[i].result.rate_rps) / n;
    }
    return exp(sum);
}

/* Cells in which no rate meets [slo], or every one that was tried does. */
static void print_doubts(FILE *out, const struct tune *tune,
                         const struct tune_point *point)
{
    int32_t n = tune->score.n_draws * tune->score.n_seeds;
    int32_t n_none = 0;
    int32_t n_any = 0;
    for (int32_t i = 0; i < n; i++) {
        n_none += point->cells[i].none;
        n_any += point->cells[i].any;
    }
    if (n_none > 0) {
        fprintf(out, " (no rate is within [slo] in %" PRId32 " of %" PRId32 " cells)",
                n_none, n);
    }
    if (n_any > 0) {
        fprintf(out,
                " (every rate is within [slo] in %" PRId32 " of %" PRId32
                " cells: too few requests to tell, see [study] requests)",
                n_any, n);
    }
}

/* Whether there is nothing to compare by: no rate is within [slo] in any cell. */
static bool has_none(const struct tune *tune, const struct tune_point *point)
{
    int32_t n = tune->score.n_draws * tune->score.n_seeds;
    bool none = true;
    for (int32_t i = 0; i < n; i++) {
        none = none && point->cells[i].none;
    }
    return none;
}

/* " +- 1.3", of one cell nothing: it has no error that could be told. */
static void print_error(FILE *out, const struct tune *tune, double se)
{
    if (tune->score.n_draws * tune->score.n_seeds > 1) {
        fprintf(out, " +- %.1f", 100 * se);
    }
}

/* A gain as percent of what is better: less cost or latency, more throughput. */
static double percent(const struct tune *tune, double gain)
{
    return tune->score.goal == CONFIG_STUDY_THROUGHPUT ? 100 * -expm1(-gain)
                                                       : 100 * expm1(gain);
}

static void print_goal(FILE *out, const struct tune *tune)
{
    const struct tune_score *score = &tune->score;
    const struct goal *goal = &tune->spec.goal;
    switch ((enum config_study_goal)score->goal) {
    case CONFIG_STUDY_COST:
        fprintf(out, "goal      dollars per million tokens at the highest rate within");
        break;
    case CONFIG_STUDY_THROUGHPUT:
        fprintf(out, "goal      requests per second and GPU, the most within");
        break;
    case CONFIG_STUDY_LATENCY:
        fprintf(out, "goal      %s at %.6g requests/s and at %.6g, the worse of both\n",
                tune->base.study.tune.latency, score->natural_rps,
                tune_score_burst(score));
        break;
    }
    if (score->goal != CONFIG_STUDY_LATENCY) {
        for (int32_t i = 0; i < goal->n; i++) {
            const struct goal_criterion *of = &goal->list[i];
            fprintf(out, "%s %s %s %.6g", i > 0 ? "," : "", of->metric,
                    of->at_least ? ">=" : "<=", of->bound);
        }
        fputc('\n', out);
    }
    fprintf(out,
            "compared  by %" PRId32 " draw%s of step times x %" PRId32
            " seed%s%s; a change counts from %.3g %% on\n",
            score->n_draws, score->n_draws > 1 ? "s" : "", score->n_seeds,
            score->n_seeds > 1 ? "s" : "", score->is_drawn ? "" : " of one trace",
            100 * expm1(score->step));
}

static void print_point(FILE *out, const struct tune *tune, const char *name,
                        const struct tune_point *point)
{
    double value = goal_value(tune, point);
    fprintf(out, "%-9s ", name);
    if (has_none(tune, point)) {
        fprintf(out, "no rate is within [slo], not even %.6g requests/s\n",
                mean_rate(tune, point));
        return;
    }
    switch ((enum config_study_goal)tune->score.goal) {
    case CONFIG_STUDY_COST:
        fprintf(out, "%.4g USD per million tokens at %.6g requests/s", value,
                mean_rate(tune, point));
        break;
    case CONFIG_STUDY_THROUGHPUT:
        fprintf(out, "%.4g requests/s and GPU, %.6g requests/s in all", 1 / value,
                mean_rate(tune, point));
        break;
    case CONFIG_STUDY_LATENCY:
        fprintf(out, "%.6g", value);
        break;
    }
    print_doubts(out, tune, point);
    fputc('\n', out);
}

static const char *shown(const struct tune *tune, const struct tune_point *point,
                         int32_t flag)
{
    return tune->flags.list[flag].values[point->at[flag]].shown;
}

static void print_worth(FILE *out, const struct tune *tune)
{
    if (tune->n_worth == 0) {
        if (tune->flags.n == 0) {
            return;
        }
        fprintf(out, "\nno change of these flags is worth making\n");
        return;
    }
    fprintf(out, "\n%-29s %16s %16s  %s\n", "flag", "was", "now",
            "worth: how much is lost without");
    for (int32_t i = 0; i < tune->n_worth; i++) {
        const struct tune_worth *worth = &tune->worth[i];
        fprintf(out, "%-29s %16s %16s  ", tune->flags.list[worth->flag].name,
                shown(tune, tune->was, worth->flag),
                shown(tune, tune->now, worth->flag));
        if (worth->is_needed) {
            fprintf(out, "needed: the others do not go without it\n");
        } else {
            fprintf(out, "%.1f %%", percent(tune, worth->gain.mean));
            print_error(out, tune, worth->gain.se);
            fputc('\n', out);
        }
    }
}

/* Words on lines of at most 88 columns that begin alike. */
struct line {
    FILE *out;
    const char *begin;
    const char *end; /* of a line that goes on */
    int column;
};

static void print_word(struct line *line, const char *word)
{
    int length = (int)strlen(word);
    if (line->column == 0 || line->column + 1 + length > 86) {
        fprintf(line->out, "%s%s%s", line->column > 0 ? line->end : "",
                line->column > 0 ? "\n" : "", line->begin);
        line->column = (int)strlen(line->begin);
    } else {
        fputc(' ', line->out);
        line->column++;
    }
    fputs(word, line->out);
    line->column += length;
}

static void print_left(FILE *out, const struct tune *tune)
{
    struct line line = {.out = out, .begin = "  ", .end = ""};
    if (tune->n_worth == tune->flags.n) {
        return;
    }
    fprintf(out, "\nas they were:\n");
    for (int32_t f = 0; f < tune->flags.n; f++) {
        if (tune->now->at[f] == tune->flags.list[f].was) {
            char word[120];
            snprintf(word, sizeof word, "%.60s=%.50s", tune->flags.list[f].name,
                     shown(tune, tune->now, f));
            print_word(&line, word);
        }
    }
    fputc('\n', out);
}

static void print_flags(FILE *out, const struct tune *tune)
{
    const struct pool_config *pool = &tune->now->config.pools[0];
    const char *keys[TUNE_FLAGS_MOST * TUNE_FLAGS_KEYS];
    int32_t n = 0;
    struct import_args_paste paste;
    for (int32_t f = 0; f < tune->flags.n; f++) {
        for (int32_t k = 0; k < tune->flags.list[f].n_keys; k++) {
            keys[n++] = tune->flags.list[f].keys[k];
        }
    }
    if (n == 0) {
        return;
    }
    import_args_paste_make(&paste, pool, keys, n, tune->arena);
    if (paste.n_flags > 0) {
        struct line line = {.out = out, .begin = "  ", .end = " \\"};
        bool is_vllm = paste.program == &import_vllm_args_program;
        fprintf(out, "\nto paste, for each of %" PRId64 " %s server%s:\n",
                pool->n_replicas, is_vllm ? "vLLM" : "SGLang",
                pool->n_replicas > 1 ? "s" : "");
        for (int32_t i = 0; i < paste.n_flags; i++) {
            print_word(&line, paste.flags[i]);
        }
        fputc('\n', out);
    }
    if (paste.n_missing > 0) {
        fprintf(out, "\n%s:\n",
                paste.program == NULL
                    ? "the flags of this engine are not known; its keys"
                    : "what no flag of it says");
        for (int32_t i = 0; i < paste.n_missing; i++) {
            fprintf(out, "  %s\n", paste.missing[i]);
        }
    }
}

void tune_print(FILE *out, const struct tune *tune)
{
    const struct pool_config *pool = &tune->base.pools[0];
    int32_t n_scored = 0;
    char calibration[CALIBRATED_TEXT];
    for (int32_t i = 0; i < tune->n_points; i++) {
        n_scored += tune->points[i]->state == TUNE_SCORED;
    }
    fprintf(out, "config    %s, [pool.%s], %" PRId32 " GPU%s\n", tune->base.file,
            pool->name, tune->score.n_gpus, tune->score.n_gpus > 1 ? "s" : "");
    print_goal(out, tune);
    print_point(out, tune, "was", tune->was);
    if (tune->now != tune->was && !has_none(tune, tune->was)) {
        struct tune_gain gain = tune_gain_of(tune, tune->was, tune->now);
        print_point(out, tune, "now", tune->now);
        fprintf(out, "gain      %.1f %%", 100 * -expm1(-gain.mean));
        print_error(out, tune, gain.se);
        fprintf(out, ", in the worst draw %.1f %%\n", 100 * -expm1(-gain.worst));
    }
    calibrated_print(tune->now->config.pools, 1, calibration);
    fprintf(out, "steps     %s\n", calibration);
    fprintf(out,
            "tried     %" PRId32 " setting%s: %" PRId32 " in full, %" PRId32
            " refused; %" PRId64 " runs, %" PRId32 " round%s%s\n",
            tune->n_points, tune->n_points > 1 ? "s" : "", n_scored, tune->n_refused,
            tune->score.n_runs, tune->n_rounds, tune->n_rounds > 1 ? "s" : "",
            tune->is_settled ? "" : ", more might find more ([tune] rounds)");
    if (tune->n_refused > 0) {
        fprintf(out, "refused   the first: %s\n", tune->refusal);
    }
    if (has_none(tune, tune->now)) {
        fprintf(out,
                "\nno setting that was tried is within [slo] at any rate: there is "
                "nothing to choose by\n");
        return;
    }
    print_worth(out, tune);
    print_left(out, tune);
    print_flags(out, tune);
}

static int write_config(const void *context, FILE *out, struct err *err)
{
    const struct tune *tune = context;
    (void)err;
    fprintf(out, "; What 'servesim tune' made of a configuration.\n");
    for (int32_t i = 0; i < tune->n_worth; i++) {
        fprintf(out, "; %s was %s\n", tune->flags.list[tune->worth[i].flag].name,
                shown(tune, tune->was, tune->worth[i].flag));
    }
    fputc('\n', out);
    config_print(&tune->now->config, out);
    return 0;
}

int tune_print_config(const struct tune *tune, const char *path, struct err *err)
{
    return whole_write(path, write_config, tune, err);
}
