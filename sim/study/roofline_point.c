#include "study/roofline_point.h"

#include <math.h>
#include <string.h>

static double batch(const struct roofline_point *point)
{
    return (double)point->batch;
}

static double context(const struct roofline_point *point)
{
    return (double)point->context;
}

static double operation_s(const struct roofline_point *point)
{
    return point->step.s[ROOFLINE_OPERATION];
}

static double operation_ms(const struct roofline_point *point)
{
    return 1e3 * operation_s(point);
}

static double step_ms(const struct roofline_point *point)
{
    return 1e3 * point->step.s[ROOFLINE_STEP];
}

static double sum_ms(const struct roofline_point *point)
{
    return 1e3 * point->step.s[ROOFLINE_SUM];
}

static const char *regime(const struct roofline_point *point)
{
    switch (roofline_regime(&point->step)) {
    case BOUND_COMPUTE:
        return "compute-bound";
    case BOUND_WEIGHT:
        return "weight-bound";
    case BOUND_KV:
        return "KV-bound";
    case BOUND_NETWORK:
        return "network-bound";
    case BOUND_OVERHEAD:
    case N_BOUNDS:
        break;
    }
    return "overhead-bound";
}

static double doubling(const struct roofline_point *point)
{
    return point->twice.s[ROOFLINE_OPERATION] / operation_s(point);
}

/* What twice the batch brings: throughput doubles while the time stays. */
static const char *gain(const struct roofline_point *point)
{
    double more = 2 / doubling(point);
    return more > 1.75 ? "doubles" : more > 1.25 ? "grows" : "flat";
}

static double mfu(const struct roofline_point *point)
{
    return 100 * roofline_mfu(point->roofline, &point->step);
}

static double mbu(const struct roofline_point *point)
{
    return 100 * roofline_mbu(point->roofline, &point->step);
}

static double intensity(const struct roofline_point *point)
{
    return point->step.flops / point->step.bytes;
}

/* Of the weights alone: 2 x batch / bytes of a weight. */
static double weights_intensity(const struct roofline_point *point)
{
    const struct llm *llm = &point->roofline->pool->config->llm;
    double bits = (double)precision_millibits((enum precision)llm->weight_precision);
    return 16e3 * point->step.tokens / bits;
}

static double tokens_per_s(const struct roofline_point *point)
{
    return point->step.tokens / operation_s(point);
}

static double user_tokens_per_s(const struct roofline_point *point)
{
    return 1 / operation_s(point);
}

static double usd_per_mtok(const struct roofline_point *point)
{
    return roofline_usd_per_mtok(point->roofline, &point->step);
}

static double tokens_per_usd(const struct roofline_point *point)
{
    double usd = usd_per_mtok(point);
    return usd > 0 ? 1e6 / usd : 0;
}

static double joules(const struct roofline_point *point)
{
    return point->step.joules / point->step.tokens;
}

/* Bandwidth in GB/s per GPU, from the data sheet to what a step has of it. */

static double peak_gbytes(const struct roofline_point *point)
{
    const struct accelerator *gpu = &point->roofline->pool->config->accelerator;
    return (double)gpu->memory_bytes_per_s / 1e9;
}

static double kernel_gbytes(const struct roofline_point *point)
{
    const struct constants *constants = &point->roofline->pool->config->constants;
    return peak_gbytes(point) * (double)constants->memory_efficiency_nano / 1e9;
}

static double lost(const struct roofline_point *point, enum bound to)
{
    return kernel_gbytes(point) * point->step.bound_s[to] / operation_s(point);
}

static double lost_to_overhead(const struct roofline_point *point)
{
    return lost(point, BOUND_OVERHEAD);
}

static double lost_to_network(const struct roofline_point *point)
{
    return lost(point, BOUND_NETWORK);
}

static double effective_gbytes(const struct roofline_point *point)
{
    return peak_gbytes(point) * roofline_mbu(point->roofline, &point->step);
}

