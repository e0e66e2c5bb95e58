#include "study/roofline.h"

#include <math.h>
#include <string.h>

static const double nano = 1e-9;
static const double s_per_fs = 1e-15;
enum { MOST_BATCH = 1 << 20 };

int roofline_init(struct roofline *roofline, const struct pool *pool, struct err *err)
{
    const struct pool_config *config = pool->config;
    memset(roofline, 0, sizeof *roofline);
    roofline->pool = pool;
    if (!pool->has_hardware || config->cost.kind != COST_ROOFLINE) {
        return err_set(err,
                       "[pool.%s]: cost: linear has no roofline; expected "
                       "cost = roofline, an accelerator and a model",
                       config->name);
    }
    if (layout_ranks(&config->layout) > 1) {
        return err_set(
            err,
            "[pool.%s]: data_parallel_mode: lockstep has no batch of its own "
            "to draw a roofline of; expected balanced",
            config->name);
    }
    for (int way = 0; way < N_ROOFLINE_WAYS; way++) {
        struct cost_config cost = config->cost;
        struct constants constants = config->constants;
        cost.roofline = way == ROOFLINE_STEP ? COST_STEP : COST_OPERATION;
        if (way == ROOFLINE_SUM) {
            constants.overlap_nano = 0;
            constants.attention_overlap_nano = 0;
            constants.expert_overlap_nano = 0;
        }
        if (cost_init(&roofline->ways[way], &cost, &config->accelerator, &config->llm,
                      &constants, &config->layout, err) != 0) {
            return -1;
        }
    }
    return 0;
}

void roofline_free(struct roofline *roofline)
{
    for (int way = 0; way < N_ROOFLINE_WAYS; way++) {
        cost_free(&roofline->ways[way]);
    }
}

static struct step_counts decodes(const struct cost *cost, int64_t batch,
                                  int64_t context)
{
    return (struct step_counts){
        .n_decodes = batch,
        .decode_context = batch * context,
        .decode_window = batch * cost_in_window(cost, context),
        .n_emitting = batch,
    };
}

static void fill_step(const struct roofline *roofline, const struct step_counts *counts,
                      struct roofline_step *step)
{
    const struct power *power = &roofline->pool->power;
    const struct cost *cost = &roofline->ways[ROOFLINE_OPERATION];
    struct step_price price;
    for (int way = 0; way < N_ROOFLINE_WAYS; way++) {
        cost_price(&roofline->ways[way], counts, &price);
        step->s[way] = (double)cost_sum_fs(&price) * s_per_fs;
    }
    cost_price(cost, counts, &price);
    for (int i = 0; i < N_BOUNDS; i++) {
        step->bound_s[i] = (double)price.fs[i] * s_per_fs;
    }
    struct work work = power_work(cost, counts);
    wide pj =
        power_energy_pj(power, &work, wide_div_half_up(cost_sum_fs(&price), 1000000));
    step->tokens = (double)work.tokens;
    step->flops = (double)power_sum(&power->flops, &work);
    step->bytes = (double)power_sum(&power->bytes, &work);
    step->joules = (double)pj * 1e-12;
}

void roofline_decode(const struct roofline *roofline, int64_t batch, int64_t context,
                     struct roofline_step *step)
{
    struct step_counts counts =
        decodes(&roofline->ways[ROOFLINE_OPERATION], batch, context);
    fill_step(roofline, &counts, step);
}

void roofline_prefill(const struct roofline *roofline, int64_t tokens,
                      struct roofline_step *step)
{
    struct step_counts counts = {.n_emitting = 1};
    cost_count_chunk(&roofline->ways[ROOFLINE_OPERATION], &counts, 0, tokens);
    fill_step(roofline, &counts, step);
}

enum bound roofline_regime(const struct roofline_step *step)
{
    enum bound most = BOUND_COMPUTE;
    for (int i = 1; i < N_BOUNDS; i++) {
        most = step->bound_s[i] > step->bound_s[most] ? (enum bound)i : most;
    }
    return most;
}

static double gpus(const struct roofline *roofline)
{
    return (double)layout_gpus(&roofline->pool->config->layout);
}

static enum precision products(const struct roofline *roofline)
{
    const struct llm *llm = &roofline->pool->config->llm;
    return llm_compute_precision(llm, (enum precision)llm->weight_precision);
}

