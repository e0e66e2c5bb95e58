#include "study/size_rows.h"

#include <math.h>
#include <stdlib.h>

const char *size_rows_kind(const struct size_fleet *fleet)
{
    return fleet->n_parts == 1 ? "alone" : fleet->disaggregated ? "apart" : "mixed";
}

static void fill(struct size_row *row, const struct size_variant *variant)
{
    const struct size_candidates *candidates = &variant->candidates;
    const struct size_case what = {.fleet = row->fleet, .factor = 1};
    row->entry = size_book_find(&variant->book, &what);
    row->gpus = size_fleet_gpus(candidates, &row->fleet);
    row->nano = row->reason == NULL ? size_fleet_nano(candidates, &row->fleet) : 0;
    row->is_answer =
        variant->answer.found && size_fleet_same(&row->fleet, &variant->answer.best);
    if (row->entry == NULL || row->entry->error != NULL) {
        row->entry = NULL;
        return;
    }
    row->per_gpu = row->entry->result.output_per_s / (double)row->gpus;
    row->per_user = 1000 / row->entry->result.mean_tpot_ms;
}

static void add_alone(struct size_rows *rows, const struct size_variant *variant)
{
    const struct size_answer *answer = &variant->answer;
    for (int32_t i = 0; i < variant->candidates.n; i++) {
        const struct size_search_found *found = &answer->alone[i];
        int32_t n = found->meets > 0   ? found->meets
                    : found->fails > 0 ? found->fails
                                       : found->least;
        struct size_fleet best;
        struct size_row *row = &rows->list[rows->n++];
        *row = (struct size_row){
            .fleet = {.n_parts = 1, .candidate = {i}, .replicas = {n}},
            .outcome = found->outcome,
            .reason = found->reason,
            .fails = found->fails,
            .least = found->least,
        };
        int32_t group = variant->candidates.list[i].group;
        row->is_best = size_search_best(&variant->book, answer->alone, group, &best) &&
                       size_fleet_same(&best, &row->fleet);
        fill(row, variant);
    }
}

static void add_pairs(struct size_rows *rows, const struct size_variant *variant,
                      const struct size_pairs *pairs)
{
    if (!pairs->found) {
        return;
    }
    struct size_row *row = &rows->list[rows->n++];
    *row = (struct size_row){
        .fleet = pairs->best, .outcome = SIZE_SEARCH_MEETS, .is_best = true};
    fill(row, variant);
}

static bool meets(const struct size_row *row)
{
    return row->outcome == SIZE_SEARCH_MEETS && row->entry != NULL;
}

/* What is unknown is as bad as can be. */
static double or_worst(double value, double worst)
{
    return isfinite(value) ? value : worst;
}

/* Whether `a` is as good as `b` in everything, and better in something. */
static bool dominates(const struct size_row *a, const struct size_row *b)
{
    const double less[] = {
        or_worst(a->entry->result.usd_per_million, INFINITY),
        or_worst(a->entry->result.joules_per_output, INFINITY),
        -or_worst(a->per_gpu, 0),
        -or_worst(a->per_user, 0),
    };
    const double than[] = {
        or_worst(b->entry->result.usd_per_million, INFINITY),
        or_worst(b->entry->result.joules_per_output, INFINITY),
        -or_worst(b->per_gpu, 0),
        -or_worst(b->per_user, 0),
    };
    bool better = false;
    for (size_t i = 0; i < sizeof less / sizeof less[0]; i++) {
        if (less[i] > than[i]) {
            return false;
        }
        better = better || less[i] < than[i];
    }
    return better;
}

static void find_pareto(struct size_rows *rows)
{
    for (int32_t i = 0; i < rows->n; i++) {
        struct size_row *row = &rows->list[i];
        row->is_pareto = meets(row);
        for (int32_t j = 0; j < rows->n && row->is_pareto; j++) {
            row->is_pareto = !(meets(&rows->list[j]) && dominates(&rows->list[j], row));
        }
    }
}

void size_rows_init(struct size_rows *rows, const struct size_variant *variant,
                    struct arena *arena)
{
    *rows = (struct size_rows){
        .list = ARENA_NEW(arena, (size_t)variant->candidates.n + 2, struct size_row)};
    add_alone(rows, variant);
    add_pairs(rows, variant, &variant->answer.mixed);
    add_pairs(rows, variant, &variant->answer.apart);
    find_pareto(rows);
}

int32_t size_rows_told(const struct size_rows *rows, const struct size_variant *variant,
                       int32_t *order)
{
    int32_t n = 0;
    for (int32_t i = 0; i < rows->n; i++) {
        const struct size_row *row = &rows->list[i];
        if (!meets(row) || (!row->is_best && !row->is_pareto)) {
            continue;
        }
        int32_t at = n++;
        for (; at > 0 && size_fleet_better(&variant->candidates, &row->fleet,
                                           &rows->list[order[at - 1]].fleet);
             at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return n;
}
