#include "study/formula.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "study/textbook.h"

/* Weights, KV, steps: the model's own. */

static struct textbook of_model(const double *in)
{
    return (struct textbook){
        .params = in[0] * 1e9,
        .layers = in[1],
        .heads = in[2],
        .kv_heads = in[3],
        .head_dim = in[4],
        .batch = in[5],
        .context = in[6],
        .tflops = in[7],
        .tbytes = in[8],
        .usd_per_hour = in[9],
    };
}

static struct textbook_step step_of(const struct roofline_convention *by,
                                    const double *in)
{
    struct textbook given = of_model(in);
    return textbook_decode(by, &given);
}

static double weight_gb(const struct roofline_convention *by, const double *in)
{
    return step_of(by, in).weight_bytes / 1e9;
}

static double kv_gb(const struct roofline_convention *by, const double *in)
{
    return step_of(by, in).kv_bytes / 1e9;
}

static double step_gb(const struct roofline_convention *by, const double *in)
{
    return step_of(by, in).bytes / 1e9;
}

static double step_gflop(const struct roofline_convention *by, const double *in)
{
    return step_of(by, in).flops / 1e9;
}

static double intensity(const struct roofline_convention *by, const double *in)
{
    struct textbook_step step = step_of(by, in);
    return step.flops / step.bytes;
}

/* Of attention alone: what intensity tends to as context grows. */
static double attention_intensity(const struct roofline_convention *by,
                                  const double *in)
{
    struct textbook given = of_model(in);
    struct textbook without = given;
    without.context = 0;
    struct textbook_step step = textbook_decode(by, &given);
    return (step.flops - textbook_decode(by, &without).flops) / step.kv_bytes;
}

static double kv_to_weights(const struct roofline_convention *by, const double *in)
{
    struct textbook_step step = step_of(by, in);
    return 100 * step.kv_bytes / step.weight_bytes;
}

/* Tokens of context that take as many bytes to read as the weights. */
static double kv_parity(const struct roofline_convention *by, const double *in)
{
    struct textbook given = of_model(in);
    given.context = 1000;
    struct textbook_step step = textbook_decode(by, &given);
    return 1000 * step.weight_bytes / step.kv_bytes;
}

/* Tokens of context whose attention takes as many FLOPs as the weights. */
static double flops_parity(const struct roofline_convention *by, const double *in)
{
    struct textbook given = of_model(in);
    given.context = 0;
    double weights = textbook_decode(by, &given).flops;
    given.context = 1000;
    return 1000 * weights / (textbook_decode(by, &given).flops - weights);
}

static double step_ms(const struct roofline_convention *by, const double *in)
{
    return step_of(by, in).s * 1e3;
}

static double tokens_per_s(const struct roofline_convention *by, const double *in)
{
    return in[5] / step_of(by, in).s;
}

static double tokens_per_usd(const struct roofline_convention *by, const double *in)
{
    return tokens_per_s(by, in) / in[9] * 3600;
}

/* Streams of one token each at in[1] tokens per second, in GB/s of weights. */
static double stream_gbytes(const struct roofline_convention *by, const double *in)
{
    struct textbook given = {.params = in[0] * 1e9, .batch = in[2]};
    return textbook_decode(by, &given).bytes * in[1] / 1e9;
}

/* How many such streams a bandwidth feeds if they share nothing. */
static double streams_most(const struct roofline_convention *by, const double *in)
{
    struct textbook given = {.params = in[0] * 1e9, .batch = 1};
    return floor(in[2] * in[3] * 1e9 / (textbook_decode(by, &given).bytes * in[1]));
}

/* Ridges and critical batches. */

static double ridge(const struct roofline_convention *by, const double *in)
{
    struct accelerator sheet = textbook_gpu(in[0], in[1]);
    struct accelerator gpu = roofline_convention_gpu(by, &sheet);
    return accelerator_ridge(&gpu, PRECISION_BF16);
}

static double peak_tflops(const struct roofline_convention *by, const double *in)
{
    struct accelerator sheet = textbook_gpu(in[0], 1);
    return (double)roofline_convention_gpu(by, &sheet).bf16_flop_per_s / 1e12;
}

static double weights_batch(const struct roofline_convention *by, const double *in)
{
    return ridge(by, in) * in[2] / 16 * (double)by->io_factor;
}

static double whole_batch(const struct roofline_convention *by, const double *in)
{
    return ceil(weights_batch(by, in));
}

