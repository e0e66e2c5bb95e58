#include "model/speculative.h"

#include <inttypes.h>
#include <string.h>

#include "base/decimal.h"

#define AT(member) offsetof(struct speculative_config, member)

static const int64_t nano_one = 1000000000;

const struct field speculative_fields[SPECULATIVE_FIELDS] = {
    {"method", FIELD_CHOICE, AT(method), "", "none", NULL, NULL, "none|draft|ngram|mtp",
     "who drafts tokens that the model verifies: a second model, a search in the text, "
     "further layers of the model"},
    {"num_speculative_tokens", FIELD_COUNT, AT(n_tokens), "", "3", "1", "32", NULL,
     "tokens drafted for a sequence in a step"},
    {"acceptance", FIELD_NANO, AT(acceptance_nano), "", "0.7", "0", "1", NULL,
     "probability that a drafted token is right if all before it are"},
    {"acceptance_by_position", FIELD_TEXT, AT(acceptance_by_position), "", "", NULL,
     NULL, NULL,
     "the same for each of num_speculative_tokens positions, such as 0.8 0.6 0.5"},
    {"draft_model", FIELD_TEXT, AT(draft_model_name), "", "", NULL, NULL, NULL,
     "method = draft: a file in configs/models, by name or path, whose keys may be "
     "given here too"},
    {"draft_base_us", FIELD_FEMTO, AT(draft_base_fs), "us", "0", "0", "1000000000",
     NULL, "cost = linear: fixed time of one of the drafter's passes"},
    {"draft_seq_us", FIELD_FEMTO, AT(draft_seq_fs), "us", "0", "0", "1000000", NULL,
     "cost = linear: time per sequence of a pass"},
    {"ngram_overhead_us", FIELD_FEMTO, AT(ngram_overhead_fs), "us", "0", "0",
     "1000000000", NULL, "method = ngram: time of the search in a step that drafts"},
    {"mtp_layers", FIELD_COUNT, AT(mtp_layers), "", "1", "1", "100", NULL,
     "method = mtp: layers that a drafted token passes"},
    {"adaptive", FIELD_FLAG, AT(adaptive), "", "no", NULL, NULL, NULL,
     "draft in each step as many tokens, or none, as make a token cheapest"},
};

/* The number that begins at `text`; where it ends, or NULL if it is no probability. */
static const char *read_share(const char *text, int64_t *nano)
{
    wide mantissa;
    int exponent;
    const char *end = decimal_read(text, &mantissa, &exponent);
    if (end == NULL || !decimal_round(mantissa, exponent + 9, nano) || *nano < 0 ||
        *nano > nano_one) {
        return NULL;
    }
    return end;
}

int speculative_read_probability(const char *text, int64_t *nano, struct err *err)
{
    const char *end = read_share(text, nano);
    if (end != NULL && *end == '\0') {
        return 0;
    }
    return err_set(err, "'%.100s' is not a probability (a number from 0 to 1)", text);
}

int speculative_read_acceptance(const struct speculative_config *config,
                                int64_t nano[SPECULATIVE_MOST], struct err *err)
{
    static const char blanks[] = " ,\t";
    const char *text = config->acceptance_by_position;
    for (int i = 0; i < SPECULATIVE_MOST; i++) {
        nano[i] = config->acceptance_nano;
    }
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    int64_t n = 0;
    for (const char *at = text + strspn(text, blanks); *at != '\0'; n++) {
        int64_t share;
        const char *end = read_share(at, &share);
        if (end == NULL || (*end != '\0' && strchr(blanks, *end) == NULL)) {
            return err_set(err, "'%.100s' has something other than numbers from 0 to 1",
                           text);
        }
        if (n < SPECULATIVE_MOST) {
            nano[n] = share;
        }
        at = end + strspn(end, blanks);
    }
    if (n == config->n_tokens) {
        return 0;
    }
    return err_set(err,
                   "'%.100s' has %" PRId64 " numbers, and num_speculative_tokens is "
                   "%" PRId64,
                   text, n, config->n_tokens);
}

/* Layers like most of the model's, whatever the first ones are like.  Windows and linear
 * layers are not copied where only some have them. */
static struct llm layers_of(const struct llm *target, int64_t n_layers)
{
    struct llm part = *target;
    part.n_layers = n_layers;
    part.n_window_layers = target->n_window_layers == target->n_layers ? n_layers : 0;
    part.index_heads = part.n_window_layers > 0 ? target->index_heads : 0;
    part.n_linear_layers = 0;
    part.linear_params = 0;
    part.linear_state = 0;
    part.first_dense_layers = 0;
    part.moe_layer_step = 1;
    return part;
}