double roofline_mfu(const struct roofline *roofline, const struct roofline_step *step)
{
    const struct accelerator *gpu = &roofline->pool->config->accelerator;
    double peak = (double)power_peak_flop_per_s(gpu, &roofline->pool->config->llm);
    return step->flops / (step->s[ROOFLINE_OPERATION] * peak * gpus(roofline));
}

double roofline_mbu(const struct roofline *roofline, const struct roofline_step *step)
{
    const struct accelerator *gpu = &roofline->pool->config->accelerator;
    double peak = (double)gpu->memory_bytes_per_s;
    return step->bytes / (step->s[ROOFLINE_OPERATION] * peak * gpus(roofline));
}

/* From the coefficient of a step that is one micro-batch (model/cost_init.c). */
double roofline_reached_flop_per_s(const struct roofline *roofline)
{
    const struct layout *layout = &roofline->pool->config->layout;
    const struct llm *llm = &roofline->pool->config->llm;
    const struct cost_term *terms = roofline->ways[ROOFLINE_STEP].full[0].terms[0];
    int64_t stage_layers = (llm->n_layers + layout->pp - 1) / layout->pp;
    double share = (double)(stage_layers * layout->pp) / (double)llm->n_layers /
                   (double)(layout->tp * layout->dp);
    return 2.0 * (double)llm_mlp_params(llm) * share /
           ((double)terms[COST_MLP].compute_fs * s_per_fs);
}

double roofline_usd_per_mtok(const struct roofline *roofline,
                             const struct roofline_step *step)
{
    double usd_per_s = (double)roofline->pool->config->accelerator.usd_per_hour_nano *
                       nano * gpus(roofline) / 3600;
    return usd_per_s * step->s[ROOFLINE_OPERATION] / step->tokens * 1e6;
}

/* Whether compute takes at least as long as memory, over all classes. */
static bool is_compute_bound(const struct roofline *roofline, int64_t batch,
                             int64_t context)
{
    const struct cost *cost = &roofline->ways[ROOFLINE_STEP];
    struct step_counts counts = decodes(cost, batch, context);
    struct cost_sides sides[N_COST_CLASSES];
    wide lead_fs = 0;
    const struct cost_coefficients *of =
        &cost->full[cost_micro_batches(cost, &counts) - 1];
    cost_sides_of(cost, of, &counts, sides);
    for (int32_t i = 0; i < cost->n_classes; i++) {
        lead_fs += sides[i].compute_fs - sides[i].memory_fs;
    }
    return lead_fs >= 0;
}

int64_t roofline_critical_batch(const struct roofline *roofline, int64_t context)
{
    int64_t low = 0;
    int64_t high = MOST_BATCH;
    if (!is_compute_bound(roofline, high, context)) {
        return -1;
    }
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (is_compute_bound(roofline, middle, context)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

double roofline_weights_batch(const struct roofline *roofline)
{
    const struct pool_config *config = roofline->pool->config;
    double bits =
        (double)precision_millibits((enum precision)config->llm.weight_precision) /
        1000;
    return accelerator_ridge(&config->accelerator, products(roofline)) * bits / 16;
}

double roofline_intensity_limit(const struct roofline *roofline, int64_t context)
{
    struct roofline_step one;
    struct roofline_step two;
    roofline_decode(roofline, MOST_BATCH / 2, context, &one);
    roofline_decode(roofline, MOST_BATCH, context, &two);
    return (two.flops - one.flops) / (two.bytes - one.bytes);
}

int64_t roofline_most_in_memory(const struct roofline *roofline, int64_t context)
{
    const struct pool *pool = roofline->pool;
    return pool->usable_blocks / pool_needed_blocks(pool, context, 1);
}

int64_t roofline_most_in_time(const struct roofline *roofline, int64_t context,
                              int64_t most_ns)
{
    const struct cost *cost = &roofline->pool->cost;
    int64_t low = 0;
    int64_t high = MOST_BATCH;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        struct step_counts counts = decodes(cost, middle, context);
        struct step_price price;
        cost_price(cost, &counts, &price);
        if (cost_duration_ns(cost_sum_fs(&price)) <= most_ns) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}
