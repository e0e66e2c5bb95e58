#include "study/bound_price.h"

#include <math.h>

enum { COMPUTE_SIDE, MEMORY_SIDE };

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
    price->sides[COMPUTE_SIDE] = price->sides[MEMORY_SIDE] = no_side();
    price->network_token = price->dispatch_token = INFINITY;
    for (int64_t m = 1; m <= cost->n_stages; m++) {
        struct part whole = {&cost->full[m - 1], 1};
        struct part left = {&cost->hidden[m - 1], 1};
        if (cost->roofline == COST_STEP) {
            left = (struct part){&cost->full[m - 1], shown};
        }
        lower(&price->sides[COMPUTE_SIDE], cost, m, whole, left);
        lower(&price->sides[MEMORY_SIDE], cost, m, left, whole);
        double dispatch = (double)cost->dispatch_token_fs[m - 1];
        double token = (double)cost->network_token_fs[m - 1] - dispatch;
        price->dispatch_token = least(price->dispatch_token, dispatch);
        price->network_token = least(price->network_token, token);
    }
    const double *memory = price->sides[MEMORY_SIDE].memory;
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

/* Time to read what `tokens` of a micro-batch visit, between whole tokens on a line. */
static double experts_at(const struct bound_price *price, const int64_t *table,
                         double tokens)
{
    int64_t last = price->cost->n_expert_fs - 1;
    if (!(tokens < (double)last)) {
        return (double)table[last];
    }
    int64_t before = (int64_t)tokens;
    double from = (double)table[before];
    return from + ((double)table[before + 1] - from) * (tokens - (double)before);
}

/* By the chord from one token of a micro-batch to the most that a step has. */
static double experts_on_chord(const struct bound_price *price, const int64_t *table,
                               double steps, double tokens, double most)
{
    const double rounded =
        3; /* entries are whole numbers: twice on the chord, once here */
    double m = (double)price->cost->n_stages;
    double one = (double)table[1];
    double slope =
        most > m ? (experts_at(price, table, most / m) - one) / (most / m - 1) : 0;
    double fixed = one - slope - rounded;
    return isfinite(slope) && fixed > 0 ? steps * fixed + tokens / m * slope : 0;
}

/* Reading experts: by all tokens, by those that come out, and as if in one step. */
static double experts(const struct bound_price *price, const int64_t *table,
                      const struct bound_sums *sums, double ranks)
{
    const struct bound_limits *limits = &price->limits;
    double m = (double)price->cost->n_stages;
    double most = limits->sequences * limits->emitted;
    double out = sums->emitted / ranks;
    double fs = experts_on_chord(price, table, sums->steps, out, most);
    fs = greater(fs, experts_on_chord(price, table, sums->steps, sums->shared_tokens,
                                      limits->tokens));
    return greater(fs, experts_at(price, table, sums->shared_tokens / m) - 3);
}

/* What the classes other than attention take on one side. */
static double class_fs(const struct bound_price *price, int side_index, int class,
                       const struct bound_sums *sums)
{
    const struct bound_price_side *side = &price->sides[side_index];
    double compute = side->compute[class];
    double memory = side->memory[class];
    switch ((enum cost_class) class) {
    case COST_PROJECTIONS:
    case COST_MLP:
        return compute * sums->tokens + (side->knee[class] + memory) * sums->steps;
    case COST_HEAD:
        return compute * sums->emitted + memory * sums->emitting_steps;
    case COST_ACTIVATIONS:
        return memory * sums->tokens + side->copies * sums->shared_tokens;
    case COST_EXPERTS: {
        double ranks = sums->tokens > 0 ? sums->tokens / sums->shared_tokens : 1;
        double read =
            side->experts != NULL ? experts(price, side->experts, sums, ranks) : 0;
        return compute * sums->shared_tokens + side->experts_share * greater(0, read);
    }
    case COST_STATE:
        return compute * sums->tokens + memory * sums->sequences;
    case COST_DECODE_ATTENTION:
        return compute * sums->decode_pairs + memory * sums->decode_context;
    case COST_PREFILL_ATTENTION:
        return (compute + side->naive_pair) * sums->prefill_pairs +
               memory * sums->prefill_context;
    case COST_WINDOW_DECODE:
        return compute * sums->decode_window_pairs + memory * sums->decode_window;
    case COST_WINDOW_PREFILL:
        return compute * sums->window_pairs + memory * sums->window_context;
    case N_COST_CLASSES:
        break;
    }
    return 0;
}

/* Which side each class is taken at. */
struct choice {
    int side[N_COST_CLASSES];
};

/* The classes' time at the sides that make it the longest. */
static double classes_fs(const struct bound_price *price, const struct bound_sums *sums,
                         bool joined, struct choice *choice)
{
    const struct cost *cost = price->cost;
    double fs[2][N_COST_CLASSES] = {{0}};
    double sum[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < cost->n_classes; i++) {
            fs[side][i] = class_fs(price, side, i, sums);
            sum[side] += fs[side][i];
        }
    }
    double all = 0;
    int best = sum[MEMORY_SIDE] > sum[COMPUTE_SIDE];
    for (int i = 0; i < cost->n_classes; i++) {
        int side = fs[MEMORY_SIDE][i] > fs[COMPUTE_SIDE][i];
        int with = i == COST_DECODE_ATTENTION    ? COST_PREFILL_ATTENTION
                   : i == COST_PREFILL_ATTENTION ? COST_DECODE_ATTENTION
                   : i == COST_WINDOW_DECODE     ? COST_WINDOW_PREFILL
                   : i == COST_WINDOW_PREFILL    ? COST_WINDOW_DECODE
                                                 : i;
        if (joined && with != i) { /* a token may be in either: both at one side */
            side = fs[MEMORY_SIDE][i] + fs[MEMORY_SIDE][with] >
                   fs[COMPUTE_SIDE][i] + fs[COMPUTE_SIDE][with];
        }
        choice->side[i] = cost->roofline == COST_STEP ? best : side;
        all += fs[choice->side[i]][i];
    }
    return all;
}

