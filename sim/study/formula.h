/* formula: textbook quantities of serving, under a convention, by name.
 *
 * Where the model has the quantity it is asked: a "model of P parameters" is a struct llm
 * of just that many, its bytes and FLOPs are power_sum()'s, a ridge is
 * accelerator_ridge()'s, the experts that a batch visits are cost_expert_milli()'s.  What
 * the model does not have (Amdahl's law, products of savings, a GEMM by its three
 * matrices) is here, and a label says where a form contradicts physics.
 */
#ifndef SERVESIM_STUDY_FORMULA_H
#define SERVESIM_STUDY_FORMULA_H

#include "study/roofline_convention.h"

enum { FORMULA_INPUTS = 10 };

struct formula {
    const char *name;
    const char *unit;
    const char *inputs; /* their names, in order */
    double (*of)(const struct roofline_convention *by, const double *in);
};

/* The formula of that name; a name that is not there is a bug. */
const struct formula *formula_find(const char *name);

/* Those of the model, and those that it does not have; each list ends with a NULL name. */
extern const struct formula formula_model[];
extern const struct formula formula_reference[];

#endif
