#include "study/workload_fit_lengths.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_psi.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { EXACT_TOKENS = 256, CELLS_PER_OCTAVE_BITS = 7, HEAVY_SHARE = 200 };

/* Lengths that are taken together with this one. */
static void stretch_of(int64_t tokens, int64_t *first, int64_t *last)
{
    *first = *last = tokens;
    if (tokens >= EXACT_TOKENS) {
        int shift =
            63 - CELLS_PER_OCTAVE_BITS - __builtin_clzll((unsigned long long)tokens);
        *first = tokens >> shift << shift;
        *last = *first + (INT64_C(1) << shift) - 1;
    }
}

/* Requests from `begin` on that have one length. */
static int64_t run_of(const struct length_order *order, int64_t begin)
{
    int64_t end = begin + 1;
    while (end < order->n && order->tokens[end] == order->tokens[begin]) {
        end++;
    }
    return end - begin;
}

/* A length that so many have is a cell of its own: a cap, a default. */
static bool is_heavy(const struct length_order *order, int64_t begin)
{
    return run_of(order, begin) * HEAVY_SHARE >= order->n;
}

/* The cell of the requests from `begin` on, and where the next one begins. */
static struct mixture_fit_cell cell_of(const struct length_order *order, int64_t begin,
                                       int64_t *next)
{
    int64_t tokens = order->tokens[begin];
    int64_t end = begin + run_of(order, begin);
    int64_t first = tokens;
    int64_t last = tokens;
    if (!is_heavy(order, begin)) {
        stretch_of(tokens, &first, &last);
        if (begin > 0 && order->tokens[begin - 1] >= first) {
            first = order->tokens[begin - 1] + 1; /* a heavy one */
        }
        while (end < order->n && order->tokens[end] <= last) {
            if (is_heavy(order, end)) {
                last = order->tokens[end] - 1;
                break;
            }
            end += run_of(order, end);
        }
    }
    *next = end;
    return (struct mixture_fit_cell){.low = log((double)first - 0.5),
                                     .high = log((double)last + 0.5),
                                     .count = (double)(end - begin)};
}

/* The first and the last are open: what lies beyond is clipped into them. */
static struct mixture_fit_cells cells_of(const struct length_order *order)
{
    struct mixture_fit_cells cells = {.count = (double)order->n};
    int32_t room = 0;
    for (int64_t begin = 0; begin < order->n;) {
        if (cells.n == room) {
            room = room * 2 + 1024;
            cells.list = memory_grow(cells.list, (size_t)room, sizeof *cells.list);
        }
        cells.list[cells.n++] = cell_of(order, begin, &begin);
    }
    CHECK(cells.n > 0);
    cells.list[0].low = -INFINITY;
    cells.list[cells.n - 1].high = INFINITY;
    return cells;
}

/* A distribution of lengths before they are clipped. */
struct law {
    double (*cdf)(const struct law *law, double x);
    const struct mixture *mixture;
    double shape;
    double scale;
};

static double cdf_of_mixture(const struct law *law, double x)
{
    return mixture_cdf(law->mixture, x);
}

static double cdf_of_gamma(const struct law *law, double x)
{
    return gsl_cdf_gamma_P(x, law->shape, law->scale);
}

/* The share of lengths up to this one. */
static double share_up_to(const struct law *law, int64_t tokens, int64_t most)
{
    return tokens >= most ? 1 : law->cdf(law, (double)tokens + 0.5);
}

static double distance(const struct law *law, const struct length_order *order)
{
    int64_t most = order->tokens[order->n - 1];
    double n = (double)order->n;
    double greatest = 0;
    for (int64_t begin = 0, end; begin < order->n; begin = end) {
        int64_t tokens = order->tokens[begin];
        for (end = begin + 1; end < order->n && order->tokens[end] == tokens; end++) {
        }
        double here = share_up_to(law, tokens, most);
        greatest = fmax(greatest, fabs(here - (double)end / n));
        if (begin > 0) { /* just below: the law may rise where the trace does not */
            double below = share_up_to(law, tokens - 1, most);
            greatest = fmax(greatest, fabs(below - (double)begin / n));
        }
    }
    return greatest;
}

/* Maximum likelihood of a Gamma distribution of points (Minka, "Estimating a Gamma
 * distribution", 2002): ln(shape) - psi(shape) = ln(mean) - mean(ln), by Newton's method. */
static struct law gamma_law(const struct length_order *order)
{
    double sum = 0;
    double log_sum = 0;
    for (int64_t i = 0; i < order->n; i++) {
        sum += order->tokens[i];
        log_sum += log(order->tokens[i]);
    }
    double mean = sum / (double)order->n;
    double gap = log(mean) - log_sum / (double)order->n;
    double shape = 0.5 / fmax(gap, 1e-9);
    for (int i = 0; i < 20; i++) {
        double slope = 1 / shape - gsl_sf_psi_1(shape);
        double moved = shape - (log(shape) - gsl_sf_psi(shape) - gap) / slope;
        shape = moved > 0 ? moved : shape / 2;
    }
    return (struct law){.cdf = cdf_of_gamma, .shape = shape, .scale = mean / shape};
}

static double gamma_likelihood(const struct law *law,
                               const struct mixture_fit_cells *cells)
{
    double sum = 0;
    double below = 0;
    for (int32_t i = 0; i < cells->n; i++) {
        double low = i > 0 && cells->list[i - 1].high == cells->list[i].low
                         ? below
                         : law->cdf(law, exp(cells->list[i].low));
        below =
            isinf(cells->list[i].high) ? 1 : law->cdf(law, exp(cells->list[i].high));
        sum += cells->list[i].count * log(fmax(below - low, 1e-300));
    }
    return sum;
}

struct workload_fit_lengths workload_fit_lengths_of(
    const struct length_order *order, const volatile sig_atomic_t *interrupted)
{
    struct workload_fit_lengths fit = {.least = order->tokens[0],
                                       .most = order->tokens[order->n - 1]};
    if (fit.least == fit.most) {
        return fit;
    }
    struct mixture_fit_cells cells = cells_of(order);
    if (cells.n < 2) { /* a few neighbours: a cell of its own is better for each */
        cells.list = memory_grow(cells.list, 2, sizeof *cells.list);
        double cut = log((double)fit.least + 0.5);
        int64_t n_least = 1;
        while (order->tokens[n_least] == fit.least) {
            n_least++;
        }
        cells.list[0] = (struct mixture_fit_cell){-INFINITY, cut, (double)n_least};
        cells.list[1] =
            (struct mixture_fit_cell){cut, INFINITY, (double)(order->n - n_least)};
        cells.n = 2;
    }
    fit.fit = mixture_fit_best(&cells, WORKLOAD_FIT_LENGTHS_MOST, interrupted);
    struct law law = {.cdf = cdf_of_mixture, .mixture = &fit.fit.mixture};
    fit.ks = distance(&law, order);

    struct mixture_fit single = mixture_fit_best(&cells, 1, interrupted);
    law.mixture = &single.mixture;
    fit.lognormal = (struct workload_fit_rival){distance(&law, order), single.bic};

    law = gamma_law(order);
    fit.gamma_shape = law.shape;
    fit.gamma = (struct workload_fit_rival){distance(&law, order),
                                            2 * log(cells.count) -
                                                2 * gamma_likelihood(&law, &cells)};
    free(cells.list);
    return fit;
}