void speculative_init(struct speculative *speculative,
                      const struct speculative_config *config, const struct llm *target,
                      bool linear)
{
    struct err unused; /* the configuration was checked when it was read */
    *speculative = (struct speculative){.config = config};
    speculative_read_acceptance(config, speculative->acceptance_nano, &unused);
    speculative->has_model = !linear && (config->method == SPECULATIVE_DRAFT ||
                                         config->method == SPECULATIVE_MTP);
    if (speculative->has_model) {
        speculative->drafter = config->method == SPECULATIVE_DRAFT
                                   ? config->draft
                                   : layers_of(target, config->mtp_layers);
    }
}

int speculative_price_init(struct speculative *speculative,
                           const struct cost_config *cost,
                           const struct accelerator *accelerator,
                           const struct constants *constants,
                           const struct layout *layout, struct err *err)
{
    const struct speculative_config *config = speculative->config;
    struct cost_config own = *cost;
    struct constants within = *constants;
    bool passes =
        config->method == SPECULATIVE_DRAFT || config->method == SPECULATIVE_MTP;
    if (!passes) {
        return 0;
    }
    if (!speculative->has_model) {
        own = (struct cost_config){.kind = COST_LINEAR,
                                   .base_fs = config->draft_base_fs,
                                   .decode_seq_fs = config->draft_seq_fs};
    }
    within.step_overhead_fs = 0;
    within.prefill_overhead_fs = 0;
    within.compound_prefill_overhead_fs = 0;
    within.moe_prefill_overhead_fs = 0;
    within.sequence_overhead_fs = 0;
    if (cost_init(&speculative->cost, &own, accelerator, &speculative->drafter, &within,
                  layout, err) != 0) {
        return -1;
    }
    if (speculative->has_model) {
        power_init(&speculative->power, &speculative->cost, accelerator,
                   &speculative->drafter, &within, layout);
    }
    return 0;
}

void speculative_free(struct speculative *speculative)
{
    cost_free(&speculative->cost);
}

static bool has_passes(const struct speculative *speculative)
{
    return speculative->config->method != SPECULATIVE_NGRAM;
}

void speculative_add_decode(const struct speculative *speculative,
                            struct speculative_passes *passes, int64_t before,
                            int64_t n_drafts)
{
    if (!has_passes(speculative)) {
        return;
    }
    for (int64_t i = 0; i < n_drafts; i++) {
        cost_count_decode(&speculative->cost, &passes->of[i], before + i, 1);
    }
    passes->n = n_drafts > passes->n ? n_drafts : passes->n;
}

void speculative_add_chunk(const struct speculative *speculative,
                           struct speculative_passes *passes, int64_t before,
                           int64_t tokens)
{
    if (speculative->has_model) {
        cost_count_chunk(&speculative->cost, &passes->of[0], before, tokens);
        passes->n = passes->n > 1 ? passes->n : 1;
    }
}

void speculative_price(const struct speculative *speculative,
                       const struct speculative_passes *passes, int64_t n_drafts,
                       struct step_price *price)
{
    for (int64_t i = 0; i < passes->n; i++) {
        struct step_price pass;
        cost_price(&speculative->cost, &passes->of[i], &pass);
        for (int j = 0; j < N_BOUNDS; j++) {
            price->fs[j] += pass.fs[j];
        }
    }
    if (!has_passes(speculative) && n_drafts > 0) {
        price->fs[BOUND_OVERHEAD] += speculative->config->ngram_overhead_fs;
    }
}

struct work speculative_work(const struct speculative *speculative,
                             const struct speculative_passes *passes)
{
    struct work sum = {0};
    for (int64_t i = 0; i < passes->n; i++) {
        struct work pass = power_work(&speculative->cost, &passes->of[i]);
        power_work_add(&sum, &pass);
    }
    return sum;
}

int64_t speculative_expected_nano(const struct speculative *speculative,
                                  int64_t own_nano, int64_t n_drafts)
{
    int64_t sum = nano_one;
    int64_t product = nano_one; /* that this many are right */
    for (int64_t i = 0; i < n_drafts; i++) {
        int64_t share = own_nano >= 0 ? own_nano : speculative->acceptance_nano[i];
        product = (int64_t)((wide)product * share / nano_one);
        sum += product;
    }
    return sum;
}
