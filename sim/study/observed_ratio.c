#include <math.h>

#include "study/observed.h"

double observed_ratio_begun(const struct measured_interval *before,
                            const struct measured_interval *now)
{
    return observed_known(now->n_requests) +
           (observed_known(now->running_nano) - observed_known(before->running_nano)) *
               1e-9;
}

static double grown_queue(const struct measured_interval *before,
                          const struct measured_interval *now)
{
    return (observed_known(now->waiting_nano) - observed_known(before->waiting_nano)) *
           1e-9;
}

/* Prompt tokens of a request, over all rows in which both are known. */
static double mean_prompt(const struct measured_interval *rows, int64_t n)
{
    double tokens = 0;
    double requests = 0;
    for (int64_t i = 1; i <= n; i++) {
        double more = observed_ratio_begun(&rows[i - 1], &rows[i]);
        if (rows[i].prompt_tokens != MEASURED_NONE && !isnan(more)) {
            tokens += (double)rows[i].prompt_tokens;
            requests += more;
        }
    }
    return requests > 0 ? tokens / requests : NAN;
}

/* Tokens of prompts that came: computed, or those of requests that wait. */
static double came(const struct measured_interval *before,
                   const struct measured_interval *now, double mean)
{
    double waiting = grown_queue(before, now) * mean;
    return observed_known(now->prompt_tokens) + (isnan(waiting) ? 0 : waiting);
}

static struct observed_ratio mean_of(int64_t value, double weight)
{
    return (struct observed_ratio){observed_known(value) * weight, weight};
}

/* All but OBSERVED_STEP. */
static struct observed_ratio ratio_of(enum observed_quantity quantity,
                                      const struct measured_interval *before,
                                      const struct measured_interval *now,
                                      double prompt)
{
    double length_s = (double)(now->t_ns - before->t_ns) * 1e-9;
    double tokens = observed_known(now->generation_tokens);
    double requests = observed_known(now->n_requests);
    switch (quantity) {
    case OBSERVED_REQUESTS:
        return (struct observed_ratio){
            observed_ratio_begun(before, now) + grown_queue(before, now), length_s};
    case OBSERVED_PROMPT:
        return (struct observed_ratio){came(before, now, prompt), length_s};
    case OBSERVED_OUTPUT: /* who runs is halfway, in the mean */
        return (struct observed_ratio){
            tokens, (observed_ratio_begun(before, now) + requests) / 2};
    case OBSERVED_HITS:
        return (struct observed_ratio){observed_known(now->prefix_hit_tokens),
                                       observed_known(now->prefix_query_tokens)};
    case OBSERVED_RUNNING:
        return mean_of(now->running_nano, length_s);
    case OBSERVED_WAITING:
        return mean_of(now->waiting_nano, length_s);
    case OBSERVED_KV_USED:
        return mean_of(now->kv_used_nano, length_s);
    case OBSERVED_PREEMPTIONS:
        return (struct observed_ratio){observed_known(now->n_preemptions), length_s};
    case OBSERVED_TTFT:
        return mean_of(now->ttft_mean_ns, requests);
    case OBSERVED_E2E:
        return mean_of(now->e2e_mean_ns, requests);
    case OBSERVED_ITL:
    case OBSERVED_STEP:
        return mean_of(now->itl_mean_ns, tokens);
    case N_OBSERVED_QUANTITIES:
        break;
    }
    return (struct observed_ratio){NAN, NAN};
}

/* Nothing happened, and nothing was to be known of it: no latency of no request. */
static struct observed_ratio settled(struct observed_ratio ratio)
{
    bool is_empty = isnan(ratio.numerator) && ratio.denominator == 0;
    return is_empty ? (struct observed_ratio){0, 0} : ratio;
}

void observed_ratio_fill(struct observed *observed, enum observed_quantity quantity,
                         const struct measured_interval *played)
{
    struct observed_pair *pairs = observed->results[quantity].pairs;
    double seen_prompt = mean_prompt(observed->rows, observed->n);
    double played_prompt = mean_prompt(played, observed->n);
    for (int64_t i = 0; i < observed->n; i++) {
        pairs[i].observed = settled(ratio_of(quantity, &observed->rows[i],
                                             &observed->rows[i + 1], seen_prompt));
        pairs[i].simulated =
            settled(ratio_of(quantity, &played[i], &played[i + 1], played_prompt));
    }
}
