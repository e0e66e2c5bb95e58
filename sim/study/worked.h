/* worked: the worked examples of texts about serving, recomputed.
 *
 * One row per figure: a formula, the convention that the text counts by, its inputs.  A
 * claim (more than, less than) is 1 or 0.  `id` is the text's number and the figure's; the
 * texts' own values are in tests/theory/worked_examples.csv, which a test compares.
 */
#ifndef SERVESIM_STUDY_WORKED_H
#define SERVESIM_STUDY_WORKED_H

#include "study/formula.h"

struct worked {
    const char *id;
    const char *formula;    /* formula_find() */
    const char *convention; /* roofline_convention_find() */
    double in[FORMULA_INPUTS];
    double times; /* a change of unit, or a figure that it is divided by; 0: none */
    char claim;   /* '>' or '<': whether the value is, than the bound; 0: the value */
    double bound;
};

/* Those of one text or two; each list ends with a NULL id. */
extern const struct worked worked_000[]; /* and 001 */
extern const struct worked worked_002[];
extern const struct worked worked_003[]; /* and 004 */

enum { WORKED_LISTS = 3 };
extern const struct worked *const worked_all[WORKED_LISTS];

double worked_value(const struct worked *row);

#endif
