#include "study/tune_layouts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TP, PP, DP, EP };

const char *const tune_layouts_keys[TUNE_LAYOUTS_DEGREES] = {
    "tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel"};

/* Whether a degree may be this: the user's list, or else anything, and the present one. */
static bool allows(const char *asked, const char *value, bool is_present)
{
    char list[400];
    char word[40];
    if (is_present || asked == NULL || asked[0] == '\0') {
        return is_present || asked != NULL;
    }
    snprintf(list, sizeof list, " %.390s ", asked);
    snprintf(word, sizeof word, " %.30s ", value);
    return strstr(list, word) != NULL;
}

static const char *show(const struct layout *layout, int64_t n_replicas,
                        struct arena *arena)
{
    char text[160];
    char stages[40] = "";
    char ranks[40] = "";
    if (layout->pp > 1) {
        snprintf(stages, sizeof stages, " pp%" PRId64, layout->pp);
    }
    if (layout->dp > 1) {
        snprintf(ranks, sizeof ranks, " dp%" PRId64, layout->dp);
    }
    snprintf(text, sizeof text, "%" PRId64 " x tp%" PRId64 "%s%s%s", n_replicas,
             layout->tp, stages, ranks, layout->expert_parallel ? " ep" : "");
    return memory_arena_text(arena, text);
}

struct filling {
    struct tune_flags_flag *flag;
    const struct pool_config *pool;
    const char *const *asked;
    struct arena *arena;
    int64_t n_gpus;
};

static bool fits(const struct filling *filling, const struct layout *layout)
{
    const struct layout *was = &filling->pool->layout;
    bool has_experts = filling->pool->llm.n_experts > 0;
    bool experts_fit =
        layout->expert_parallel == was->expert_parallel ||
        (has_experts && (!layout->expert_parallel || layout_stage_gpus(layout) > 1));
    return filling->n_gpus % layout_gpus(layout) == 0 && experts_fit;
}

/* False if there is no room left for it. */
static bool consider(const struct filling *filling, const struct layout *layout)
{
    struct tune_flags_flag *flag = filling->flag;
    const struct layout *was = &filling->pool->layout;
    const int64_t numbers[] = {layout->tp, layout->pp, layout->dp};
    const int64_t present[] = {was->tp, was->pp, was->dp};
    char texts[TUNE_LAYOUTS_DEGREES][24];
    bool is_present[TUNE_LAYOUTS_DEGREES];
    bool is_all_present = true;
    for (int i = 0; i < TUNE_LAYOUTS_DEGREES; i++) {
        is_present[i] = i == EP ? layout->expert_parallel == was->expert_parallel
                                : numbers[i] == present[i];
        if (i == EP) {
            snprintf(texts[i], sizeof texts[i], "%s",
                     layout->expert_parallel ? "yes" : "no");
        } else {
            snprintf(texts[i], sizeof texts[i], "%" PRId64, numbers[i]);
        }
        is_all_present = is_all_present && is_present[i];
        if (!allows(filling->asked[i], texts[i], is_present[i])) {
            return true;
        }
    }
    if (!fits(filling, layout) || flag->n_values == TUNE_FLAGS_VALUES) {
        return flag->n_values < TUNE_FLAGS_VALUES;
    }
    flag->was = is_all_present ? flag->n_values : flag->was;
    struct tune_flags_value *value = &flag->values[flag->n_values++];
    int64_t n_replicas = filling->n_gpus / layout_gpus(layout);
    char replicas[24];
    snprintf(replicas, sizeof replicas, "%" PRId64, n_replicas);
    value->shown = show(layout, n_replicas, filling->arena);
    for (int i = 0; i < TUNE_LAYOUTS_DEGREES; i++) {
        value->overrides[value->n_overrides++] = tune_flags_override(
            filling->pool, tune_layouts_keys[i], texts[i], filling->arena);
    }
    value->overrides[value->n_overrides++] =
        tune_flags_override(filling->pool, "replicas", replicas, filling->arena);
    return true;
}

bool tune_layouts_fill(struct tune_flags_flag *flag, const struct pool_config *pool,
                       const char *const asked[TUNE_LAYOUTS_DEGREES],
                       struct arena *arena)
{
    struct filling filling = {.flag = flag,
                              .pool = pool,
                              .asked = asked,
                              .arena = arena,
                              .n_gpus = pool->n_replicas * layout_gpus(&pool->layout)};
    int64_t most_dp = pool->llm.n_experts > 0 ? filling.n_gpus : 1;
    struct layout at = pool->layout;
    for (int i = 0; i < TUNE_LAYOUTS_DEGREES; i++) {
        flag->keys[flag->n_keys++] = tune_layouts_keys[i];
    }
    for (at.tp = 1; at.tp <= filling.n_gpus; at.tp++) {
        for (at.pp = 1; at.tp * at.pp <= filling.n_gpus && at.pp <= LAYOUT_MOST_STAGES;
             at.pp++) {
            for (at.dp = 1; at.dp <= most_dp && layout_gpus(&at) <= filling.n_gpus;
                 at.dp++) {
                for (at.expert_parallel = 0; at.expert_parallel <= 1;
                     at.expert_parallel++) {
                    if (!consider(&filling, &at)) {
                        return false;
                    }
                }
            }
        }
    }
    return true;
}
