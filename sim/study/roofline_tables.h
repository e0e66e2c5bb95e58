/* roofline_tables: reference tables of the arithmetic of serving, by name.
 *
 * Every value is a formula's (study/formula.h): by physics and, where a text counts
 * otherwise, by its convention beside it.  A row's label says `reference` where the form
 * contradicts physics and stands here to be compared with only, `projected` where nobody
 * has measured it.
 */
#ifndef SERVESIM_STUDY_ROOFLINE_TABLES_H
#define SERVESIM_STUDY_ROOFLINE_TABLES_H

#include <stdio.h>

#include "study/formula.h"

struct roofline_tables_row {
    const char *quantity;
    const char *formula;
    double in[FORMULA_INPUTS];
    const char *convention; /* NULL: no text counts otherwise */
    const char *source;     /* a worked example's id, or an erratum's */
    const char *label;      /* "", "reference", "projected" */
};

struct roofline_table {
    const char *name;
    const char *title;
    const struct roofline_tables_row *rows; /* ends with a NULL quantity */
};

/* All of them; the list ends with a NULL name. */
extern const struct roofline_table roofline_tables_all[];

/* The table of that name, or NULL. */
const struct roofline_table *roofline_tables_find(const char *name);

/* `by` NULL: each row's own convention. */
void roofline_tables_print(FILE *out, const struct roofline_table *table,
                           const struct roofline_convention *by);

#endif
