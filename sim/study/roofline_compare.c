#include "study/roofline_compare.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/calibrated.h"
#include "study/crossover.h"
#include "study/textbook.h"

struct pair {
    const struct roofline *one;
    const struct roofline *other;
    int64_t context;
};

static double log_usd(const struct roofline *roofline, int64_t batch, int64_t context)
{
    struct roofline_step step;
    roofline_decode(roofline, batch, context, &step);
    return log(roofline_usd_per_mtok(roofline, &step));
}

/* Between whole batches the logarithm of the price is taken to be linear. */
static double lead(double batch, void *state)
{
    const struct pair *pair = state;
    int64_t below = (int64_t)batch;
    double part = batch - (double)below;
    double at = log_usd(pair->other, below, pair->context) -
                log_usd(pair->one, below, pair->context);
    if (part == 0) {
        return at;
    }
    double next = log_usd(pair->other, below + 1, pair->context) -
                  log_usd(pair->one, below + 1, pair->context);
    return at + part * (next - at);
}

/* Weights of the pool's precision: a textbook's have two bytes. */
static struct textbook textbook_of(const struct roofline *roofline)
{
    const struct pool_config *config = roofline->pool->config;
    const struct accelerator *gpu = &config->accelerator;
    enum precision weights = (enum precision)config->llm.weight_precision;
    double bits = (double)precision_millibits(weights) / 1e3;
    enum precision products = llm_compute_precision(&config->llm, weights);
    return (struct textbook){
        .params = 1e9,
        .tflops = (double)accelerator_flop_per_s(gpu, products) / 1e12,
        .tbytes = (double)gpu->memory_bytes_per_s / 1e12 * 16 / bits,
        .usd_per_hour = (double)gpu->usd_per_hour_nano / 1e9,
    };
}

/* Without the folder, if it is a file's. */
static const char *name_of(const struct roofline *roofline)
{
    const char *name = roofline->pool->config->accelerator_name;
    const char *slash = strrchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}

static void print_batch(FILE *out, double batch)
{
    if (isnan(batch)) {
        fputs("none", out);
    } else {
        fprintf(out, "batch %.1f", batch);
    }
}

static void print_ratios(FILE *out, const struct roofline *one,
                         const struct roofline *other, int64_t batch, int64_t context)
{
    struct roofline_step mine;
    struct roofline_step yours;
    roofline_decode(one, batch, context, &mine);
    roofline_decode(other, batch, context, &yours);
    double mine_usd = roofline_usd_per_mtok(one, &mine);
    double yours_usd = roofline_usd_per_mtok(other, &yours);
    fprintf(out, "%6" PRId64 " %9" PRId64 " %12.4g %12.4g %12.4g", batch, context,
            mine.s[ROOFLINE_OPERATION] * 1e3, yours.s[ROOFLINE_OPERATION] * 1e3,
            yours.s[ROOFLINE_OPERATION] / mine.s[ROOFLINE_OPERATION]);
    if (mine_usd > 0 && yours_usd > 0) {
        fprintf(out, " %15.4g\n", mine_usd / yours_usd);
    } else {
        fprintf(out, " %15s\n", "no price");
    }
}

static void print_crossovers(FILE *out, const struct roofline *one,
                             const struct roofline *other,
                             const struct roofline_request *request)
{
    const double most = 1 << 16;
    struct textbook mine = textbook_of(one);
    struct textbook yours = textbook_of(other);
    if (!(mine.usd_per_hour > 0 && yours.usd_per_hour > 0)) {
        return;
    }
    fputs("equal tokens per dollar, weights alone: ", out);
    print_batch(out, textbook_crossover(&roofline_convention_all[0], &mine, &yours));
    fputc('\n', out);
    for (int32_t i = 0; i < request->contexts.n; i++) {
        struct pair pair = {one, other, request->contexts.values[i]};
        struct crossover crossover = {.lead = lead, .state = &pair};
        double batch = crossover_find(&crossover, most);
        fprintf(out, "equal tokens per dollar at context %" PRId64 ": ", pair.context);
        print_batch(out, batch);
        if (batch > (double)roofline_most_in_memory(one, pair.context) ||
            batch > (double)roofline_most_in_memory(other, pair.context)) {
            fputs(", more than memory holds", out);
        }
        fputc('\n', out);
    }
}

void roofline_compare_print(FILE *out, const struct roofline *one,
                            const struct roofline *other,
                            const struct roofline_request *request)
{
    char calibration[CALIBRATED_TEXT];
    fprintf(out, "\n%s against %s: compute-bound from batch %.1f against %.1f\n",
            name_of(other), name_of(one), roofline_weights_batch(other),
            roofline_weights_batch(one));
    calibrated_print(other->pool->config, 1, calibration);
    fprintf(out, "step times of %s: %s\n", name_of(other), calibration);
    fprintf(out, " batch   context %12.12s %12.12s   time ratio   tokens/usd x\n",
            name_of(one), name_of(other));
    for (int32_t c = 0; c < request->contexts.n; c++) {
        for (int32_t b = 0; b < request->batches.n; b++) {
            print_ratios(out, one, other, request->batches.values[b],
                         request->contexts.values[c]);
        }
    }
    print_crossovers(out, one, other, request);
}
