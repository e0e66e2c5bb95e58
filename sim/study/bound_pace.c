#include "study/bound_pace.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* A length's requests: the sum of sqrt(b) over the tokens of one. */
struct part {
    double root;
    int64_t n;
};

static int greatest_first(const void *a, const void *b)
{
    double x = ((const struct part *)a)->root;
    double y = ((const struct part *)b)->root;
    return (x < y) - (x > y);
}

static double root_at(const struct bound_price_line *line, int64_t context,
                      int64_t window_tokens)
{
    int64_t seen = context < window_tokens ? context : window_tokens;
    return sqrt(line->sequence_s + line->context_s * (double)context +
                line->window_s * (double)seen);
}

/* Of the contexts from + 1 ... to: concave in the context, so no less than on its chord. */
static double root_of(const struct bound_price_line *line, int64_t from, int64_t to,
                      int64_t window_tokens)
{
    double first = root_at(line, from + 1, window_tokens);
    double last = root_at(line, to, window_tokens);
    return (double)(to - from) * (first + last) / 2;
}

/* What the requests that may miss the pace have at most. */
static double left_off(struct part *parts, int64_t n, double n_missing)
{
    double sum = 0;
    qsort(parts, (size_t)n, sizeof *parts, greatest_first);
    for (int64_t i = 0; i < n && n_missing > 0; i++) {
        double taken = fmin((double)parts[i].n, n_missing);
        sum += taken * parts[i].root;
        n_missing -= taken;
    }
    return sum;
}

static bool some_share(const struct bound_price *price,
                       const struct bound_length *lengths, int64_t n)
{
    bool shares = false;
    for (int64_t i = 0; i < n; i++) {
        shares = shares || (lengths[i].shares && price->limits.caches);
    }
    return shares;
}

double bound_pace_steps(const struct bound_price *price,
                        const struct bound_length *lengths, int64_t n,
                        int64_t n_requests, const struct bound_pace *pace)
{
    struct bound_price_line line =
        bound_price_decode_line(price, some_share(price, lengths, n));
    int64_t window = price->limits.window_tokens;
    struct part *parts = memory_new((size_t)n, sizeof *parts);
    double tokens = 0;
    double roots = 0;
    double longest = 0;
    for (int64_t i = 0; i < n && price->limits.outputs; i++) {
        int64_t from = lengths[i].prompt_tokens;
        int64_t to = from + lengths[i].output_tokens - 1;
        parts[i] = (struct part){0, lengths[i].n};
        if (to > from) {
            parts[i].root = root_of(&line, from, to, window);
            tokens += (double)(to - from) * (double)lengths[i].n;
            roots += parts[i].root * (double)lengths[i].n;
            longest = fmax(longest, root_at(&line, to, window));
        }
    }
    double n_missing = ceil((1 - pace->share) * (double)n_requests * (1 + 1e-9));
    double gone = left_off(parts, n, n_missing);
    free(parts);
    if (longest > 0) {
        roots -= gone;
        tokens -= gone / longest;
    }
    if (!(tokens > 0) || !(roots > 0)) {
        return 0;
    }
    double most = price->limits.emitted;
    double left = pace->seconds - line.step_s / most;
    return left > 0 ? roots * roots / (most * most * left * tokens) : INFINITY;
}
