#include "study/workload_fit_cox.h"

#include <gsl/gsl_multimin.h>
#include <math.h>

#include "base/check.h"

static const int64_t windows_s[] = {1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600};
enum {
    N_WINDOWS = sizeof windows_s / sizeof *windows_s,
    GRID_CVS = 22,
    GRID_TAUS = 20,
    MEMORIES = 20 /* in a trace at least: what is slower is not told from a trend */
};

/* What the wandering rate adds to the index in one window: rate x 2 / W x the integral over u
 * of (W - u) C(u), C(u) = exp(s2 exp(-u / tau)) - 1 the covariance of the rate's factor (the
 * exponential of a Gaussian process), as the series of the outer exponential. */
static double wandering(double rate_per_s, double s2, double tau_s, double window_s)
{
    double sum = 0;
    double term = 1;
    for (int m = 1; m < 60; m++) {
        double a = m / tau_s;
        term *= s2 / m;
        sum += term * (2 / a + 2 * expm1(-a * window_s) / (a * a * window_s));
        if (term < 1e-12) {
            break;
        }
    }
    return rate_per_s * sum;
}

/* Of an equilibrium renewal process (Cox, Renewal Theory, 1962, section 4.5): the asymptote
 * c^2, c^2 = 1 / shape, and the constant behind it, which is (1 - c^4) / 6 for Gamma gaps. */
static double renewal(double shape, double n)
{
    double c2 = 1 / shape;
    double index = c2 + (1 - c2 * c2) / (6 * n);
    return fmin(fmax(index, fmin(1, c2)), fmax(1, c2));
}

/* Of windows without end. */
static double index_of(double rate_per_s, double shape, double s2, double tau_s,
                       double window_s)
{
    return renewal(shape, rate_per_s * window_s) +
           wandering(rate_per_s, s2, tau_s, window_s);
}

double workload_fit_cox_idc(double rate_per_s, double shape, double modulation_cv,
                            double tau_s, double window_s, int64_t n_windows)
{
    double s2 = log1p(modulation_cv * modulation_cv);
    double n = (double)n_windows;
    /* the mean of the windows takes away what is slower than all of them together */
    return index_of(rate_per_s, shape, s2, tau_s, window_s) -
           index_of(rate_per_s, shape, s2, tau_s, window_s * n) / n;
}

/* What is fitted, and to what. */
struct task {
    double rate_per_s;
    double gap_cv;
    double longest_tau_s;
    double index[N_WINDOWS];
    int64_t n_windows[N_WINDOWS]; /* fewer than 8: not looked at */
};

/* The gaps at a rate that wanders slowly: E[gap^2] / E[gap]^2 = (1 + 1 / shape) (1 + cv^2),
 * for E[1 / rate] E[rate] = 1 + cv^2 where the rate is lognormal. */
static double shape_of(const struct task *task, double modulation_cv)
{
    double inverse =
        (task->gap_cv * task->gap_cv + 1) / (modulation_cv * modulation_cv + 1) - 1;
    return 1 / fmin(fmax(inverse, 0.01), 100);
}

/* Squared differences of logarithms; an index of n windows is known to sqrt(2 / n) or so, but
 * none counts for more than 40 of them, for the equations are not exact either. */
static double loss(const struct task *task, double modulation_cv, double tau_s)
{
    double shape = shape_of(task, modulation_cv);
    double sum = 0;
    for (int i = 0; i < N_WINDOWS; i++) {
        if (task->n_windows[i] >= 8 && task->index[i] > 0) {
            double expected =
                workload_fit_cox_idc(task->rate_per_s, shape, modulation_cv, tau_s,
                                     (double)windows_s[i], task->n_windows[i]);
            double off = log(task->index[i] / fmax(expected, 1e-9));
            sum += fmin((double)task->n_windows[i], 40) * off * off;
        }
    }
    return sum;
}

static double limited(double value, double least, double greatest)
{
    return fmin(fmax(value, least), greatest);
}

static double loss_for_gsl(const gsl_vector *x, void *context)
{
    const struct task *task = context;
    return loss(task, limited(exp(gsl_vector_get(x, 0)), 0.01, 5),
                limited(exp(gsl_vector_get(x, 1)), 1, task->longest_tau_s));
}

/* From the best point of a grid the simplex of Nelder and Mead. */
static void solve(struct task *task, double *modulation_cv, double *tau_s)
{
    double least = INFINITY;
    double start[2] = {0};
    for (int i = 0; i < GRID_CVS; i++) {
        double cv = 0.02 * pow(1.3, i); /* to 5 */
        for (int j = 0; j < GRID_TAUS; j++) {
            double tau = pow(task->longest_tau_s, (double)j / (GRID_TAUS - 1));
            double here = loss(task, cv, tau);
            if (here < least) {
                least = here;
                start[0] = log(cv);
                start[1] = log(tau);
            }
        }
    }
    gsl_vector_view at = gsl_vector_view_array(start, 2);
    double steps[2] = {0.2, 0.2};
    gsl_vector_view step = gsl_vector_view_array(steps, 2);
    gsl_multimin_function function = {.f = loss_for_gsl, .n = 2, .params = task};
    gsl_multimin_fminimizer *solver =
        gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, 2);
    CHECK(solver != NULL);
    int status =
        gsl_multimin_fminimizer_set(solver, &function, &at.vector, &step.vector);
    for (int i = 0; i < 500 && status == GSL_SUCCESS; i++) {
        status = gsl_multimin_fminimizer_iterate(solver);
        if (gsl_multimin_fminimizer_size(solver) < 1e-8) {
            break;
        }
    }
    *modulation_cv = limited(exp(gsl_vector_get(solver->x, 0)), 0.01, 5);
    *tau_s = limited(exp(gsl_vector_get(solver->x, 1)), 1, task->longest_tau_s);
    gsl_multimin_fminimizer_free(solver);
}

bool workload_fit_cox_of(struct arrivals_spec *spec,
                         const struct workload_fit_traffic *traffic)
{
    struct task task = {.rate_per_s = traffic->figures[WORKLOAD_FIT_RATE],
                        .gap_cv = traffic->figures[WORKLOAD_FIT_GAP_CV]};
    double span_s =
        (double)(traffic->arrivals_ns[traffic->n - 1] - traffic->arrivals_ns[0]) / 1e9;
    if (span_s < 100) {
        return false;
    }
    for (int i = 0; i < N_WINDOWS; i++) {
        task.index[i] =
            workload_fit_traffic_idc(traffic, windows_s[i], &task.n_windows[i]);
    }
    task.longest_tau_s = fmin(span_s / MEMORIES, 1e6);
    double modulation_cv;
    double tau_s;
    solve(&task, &modulation_cv, &tau_s);
    *spec = (struct arrivals_spec){
        .process = ARRIVALS_COX,
        .rate_nano_per_s = llround(task.rate_per_s * 1e9),
        .shape = shape_of(&task, modulation_cv),
        .modulation_cv_nano = llround(modulation_cv * 1e9),
        .tau_ns = llround(tau_s * 1e9),
    };
    return true;
}
