#include "study/mixture_fit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

static const double greatest_sigma = 10; /* what input/mixture.c takes */
static const double least_weight = 1e-6; /* the same */

static double limit_sigma(const struct mixture_fit_cells *cells, double sigma)
{
    double least = cells->least_sigma > 0 ? cells->least_sigma : 1e-4;
    return fmin(fmax(sigma, least), greatest_sigma);
}

/* A component's normal distribution at an end of a cell. */
struct ends {
    double share;   /* between this end and the one below */
    double density; /* and that times the score */
    double moment;
    double below; /* P(Z < score), and P(Z > score): the smaller one is exact */
    double above;
    double score;
};

static struct ends end_at(double score)
{
    struct ends at = {.score = score};
    double beyond = fabs(score) > 38 ? 0 : erfc(fabs(score) * M_SQRT1_2) / 2;
    at.above = score > 0 ? beyond : 1 - beyond;
    at.below = score > 0 ? 1 - beyond : beyond;
    if (fabs(score) < 38) {
        at.density = exp(-score * score / 2) * M_2_SQRTPI * M_SQRT1_2 / 2;
        at.moment = score * at.density;
    }
    return at;
}

/* The upper end of a cell, given the lower one. */
static struct ends next_end(const struct ends *low, double score)
{
    struct ends at = end_at(score);
    double share = low->score > 0 ? low->above - at.above /* where less cancels */
                   : score <= 0   ? at.below - low->below
                                  : 1 - low->below - at.above;
    at.share = fmax(share, 0);
    return at;
}

static double score_of(const struct mixture *mixture, int32_t j, double x)
{
    return (x - mixture->mu[j]) / mixture->sigma[j];
}

/* What each component gives to a cell, for all cells: the E-step. */
struct step {
    double *shares; /* [cell * k + component]: weight x probability */
    double *firsts; /* mean score in the cell, and mean square, times probability */
    double *seconds;
};

static void step_init(struct step *step, int32_t n_cells)
{
    size_t n = (size_t)n_cells * MIXTURE_MOST;
    step->shares = memory_new(n, sizeof *step->shares);
    step->firsts = memory_new(n, sizeof *step->firsts);
    step->seconds = memory_new(n, sizeof *step->seconds);
}

static void step_free(struct step *step)
{
    free(step->shares);
    free(step->firsts);
    free(step->seconds);
}

static void fill_component(struct step *step, const struct mixture_fit_cells *cells,
                           const struct mixture *mixture, int32_t j)
{
    int32_t k = mixture->n_components;
    struct ends low = {0};
    struct ends high = {0};
    for (int32_t i = 0; i < cells->n; i++) {
        const struct mixture_fit_cell *cell = &cells->list[i];
        bool adjoins = i > 0 && cells->list[i - 1].high == cell->low;
        low = adjoins ? high : end_at(score_of(mixture, j, cell->low));
        high = next_end(&low, score_of(mixture, j, cell->high));
        size_t at = (size_t)i * (size_t)k + (size_t)j;
        /* moments of a truncated normal distribution, times its probability */
        step->shares[at] = mixture->weight[j] * high.share;
        step->firsts[at] = mixture->weight[j] * (low.density - high.density);
        step->seconds[at] =
            mixture->weight[j] * (high.share + low.moment - high.moment);
    }
}

/* Fills the step; the log likelihood. */
static double expect(struct step *step, const struct mixture_fit_cells *cells,
                     const struct mixture *mixture)
{
    int32_t k = mixture->n_components;
    double sum = 0;
    for (int32_t j = 0; j < k; j++) {
        fill_component(step, cells, mixture, j);
    }
    for (int32_t i = 0; i < cells->n; i++) {
        double share = 0;
        for (int32_t j = 0; j < k; j++) {
            share += step->shares[i * k + j];
        }
        /* a cell that no component reaches is very unlikely, not impossible */
        sum += cells->list[i].count * log(fmax(share, 1e-300));
    }
    return sum;
}