/* What computing `context` tokens again takes, less what one decode there would have. */
static double gain_fs(const struct bound_price *price, const struct choice *choice,
                      double context)
{
    const struct bound_price_side *sides = price->sides;
    const struct bound_price_side *prefill =
        &sides[choice->side[COST_PREFILL_ATTENTION]];
    const struct bound_price_side *decode = &sides[choice->side[COST_DECODE_ATTENTION]];
    double token = price->network_token;
    for (int i = 0; i < price->cost->n_classes; i++) {
        const struct bound_price_side *side = &sides[choice->side[i]];
        if (i == COST_PROJECTIONS || i == COST_MLP || i == COST_STATE) {
            token += side->compute[i];
        } else if (i == COST_ACTIVATIONS) {
            token += side->memory[i];
        }
    }
    double gain = token * (context - 1) +
                  (prefill->compute[COST_PREFILL_ATTENTION] + prefill->naive_pair) *
                      context * (context + 1) / 2 +
                  prefill->memory[COST_PREFILL_ATTENTION] * context;
    double loss = (decode->compute[COST_DECODE_ATTENTION] +
                   decode->memory[COST_DECODE_ATTENTION]) *
                      context +
                  (double)price->cost->sequence_fs;
    if (price->cost->n_classes > COST_WINDOW_PREFILL) {
        decode = &sides[choice->side[COST_WINDOW_DECODE]];
        loss +=
            (decode->compute[COST_WINDOW_DECODE] + decode->memory[COST_WINDOW_DECODE]) *
            least(context, (double)price->cost->window_tokens);
    }
    return gain - loss;
}

/* The gain is convex where the window's part of the loss grows, and beyond grows faster. */
static bool is_paid_for(const struct bound_price *price, const struct choice *choice,
                        const struct bound_sums *sums)
{
    double context = sums->least_context;
    double gain = gain_fs(price, choice, context);
    return sums->decodes <= 0 ||
           (!sums->shares && price->limits.emitted <= 1 && gain >= 0 &&
            gain_fs(price, choice, context + 1) >= gain);
}

static void lower_to(double *a, double b)
{
    *a = least(*a, b);
}

/* The price where a token of output costs no more with a chunk than with a decode. */
static double cheapest_fs(const struct bound_price *price,
                          const struct bound_sums *sums)
{
    struct bound_price cheap = *price;
    struct choice choice;
    for (int i = 0; i < 2; i++) {
        struct bound_price_side *side = &cheap.sides[i];
        lower_to(&side->compute[COST_DECODE_ATTENTION],
                 side->compute[COST_PREFILL_ATTENTION] + side->naive_pair);
        lower_to(&side->memory[COST_DECODE_ATTENTION],
                 side->memory[COST_PREFILL_ATTENTION]);
        lower_to(&side->compute[COST_WINDOW_DECODE],
                 side->compute[COST_WINDOW_PREFILL]);
        lower_to(&side->memory[COST_WINDOW_DECODE], side->memory[COST_WINDOW_PREFILL]);
    }
    return classes_fs(&cheap, sums, true, &choice);
}

static double roofline_fs(const struct bound_price *price,
                          const struct bound_sums *sums)
{
    const struct cost *cost = price->cost;
    struct choice choice;
    double fs = classes_fs(price, sums, false, &choice) +
                (double)cost->sequence_fs * sums->decodes;
    if (!is_paid_for(price, &choice, sums)) {
        fs = cheapest_fs(price, sums);
    }
    return fs + (double)(cost->overhead_fs + cost->network_fs) * sums->steps +
           (double)cost->prefill_fs * sums->prefill_steps +
           price->network_token * sums->tokens +
           price->dispatch_token * sums->shared_tokens;
}

static double linear_fs(const struct bound_price *price, const struct bound_sums *sums,
                        double ranks)
{
    const struct cost_config *linear = &price->cost->linear;
    double token = (double)linear->prefill_token_fs;
    double decode = (double)linear->decode_seq_fs;
    double context = (double)linear->context_token_fs;
    double gain = token * sums->least_context - decode - context * sums->least_context;
    double output = decode * sums->decodes + context * sums->decode_context;
    if (sums->shares || price->limits.emitted > 1 || gain < 0 || token < context) {
        output = least(decode, token) * sums->decodes;
    }
    return (double)linear->base_fs * sums->steps +
           (token * sums->prefill_tokens + output) / ranks;
}

double bound_price_s(const struct bound_price *price, const struct bound_sums *sums)
{
    const double half_ns = 5e5;
    double fs = price->cost->kind == COST_LINEAR
                    ? linear_fs(price, sums, price->limits.n_ranks)
                    : roofline_fs(price, sums);
    double kept = price->least_step_fs >= 3 * half_ns
                      ? 1 - half_ns / price->least_step_fs
                      : 2.0 / 3.0;
    return fs * kept * (1 - 1e-9) * 1e-15;
}