/* The rest: while compute sets the pace, less what moves behind it. */
static double lost_to_compute(const struct roofline_point *point)
{
    double kernel = kernel_gbytes(point);
    double left = kernel - lost_to_overhead(point) - lost_to_network(point) -
                  effective_gbytes(point);
    return fabs(left) > 1e-6 * kernel ? left : 0; /* prices are whole femtoseconds */
}

/* Under a convention: at the data sheet's rates, without an engine's overheads. */

struct counted {
    double flops;
    double bytes;
    double s;
};

static struct counted counted_by(const struct roofline_point *point,
                                 const struct roofline_convention *by)
{
    const struct pool_config *config = point->roofline->pool->config;
    const struct layout *layout = &config->layout;
    struct accelerator gpu = roofline_convention_gpu(by, &config->accelerator);
    struct llm llm = roofline_convention_llm(by, &config->llm);
    struct power power = {0};
    power_init_work(&power, &llm, &config->constants, layout);
    struct work flops = roofline_convention_flops(by, point->batch, point->context);
    struct work bytes = roofline_convention_bytes(by, point->batch, point->context);
    struct work plain = power_work(&point->roofline->ways[ROOFLINE_STEP],
                                   &(struct step_counts){.n_decodes = point->batch});
    bytes.expert_milli = plain.expert_milli * bytes.steps;
    double gpus = (double)layout_gpus(layout);
    enum precision products =
        llm_compute_precision(&llm, (enum precision)llm.weight_precision);
    struct counted counted = {.flops = (double)power_sum(&power.flops, &flops),
                              .bytes = (double)power_sum(&power.bytes, &bytes)};
    double compute_s =
        counted.flops / (double)accelerator_flop_per_s(&gpu, products) / gpus;
    double memory_s = counted.bytes / (double)gpu.memory_bytes_per_s / gpus;
    counted.s = compute_s > memory_s ? compute_s : memory_s;
    return counted;
}

static double counted_ms(const struct roofline_point *point)
{
    return 1e3 * counted_by(point, point->by).s;
}

static double physics_ms(const struct roofline_point *point)
{
    return 1e3 * counted_by(point, &roofline_convention_all[0]).s;
}

static double counted_intensity(const struct roofline_point *point)
{
    struct counted counted = counted_by(point, point->by);
    return counted.flops / counted.bytes;
}

static double counted_tokens_per_s(const struct roofline_point *point)
{
    return (double)point->batch / counted_by(point, point->by).s;
}

static double counted_tokens_per_usd(const struct roofline_point *point)
{
    const struct pool_config *config = point->roofline->pool->config;
    double usd_per_s = (double)config->accelerator.usd_per_hour_nano / 3.6e12 *
                       (double)layout_gpus(&config->layout);
    return usd_per_s > 0 ? counted_tokens_per_s(point) / usd_per_s : 0;
}

/* A figure, and the letters of the tables that have it. */
struct column {
    const char *name; /* in CSV, with its unit */
    const char *head; /* on a terminal */
    const char *tables;
    double (*of)(const struct roofline_point *point); /* NULL: a word */
    const char *(*word)(const struct roofline_point *point);
};