/* What the M-step needs of a component. */
struct sums {
    double count;
    double first;
    double second;
};

static void maximise(const struct step *step, const struct mixture_fit_cells *cells,
                     struct mixture *mixture)
{
    int32_t k = mixture->n_components;
    struct sums sums[MIXTURE_MOST] = {{0}};
    for (int32_t i = 0; i < cells->n; i++) {
        double share = 0;
        for (int32_t j = 0; j < k; j++) {
            share += step->shares[i * k + j];
        }
        if (share < 1e-290) {
            continue;
        }
        double factor = cells->list[i].count / share;
        for (int32_t j = 0; j < k; j++) {
            sums[j].count += factor * step->shares[i * k + j];
            sums[j].first += factor * step->firsts[i * k + j];
            sums[j].second += factor * step->seconds[i * k + j];
        }
    }
    double total = 0;
    for (int32_t j = 0; j < k; j++) {
        mixture->weight[j] = fmax(sums[j].count / cells->count, least_weight);
        total += mixture->weight[j];
        if (sums[j].count > 1e-9 * cells->count) {
            double mean = sums[j].first / sums[j].count;
            double spread = sums[j].second / sums[j].count - mean * mean;
            mixture->mu[j] += mixture->sigma[j] * mean;
            mixture->sigma[j] *= sqrt(fmax(spread, 1e-6));
            mixture->sigma[j] = limit_sigma(cells, mixture->sigma[j]);
        }
    }
    for (int32_t j = 0; j < k; j++) {
        mixture->weight[j] /= total;
    }
}

/* Until a step adds less than `gain` to the log likelihood, or so many are done; the log
 * likelihood. */
static double iterate(struct step *step, const struct mixture_fit_cells *cells,
                      struct mixture *mixture, int32_t most_steps, double gain)
{
    double before = expect(step, cells, mixture);
    for (int32_t i = 0; i < most_steps; i++) {
        struct mixture moved = *mixture;
        maximise(step, cells, &moved);
        double after = expect(step, cells, &moved);
        if (after > before || i == 0) {
            *mixture = moved;
        }
        if (after - before < gain) {
            return fmax(after, before);
        }
        before = after;
    }
    return before;
}

double mixture_fit_likelihood(const struct mixture_fit_cells *cells,
                              const struct mixture *mixture)
{
    struct step step;
    step_init(&step, cells->n);
    double sum = expect(&step, cells, mixture);
    step_free(&step);
    return sum;
}

/* Where a cell is taken to be: in its middle, or at the end that it has. */
static double middle(const struct mixture_fit_cell *cell)
{
    return isinf(cell->low)    ? cell->high
           : isinf(cell->high) ? cell->low
                               : (cell->low + cell->high) / 2;
}

static struct mixture start(const struct mixture_fit_cells *cells)
{
    double sum = 0;
    double squares = 0;
    for (int32_t i = 0; i < cells->n; i++) {
        sum += cells->list[i].count * middle(&cells->list[i]);
    }
    double mean = sum / cells->count;
    for (int32_t i = 0; i < cells->n; i++) {
        double off = middle(&cells->list[i]) - mean;
        squares += cells->list[i].count * off * off;
    }
    struct mixture mixture = {.n_components = 1, .weight = {1}, .mu = {mean}};
    mixture.sigma[0] = limit_sigma(cells, sqrt(squares / cells->count));
    return mixture;
}

/* The mixture and one component more, at `mu`. */
static struct mixture with(const struct mixture *mixture, double weight, double mu,
                           double sigma)
{
    struct mixture more = *mixture;
    int32_t k = more.n_components++;
    for (int32_t j = 0; j < k; j++) {
        more.weight[j] *= 1 - weight;
    }
    more.weight[k] = weight;
    more.mu[k] = mu;
    more.sigma[k] = sigma;
    return more;
}

/* With a component in the stretch of `width` where the cells hold most more than the mixture
 * gives them; the same mixture if they hold more nowhere. */
