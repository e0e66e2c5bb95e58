#include "study/bound.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "study/bound_pace.h"

void bound_mix_add(struct bound_mix *mix, int64_t prompt_tokens, int64_t output_tokens,
                   bool shares)
{
    if (mix->n_lengths == mix->room) {
        mix->room = mix->room * 2 + 64;
        mix->lengths =
            memory_grow(mix->lengths, (size_t)mix->room, sizeof *mix->lengths);
    }
    mix->lengths[mix->n_lengths++] =
        (struct bound_length){prompt_tokens, output_tokens, 1, shares};
    mix->n_requests++;
    mix->is_sorted = false;
}

void bound_mix_free(struct bound_mix *mix)
{
    free(mix->lengths);
}

static int by_length(const void *a, const void *b)
{
    const struct bound_length *x = a;
    const struct bound_length *y = b;
    if (x->prompt_tokens != y->prompt_tokens) {
        return x->prompt_tokens < y->prompt_tokens ? -1 : 1;
    }
    if (x->output_tokens != y->output_tokens) {
        return x->output_tokens < y->output_tokens ? -1 : 1;
    }
    return x->shares - y->shares;
}

/* Requests that are alike become one length. */
static void merge(struct bound_mix *mix)
{
    if (mix->is_sorted) {
        return;
    }
    CHECK(mix->n_lengths > 0);
    qsort(mix->lengths, (size_t)mix->n_lengths, sizeof *mix->lengths, by_length);
    int64_t last = 0;
    for (int64_t i = 1; i < mix->n_lengths; i++) {
        if (by_length(&mix->lengths[last], &mix->lengths[i]) == 0) {
            mix->lengths[last].n += mix->lengths[i].n;
        } else {
            mix->lengths[++last] = mix->lengths[i];
        }
    }
    mix->n_lengths = last + 1;
    mix->is_sorted = true;
}

static double frontend_s(const struct pool *pool, const struct bound_length *length)
{
    const struct constants *constants = &pool->config->constants;
    int64_t fixed_ns = constants->frontend_request_ns + constants->frontend_ns;
    double tokens_ns =
        (double)constants->frontend_token_fs * (double)length->prompt_tokens * 1e-6;
    double rounded_ns = tokens_ns > 0.5 ? tokens_ns - 0.5 : 0;
    return ((double)fixed_ns + rounded_ns) * 1e-9;
}

static double ttft_s(const struct pool *pool, const struct bound_price *price,
                     const struct bound_length *length)
{
    struct bound_sums sums;
    if (!price->limits.prompts) {
        return 0;
    }
    bound_sums_prompt(&sums, &price->limits, length);
    return frontend_s(pool, length) + bound_price_s(price, &sums);
}

static double output_s(const struct bound_price *price,
                       const struct bound_length *length)
{
    struct bound_sums sums;
    bound_sums_output(&sums, &price->limits, length);
    return sums.steps > 0 ? bound_price_s(price, &sums) : 0;
}

double bound_ttft_s(const struct pool *pool, const struct bound_length *length)
{
    struct bound_price price;
    bound_price_init(&price, pool);
    return ttft_s(pool, &price, length);
}

double bound_output_s(const struct pool *pool, const struct bound_length *length)
{
    struct bound_price price;
    bound_price_init(&price, pool);
    return output_s(&price, length);
}

static void add_all(const struct pool *pool, const struct bound_price *price,
                    const struct bound_mix *mix, struct bound_sums *sums,
                    struct bound_result *result)
{
    double least_ttft_s = INFINITY;
    double least_tpot_s = INFINITY;
    for (int64_t i = 0; i < mix->n_lengths; i++) {
        const struct bound_length *length = &mix->lengths[i];
        bound_sums_add(sums, &price->limits, length);
        least_ttft_s = fmin(least_ttft_s, ttft_s(pool, price, length));
        if (length->output_tokens > 1) {
            double gaps = (double)(length->output_tokens - 1);
            least_tpot_s = fmin(least_tpot_s, output_s(price, length) / gaps);
        }
    }
    bound_sums_close(sums, &price->limits);
    result->least_ttft_s = least_ttft_s;
    result->least_tpot_s = isfinite(least_tpot_s) ? least_tpot_s : 0;
}

/* What the SLO leaves for a token after the first; 0: it has no such bound. */
static double pace_of(const struct slo *slo)
{
    int64_t ns = slo->tpot_ns;
    if (slo->itl_ns > 0 && (ns == 0 || slo->itl_ns < ns)) {
        ns = slo->itl_ns;
    }
    return (double)ns * 1e-9;
}

void bound_of_slo(const struct pool *pool, struct bound_mix *mix, const struct slo *slo,
                  double share, struct bound_result *result)
{
    struct bound_price price;
    struct bound_sums sums = {.steps = 0};
    struct bound_pace pace = {pace_of(slo), share};
    merge(mix);
    bound_price_init(&price, pool);
    add_all(pool, &price, mix, &sums, result);
    if (pace.seconds > 0) {
        double steps = bound_pace_steps(&price, mix->lengths, mix->n_lengths,
                                        mix->n_requests, &pace);
        sums.steps = fmax(sums.steps, steps);
        sums.emitting_steps = fmax(sums.emitting_steps, steps);
    }
    double busy_s = isfinite(sums.steps)
                        ? bound_price_s(&price, &sums) / (double)mix->n_requests
                        : INFINITY;
    result->busy_s_per_request = busy_s;
    result->most_rps = busy_s > 0 ? 1 / busy_s : INFINITY;
}

void bound_of(const struct pool *pool, struct bound_mix *mix,
              struct bound_result *result)
{
    struct slo none = {.tpot_ns = 0};
    bound_of_slo(pool, mix, &none, 1, result);
}

static bool above(double seconds, int64_t bound_ns)
{
    return bound_ns > 0 && seconds > (double)bound_ns * 1e-9;
}

double bound_unmet_share(const struct pool *pool, struct bound_mix *mix,
                         const struct slo *slo)
{
    struct bound_price price;
    int64_t n_unmet = 0;
    merge(mix);
    bound_price_init(&price, pool);
    for (int64_t i = 0; i < mix->n_lengths; i++) {
        const struct bound_length *length = &mix->lengths[i];
        double first_s = ttft_s(pool, &price, length);
        double rest_s = output_s(&price, length);
        double gaps = (double)(length->output_tokens - 1);
        bool unmet =
            above(first_s, slo->ttft_ns) || above(first_s + rest_s, slo->e2e_ns) ||
            (gaps > 0 &&
             (above(rest_s / gaps, slo->tpot_ns) || above(rest_s / gaps, slo->itl_ns)));
        n_unmet += unmet ? length->n : 0;
    }
    return (double)n_unmet / (double)mix->n_requests;
}
