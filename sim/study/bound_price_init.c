#include "study/bound_price.h"

#include <math.h>

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double greater(double a, double b)
{
    return a > b ? a : b;
}

/* What is sure of a coefficient that was rounded, where the other side's was, too. */
static double sure(const struct cost *cost, int64_t fs)
{
    double left = (double)fs - (cost->hides ? 0.5 : 0);
    return left > 0 ? left : 0;
}

/* Coefficients of one side, of which a share counts. */
struct part {
    const struct cost_coefficients *of;
    double share;
};

/* Lowers a side to what a step of `m` micro-batches takes, mixed or not. */
static void lower(struct bound_price_side *side, const struct cost *cost, int64_t m,
                  struct part compute, struct part memory)
{
    double knee = (double)cost->knee_tokens[m - 1];
    for (int i = 0; i < N_COST_CLASSES; i++) {
        for (int mixed = 0; mixed < 2; mixed++) {
            double fs =
                sure(cost, compute.of->terms[mixed][i].compute_fs) * compute.share;
            bool has_knee = i == COST_PROJECTIONS || i == COST_MLP;
            side->compute[i] = least(side->compute[i], fs);
            side->knee[i] = least(side->knee[i], has_knee ? fs * knee : 0);
            fs = sure(cost, memory.of->terms[mixed][i].memory_fs);
            if (i == COST_ACTIVATIONS) {
                fs -= (double)memory.of->copies_fs;
            }
            side->memory[i] = greater(0, least(side->memory[i], fs * memory.share));
        }
    }
    double pair = sure(cost, memory.of->naive_pair_fs) * memory.share;
    double copies = sure(cost, memory.of->copies_fs) * memory.share;
    side->naive_pair = least(side->naive_pair, pair);
    side->copies = least(side->copies, copies);
    side->experts = memory.of->expert_fs;
    side->experts_share = memory.share;
}

static struct bound_price_side no_side(void)
{
    struct bound_price_side side = {.naive_pair = INFINITY, .copies = INFINITY};
    for (int i = 0; i < N_COST_CLASSES; i++) {
        side.compute[i] = side.memory[i] = side.knee[i] = INFINITY;
    }
    return side;
}

/* The share of the shorter side that overlap leaves of any class. */
static double shown_of(const struct cost *cost, const struct constants *constants)
{
    int64_t overlap = constants->overlap_nano;
    int64_t attention = constants->attention_overlap_nano;
    int64_t experts = cost->n_expert_fs > 0 ? constants->expert_overlap_nano : 0;
    overlap = overlap > attention ? overlap : attention;
    overlap = overlap > experts ? overlap : experts;
    return 1 - (double)overlap * 1e-9;
}

static void init_roofline(struct bound_price *price, const struct constants *constants)
{
    const struct cost *cost = price->cost;
    double shown = shown_of(cost, constants);
    price->sides[BOUND_PRICE_COMPUTE] = price->sides[BOUND_PRICE_MEMORY] = no_side();
    price->network_token = price->dispatch_token = INFINITY;
    for (int64_t m = 1; m <= cost->n_stages; m++) {
        struct part whole = {&cost->full[m - 1], 1};
        struct part left = {&cost->hidden[m - 1], 1};
        if (cost->roofline == COST_STEP) {
            left = (struct part){&cost->full[m - 1], shown};
        }
        lower(&price->sides[BOUND_PRICE_COMPUTE], cost, m, whole, left);
        lower(&price->sides[BOUND_PRICE_MEMORY], cost, m, left, whole);
        double dispatch = (double)cost->dispatch_token_fs[m - 1];
        double token = (double)cost->network_token_fs[m - 1] - dispatch;
        price->dispatch_token = least(price->dispatch_token, dispatch);
        price->network_token = least(price->network_token, token);
    }
    const double *memory = price->sides[BOUND_PRICE_MEMORY].memory;
    price->least_step_fs = (double)(cost->overhead_fs + cost->network_fs) +
                           memory[COST_PROJECTIONS] + memory[COST_MLP];
}

void bound_price_init(struct bound_price *price, const struct pool *pool)
{
    *price =
        (struct bound_price){.cost = &pool->cost, .limits = bound_sums_limits(pool)};
    if (pool->cost.kind == COST_ROOFLINE) {
        init_roofline(price, &pool->config->constants);
    } else {
        price->least_step_fs = (double)pool->cost.linear.base_fs;
    }
}