static struct mixture with_peak(const struct mixture_fit_cells *cells,
                                const struct mixture *mixture, const double *excess,
                                double width)
{
    double best = 0;
    double sum = 0;
    double at = 0;
    for (int32_t first = 0, end = 0; end < cells->n; end++) {
        sum += excess[end];
        while (middle(&cells->list[end]) - middle(&cells->list[first]) > width) {
            sum -= excess[first++];
        }
        if (sum > best) {
            best = sum;
            at = (middle(&cells->list[end]) + middle(&cells->list[first])) / 2;
        }
    }
    double weight = fmin(best / cells->count, 0.5);
    return weight > 10 * least_weight
               ? with(mixture, weight, at, limit_sigma(cells, width / 4))
               : *mixture;
}

/* With a component cut in two. */
static struct mixture with_halves(const struct mixture_fit_cells *cells,
                                  const struct mixture *mixture, int32_t j)
{
    double sigma = mixture->sigma[j];
    struct mixture more =
        with(mixture, mixture->weight[j] / 2, mixture->mu[j] + 0.6 * sigma,
             limit_sigma(cells, 0.8 * sigma));
    for (int32_t i = 0; i < mixture->n_components; i++) {
        more.weight[i] = i == j ? mixture->weight[j] / 2 : mixture->weight[i];
    }
    more.mu[j] -= 0.6 * sigma;
    more.sigma[j] = limit_sigma(cells, 0.8 * sigma);
    return more;
}

/* The best of the mixtures with one component more, after a few steps each. */
static struct mixture grow(struct step *step, const struct mixture_fit_cells *cells,
                           const struct mixture *mixture)
{
    static const double widths[] = {0.01, 0.05, 0.2, 0.7, 2};
    enum { N_WIDTHS = sizeof widths / sizeof *widths, FEW_STEPS = 15 };
    int32_t k = mixture->n_components;
    double *excess = memory_new((size_t)cells->n, sizeof *excess);
    expect(step, cells, mixture);
    for (int32_t i = 0; i < cells->n; i++) {
        double share = 0;
        for (int32_t j = 0; j < k; j++) {
            share += step->shares[i * k + j];
        }
        excess[i] = cells->list[i].count - share * cells->count;
    }
    struct mixture best = *mixture;
    double most = -INFINITY;
    for (int32_t i = 0; i < N_WIDTHS + k; i++) {
        struct mixture more = i < N_WIDTHS
                                  ? with_peak(cells, mixture, excess, widths[i])
                                  : with_halves(cells, mixture, i - N_WIDTHS);
        if (more.n_components == k) {
            continue;
        }
        double likelihood = iterate(step, cells, &more, FEW_STEPS, 0);
        if (likelihood > most) {
            most = likelihood;
            best = more;
        }
    }
    free(excess);
    return best;
}

/* Schwarz' criterion: a mixture has k - 1 free weights, k means and k deviations. */
static double criterion(const struct mixture_fit_cells *cells, double log_likelihood,
                        int32_t k)
{
    return (3 * k - 1) * log(cells->count) - 2 * log_likelihood;
}

struct mixture_fit mixture_fit_best(const struct mixture_fit_cells *cells, int32_t most,
                                    const volatile sig_atomic_t *interrupted)
{
    enum { MOST_STEPS = 300 };
    struct mixture_fit best = {.bic = INFINITY};
    struct step step;
    CHECK(cells->n >= 2 && most >= 1 && most <= MIXTURE_MOST);
    step_init(&step, cells->n);
    struct mixture mixture = start(cells);
    for (int32_t k = 1; k <= most; k++) {
        mixture = k > 1 ? grow(&step, cells, &mixture) : mixture;
        double likelihood = iterate(&step, cells, &mixture, MOST_STEPS, 0.01);
        double bic = criterion(cells, likelihood, k);
        if (bic < best.bic) {
            best = (struct mixture_fit){mixture, likelihood, bic};
        }
        if (interrupted != NULL && *interrupted) {
            break;
        }
    }
    step_free(&step);
    return best;
}
