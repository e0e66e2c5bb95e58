#include "study/formula.h"

#include <math.h>

#include "study/textbook.h"

/* Mixtures of experts, speculation, parallel layouts, attention. */

static double experts(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return textbook_experts((int64_t)in[0], (int64_t)in[1], (int64_t)in[2]);
}

/* 2DF / (D + F): what a grouped product tends to as groups grow. */
static double grouped_limit(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return 2 * in[0] * in[1] / (in[0] + in[1]);
}

/* Tokens that a verification of k drafts yields, each accepted with probability a: 1 + a +
 * ... + a^k (Leviathan et al., 2023, arXiv 2211.17192). */
static double speculative(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return (1 - pow(in[0], in[1] + 1)) / (1 - in[0]);
}

static double allreduce_intensity(const struct roofline_convention *by,
                                  const double *in)
{
    (void)by;
    return in[0] / (2 * (in[1] - 1));
}

/* L / ceil(L / P): the fullest stage sets the pace. */
static double pipeline(const struct roofline_convention *by, const double *in)
{
    double stages = in[1];
    double layers = in[0];
    if (by->product) {
        return fmin(stages, layers) * in[2] / (1 + in[3]);
    }
    return layers / ceil(layers / stages);
}

static double amdahl(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return 1 / (1 - in[0] + in[0] / in[1]);
}

/* The parallel share that a speed-up on n devices implies. */
static double amdahl_share(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return (1 - 1 / in[0]) / (1 - 1 / in[1]);
}

/* Traffic of materialised scores over that of none: 1 + n / d. */
static double attention_traffic(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return 1 + in[0] / in[1];
}

/* The same of time, both at the roof: compute bounds what little traffic is left. */
static double attention_time(const struct roofline_convention *by, const double *in)
{
    double n = in[0];
    double d = in[1];
    struct accelerator sheet = textbook_gpu(in[2], in[3]);
    struct accelerator gpu = roofline_convention_gpu(by, &sheet);
    double h = accelerator_ridge(&gpu, PRECISION_BF16);
    double flops = 4 * n * n * d / h; /* in bytes that could have been moved */
    double minimal = 8 * n * d;
    return fmax(flops, minimal + 8 * n * n) / fmax(flops, minimal);
}

static double prefill_intensity(const struct roofline_convention *by, const double *in)
{
    (void)by;
    double n = in[0];
    double d = in[1];
    return 4 * n * n * d / (8 * n * d);
}

/* Savings, factors and budgets. */

/* Product of (1 - E). */
static double compound_left(const struct roofline_convention *by, const double *in)
{
    (void)by;
    double left = 1;
    for (int i = 0; i < FORMULA_INPUTS; i++) {
        left *= 1 - in[i];
    }
    return left;
}

static double compound_saving(const struct roofline_convention *by, const double *in)
{
    return 1 - compound_left(by, in);
}

static double factors(const struct roofline_convention *by, const double *in)
{
    (void)by;
    double product = 1;
    for (int i = 0; i < FORMULA_INPUTS; i++) {
        product *= in[i] != 0 ? in[i] : 1;
    }
    return product;
}

static double ratio(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return in[0] / in[1];
}

static double sum(const struct roofline_convention *by, const double *in)
{
    (void)by;
    double total = 0;
    for (int i = 0; i < FORMULA_INPUTS; i++) {
        total += in[i];
    }
    return total;
}

/* Per step of `steps` equal ones. */
static double growth(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return pow(in[1] / in[0], 1 / in[2]);
}

static double percent_more(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return 100 * (in[0] / in[1] - 1);
}

static double precision_bits(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return (double)precision_millibits((enum precision)in[0]) / 1000;
}

/* Bits to each of two layers of weights s and penalties l, whose sum is the budget: mu is
 * the mean of s weighted by 1 / l.  in: budget, s1, l1, s2, l2; the first's bits. */
static double allocated_bits(const struct roofline_convention *by, const double *in)
{
    double mean = (in[1] + in[3]) / 2;
    double weighted = (in[1] / in[2] + in[3] / in[4]) / (1 / in[2] + 1 / in[4]);
    double mu = by->product ? mean : weighted;
    return in[0] / 2 + (in[1] - mu) / (2 * in[2]);
}

static double allocated_sum(const struct roofline_convention *by, const double *in)
{
    const double swapped[FORMULA_INPUTS] = {in[0], in[3], in[4], in[1], in[2]};
    return allocated_bits(by, in) + allocated_bits(by, swapped);
}

static double saturation(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return 1 - exp(-in[0] * in[1]);
}

/* Useful bytes of e out of a line of C, at stride S. */
static double stride(const struct roofline_convention *by, const double *in)
{
    double element = in[0];
    double step = in[1];
    double line = in[2];
    if (by->product) {
        return fmin(1, line / step) * in[3];
    }
    return element / fmin(fmax(step, element), line);
}

/* Bytes left of compression, cache hits and prefetch: prefetch hides latency, no bytes. */
static double traffic_left(const struct roofline_convention *by, const double *in)
{
    if (by->product) {
        return 1 - in[0] * in[1] * in[2];
    }
    return (1 - in[0]) * (1 - in[1]);
}

/* Watts at which the junction reaches its limit: (T_max - T_amb) x cooling / R. */
static double thermal_w(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return (in[0] - in[1]) * in[2] / in[3];
}

/* Joules of bytes over joules of FLOPs, at picojoules each. */
static double energy_ratio(const struct roofline_convention *by, const double *in)
{
    (void)by;
    return in[0] * in[1] / (in[2] * in[3]);
}

#define SAVINGS "saving of each"

const struct formula formula_reference[] = {
    {"experts", "experts", "experts, active, batch", experts},
    {"grouped_limit", "FLOP/B", "d, f", grouped_limit},
    {"speculative", "tokens", "acceptance, drafts", speculative},
    {"allreduce_intensity", "FLOP/B", "d, gpus", allreduce_intensity},
    {"pipeline", "x", "layers, stages, efficiency, bubble", pipeline},
    {"amdahl", "x", "parallel_share, devices", amdahl},
    {"amdahl_share", "", "speed-up, devices", amdahl_share},
    {"attention_traffic", "x", "tokens, head_dim", attention_traffic},
    {"attention_time", "x", "tokens, head_dim, tflops, tb_per_s", attention_time},
    {"prefill_intensity", "FLOP/B", "tokens, head_dim", prefill_intensity},
    {"compound_left", "", SAVINGS, compound_left},
    {"compound_saving", "", SAVINGS, compound_saving},
    {"factors", "", "factors", factors},
    {"ratio", "", "one, other", ratio},
    {"sum", "", "terms", sum},
    {"growth", "x", "from, to, steps", growth},
    {"percent_more", "%", "one, other", percent_more},
    {"precision_bits", "bits", "precision", precision_bits},
    {"allocated_bits", "bits", "budget, s1, l1, s2, l2", allocated_bits},
    {"allocated_sum", "bits", "budget, s1, l1, s2, l2", allocated_sum},
    {"saturation", "", "alpha, bits", saturation},
    {"stride", "", "element, stride, line, locality", stride},
    {"traffic_left", "", "compression, hits, prefetch", traffic_left},
    {"thermal_w", "W", "t_max, t_ambient, cooling, kelvin_per_w", thermal_w},
    {"energy_ratio", "x", "pj_per_byte, bytes, pj_per_flop, flops", energy_ratio},
    {.name = NULL},
};
