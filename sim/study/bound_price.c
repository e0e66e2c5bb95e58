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
    int best = sum[BOUND_PRICE_MEMORY] > sum[BOUND_PRICE_COMPUTE];
    for (int i = 0; i < cost->n_classes; i++) {
        int side = fs[BOUND_PRICE_MEMORY][i] > fs[BOUND_PRICE_COMPUTE][i];
        int with = i == COST_DECODE_ATTENTION    ? COST_PREFILL_ATTENTION
                   : i == COST_PREFILL_ATTENTION ? COST_DECODE_ATTENTION
                   : i == COST_WINDOW_DECODE     ? COST_WINDOW_PREFILL
                   : i == COST_WINDOW_PREFILL    ? COST_WINDOW_DECODE
                                                 : i;
        if (joined && with != i) { /* a token may be in either: both at one side */
            side = fs[BOUND_PRICE_MEMORY][i] + fs[BOUND_PRICE_MEMORY][with] >
                   fs[BOUND_PRICE_COMPUTE][i] + fs[BOUND_PRICE_COMPUTE][with];
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
    struct choice choice = {0};
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
    struct choice choice = {0};
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

/* What is sure of a price once it is a duration, in seconds per femtosecond. */
static double kept(const struct bound_price *price)
{
    const double half_ns = 5e5;
    double share = price->least_step_fs >= 3 * half_ns
                       ? 1 - half_ns / price->least_step_fs
                       : 2.0 / 3.0;
    return share * (1 - 1e-9) * 1e-15;
}

double bound_price_s(const struct bound_price *price, const struct bound_sums *sums)
{
    double fs = price->cost->kind == COST_LINEAR
                    ? linear_fs(price, sums, price->limits.n_ranks)
                    : roofline_fs(price, sums);
    return fs * kept(price);
}

static struct bound_price_line linear_line(const struct bound_price *price, bool shares)
{
    const struct cost_config *linear = &price->cost->linear;
    double ranks = price->limits.n_ranks;
    double token = (double)linear->prefill_token_fs;
    double decode = (double)linear->decode_seq_fs;
    double context = (double)linear->context_token_fs;
    bool again = shares || token < decode + context; /* who computes again pays less */
    return (struct bound_price_line){
        .step_s = (double)linear->base_fs,
        .sequence_s = least(decode, token) / ranks,
        .context_s = again ? 0 : context / ranks,
    };
}

/* Ranks hold their own; what is of all of them is one rank's only in part. */
static struct bound_price_line roofline_line(const struct bound_price *price)
{
    const struct cost *cost = price->cost;
    const struct bound_price_side *side = &price->sides[BOUND_PRICE_MEMORY];
    double ranks = price->limits.n_ranks;
    struct bound_price_line line = {
        .step_s = (double)(cost->overhead_fs + cost->network_fs) +
                  side->memory[COST_PROJECTIONS] + side->memory[COST_MLP] +
                  side->memory[COST_HEAD],
        .sequence_s = price->network_token + side->memory[COST_ACTIVATIONS] +
                      (price->dispatch_token + side->copies) / ranks,
        .context_s = least(side->memory[COST_DECODE_ATTENTION],
                           side->memory[COST_PREFILL_ATTENTION]),
    };
    if (cost->n_classes > COST_WINDOW_PREFILL) {
        line.window_s =
            least(side->memory[COST_WINDOW_DECODE], side->memory[COST_WINDOW_PREFILL]);
    }
    if (cost->n_classes > COST_STATE) {
        line.sequence_s += side->memory[COST_STATE];
    }
    if (side->experts != NULL) {
        double most = price->limits.sequences * price->limits.emitted;
        double fixed = experts_on_chord(price, side->experts, 1, 0, most);
        double rising = experts_on_chord(price, side->experts, 1, 1, most) - fixed;
        line.step_s += side->experts_share * fixed;
        line.sequence_s += side->experts_share * rising / ranks;
    }
    return line;
}

struct bound_price_line bound_price_decode_line(const struct bound_price *price,
                                                bool shares)
{
    struct bound_price_line line = price->cost->kind == COST_LINEAR
                                       ? linear_line(price, shares)
                                       : roofline_line(price);
    double seconds = kept(price);
    line.step_s *= seconds;
    line.sequence_s *= seconds;
    line.context_s *= seconds;
    line.window_s *= seconds;
    return line;
}