static const struct column columns[] = {
    {"batch", "batch", "trbcf", batch, NULL},
    {"context", "context", "trbcf", context, NULL},
    {"tokens", "tokens", "pg", context, NULL},
    {"operation_ms", "by operation", "tpfg", operation_ms, NULL},
    {"step_ms", "by step", "tpfg", step_ms, NULL},
    {"sum_ms", "sum", "tpfg", sum_ms, NULL},
    {"regime", "bound", "tpfg", NULL, regime},
    {"time_ratio_at_2x", "time at 2x", "tf", doubling, NULL},
    {"throughput_at_2x", "throughput", "tf", NULL, gain},
    {"mfu_percent", "MFU %", "rpfg", mfu, NULL},
    {"mbu_percent", "MBU %", "rpfg", mbu, NULL},
    {"flop_per_byte", "FLOP/B", "rfg", intensity, NULL},
    {"weights_flop_per_byte", "weights", "rfg", weights_intensity, NULL},
    {"tokens_per_s", "tokens/s", "rpfg", tokens_per_s, NULL},
    {"user_tokens_per_s", "/s,user", "rf", user_tokens_per_s, NULL},
    {"usd_per_mtok", "$/Mtok", "rfg", usd_per_mtok, NULL},
    {"tokens_per_usd", "tokens/$", "rfg", tokens_per_usd, NULL},
    {"joule_per_token", "J/token", "rfg", joules, NULL},
    {"peak_gb_per_s", "peak", "bfg", peak_gbytes, NULL},
    {"kernel_gb_per_s", "kernels", "bfg", kernel_gbytes, NULL},
    {"lost_to_compute_gb_per_s", "-compute", "bfg", lost_to_compute, NULL},
    {"lost_to_network_gb_per_s", "-network", "bfg", lost_to_network, NULL},
    {"lost_to_overhead_gb_per_s", "-overhead", "bfg", lost_to_overhead, NULL},
    {"effective_gb_per_s", "effective", "bfg", effective_gbytes, NULL},
    {"physics_ms", "physics ms", "c", physics_ms, NULL},
    {"convention_ms", "ms", "c", counted_ms, NULL},
    {"convention_flop_per_byte", "FLOP/B", "c", counted_intensity, NULL},
    {"convention_tokens_per_s", "tokens/s", "c", counted_tokens_per_s, NULL},
    {"convention_tokens_per_usd", "tokens/$", "c", counted_tokens_per_usd, NULL},
    {.name = NULL},
};

void roofline_point_fill(struct roofline_point *point, const struct roofline *roofline,
                         const struct roofline_convention *by, int64_t n_decodes,
                         int64_t n_context)
{
    *point = (struct roofline_point){
        .roofline = roofline, .by = by, .batch = n_decodes, .context = n_context};
    roofline_decode(roofline, n_decodes, n_context, &point->step);
    roofline_decode(roofline, 2 * n_decodes, n_context, &point->twice);
}

void roofline_point_fill_prompt(struct roofline_point *point,
                                const struct roofline *roofline, int64_t tokens)
{
    *point =
        (struct roofline_point){.roofline = roofline, .batch = 1, .context = tokens};
    roofline_prefill(roofline, tokens, &point->step);
}

static int width_of(const struct column *column)
{
    int length = (int)strlen(column->head);
    int least = column->word != NULL ? 14 : 8;
    return length > least ? length : least;
}

static void print_cell(FILE *out, const struct column *column, bool csv, bool first,
                       const char *text)
{
    if (csv) {
        fprintf(out, "%s%s", first ? "" : ",", text);
    } else {
        fprintf(out, "%s%*s", first ? "" : " ", first ? 6 : width_of(column), text);
    }
}

void roofline_point_header(FILE *out, char table, bool csv)
{
    bool first = true;
    for (const struct column *at = columns; at->name != NULL; at++) {
        if (strchr(at->tables, table) != NULL) {
            print_cell(out, at, csv, first, csv ? at->name : at->head);
            first = false;
        }
    }
    fputc('\n', out);
}

void roofline_point_row(FILE *out, char table, bool csv,
                        const struct roofline_point *point)
{
    bool first = true;
    for (const struct column *at = columns; at->name != NULL; at++) {
        char text[40];
        if (strchr(at->tables, table) == NULL) {
            continue;
        }
        if (at->of != NULL) {
            double value = at->of(point);
            bool whole = value == floor(value) || (!csv && value >= 1000);
            snprintf(text, sizeof text, whole ? "%.0f" : csv ? "%.9g" : "%.4g", value);
        } else {
            snprintf(text, sizeof text, "%s", at->word(point));
        }
        print_cell(out, at, csv, first, text);
        first = false;
    }
    fputc('\n', out);
}
