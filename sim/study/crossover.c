#include "study/crossover.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <math.h>

/* Between two batches where the lead has two signs. */
static double solve(gsl_function *function, double low, double high)
{
    enum { MOST_STEPS = 200 };
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    gsl_root_fsolver_set(solver, function, low, high);
    for (int i = 0; i < MOST_STEPS; i++) {
        gsl_root_fsolver_iterate(solver);
        if (gsl_root_test_interval(gsl_root_fsolver_x_lower(solver),
                                   gsl_root_fsolver_x_upper(solver), 0,
                                   1e-9) == GSL_SUCCESS) {
            break;
        }
    }
    double root = gsl_root_fsolver_root(solver);
    gsl_root_fsolver_free(solver);
    return root;
}

double crossover_find(const struct crossover *crossover, double most)
{
    const double stride = 1.05;
    gsl_function function = {.function = crossover->lead, .params = crossover->state};
    double low = 1;
    double before = crossover->lead(low, crossover->state);
    while (low < most) {
        double high = fmin(low * stride, most);
        double after = crossover->lead(high, crossover->state);
        if ((before < 0) != (after < 0)) {
            return solve(&function, low, high);
        }
        low = high;
        before = after;
    }
    return NAN;
}