/* Percent of the peak that a step of that intensity reaches. */
static double utilisation(const struct roofline_convention *by, const double *in)
{
    return 100 * fmin(1, in[2] / ridge(by, in) / (double)by->io_factor);
}

/* A [B x D] [D x F] product with bytes x of an input, w of a weight, z of an output. */
static double gemm_intensity(const struct roofline_convention *by, const double *in)
{
    double batch = in[0];
    double d = in[1];
    double f = in[2];
    double io = (double)by->io_factor;
    double weights = in[4] * d * f;
    double activations = by->weights_only ? 0 : batch * (in[3] * d + in[5] * f);
    return 2 * batch * d * f / (io * (weights + activations));
}

/* What the activations take from it. */
static double gemm_loss(const struct roofline_convention *by, const double *in)
{
    struct roofline_convention alone = *by;
    alone.weights_only = true;
    return 1 - gemm_intensity(by, in) / gemm_intensity(&alone, in);
}

/* The batch at which such a product's intensity is the ridge. */
static double gemm_batch(const struct roofline_convention *by, const double *in)
{
    double h = ridge(by, in);
    double d = in[2];
    double f = in[3];
    double x = in[4];
    double w = strcmp(by->name, "s002_q2") == 0 ? 1 : in[5];
    double z = in[6];
    return w * h * d * f / (2 * d * f - h * (x * d + z * f));
}

/* The batch at which two chips give equal tokens per dollar, weights alone. */
static double crossover(const struct roofline_convention *by, const double *in)
{
    struct textbook one = {
        .params = 7e9, .tflops = in[0], .tbytes = in[1], .usd_per_hour = in[2]};
    struct textbook other = {
        .params = 7e9, .tflops = in[3], .tbytes = in[4], .usd_per_hour = in[5]};
    return textbook_crossover(by, &one, &other);
}

#define MODEL "params_b, layers, heads, kv_heads, head_dim, batch, context"
#define CHIP "tflops, tb_per_s"
#define SHAPE "d, f, input_bytes, weight_bytes, output_bytes"

const struct formula formula_model[] = {
    {"weight_gb", "GB", MODEL, weight_gb},
    {"kv_gb", "GB", MODEL, kv_gb},
    {"step_gb", "GB", MODEL, step_gb},
    {"step_gflop", "GFLOP", MODEL, step_gflop},
    {"intensity", "FLOP/B", MODEL, intensity},
    {"attention_intensity", "FLOP/B", MODEL, attention_intensity},
    {"kv_to_weights", "%", MODEL, kv_to_weights},
    {"kv_parity", "tokens", MODEL, kv_parity},
    {"flops_parity", "tokens", MODEL, flops_parity},
    {"step_ms", "ms", MODEL ", " CHIP, step_ms},
    {"tokens_per_s", "tokens/s", MODEL ", " CHIP, tokens_per_s},
    {"tokens_per_usd", "tokens/$", MODEL ", " CHIP ", usd_per_hour", tokens_per_usd},
    {"stream_gbytes", "GB/s", "params_b, tokens_per_s, streams", stream_gbytes},
    {"streams_most", "streams", "params_b, tokens_per_s, gb_per_s, efficiency",
     streams_most},
    {"ridge", "FLOP/B", CHIP, ridge},
    {"peak_tflops", "TFLOPS", "tflops", peak_tflops},
    {"weights_batch", "tokens", CHIP ", weight_bits", weights_batch},
    {"whole_batch", "tokens", CHIP ", weight_bits", whole_batch},
    {"utilisation", "%", CHIP ", intensity", utilisation},
    {"gemm_intensity", "FLOP/B", "batch, " SHAPE, gemm_intensity},
    {"gemm_loss", "", "batch, " SHAPE, gemm_loss},
    {"gemm_batch", "tokens", CHIP ", " SHAPE, gemm_batch},
    {"crossover", "tokens", CHIP ", usd_per_hour, and of the other", crossover},
    {.name = NULL},
};

static const struct formula *find(const struct formula *at, const char *name)
{
    while (at->name != NULL && strcmp(at->name, name) != 0) {
        at++;
    }
    return at->name != NULL ? at : NULL;
}

const struct formula *formula_find(const char *name)
{
    const struct formula *found = find(formula_model, name);
    found = found != NULL ? found : find(formula_reference, name);
    CHECK(found != NULL);
    return found;
}
