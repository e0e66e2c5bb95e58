/* diff_print: what changed between two runs, as people and as programs read it. */
#ifndef SERVESIM_STUDY_DIFF_PRINT_H
#define SERVESIM_STUDY_DIFF_PRINT_H

#include <stdio.h>

#include "base/err.h"
#include "study/diff.h"

/* Prints it; of numbers among the metrics only those that changed by `least_percent` or
 * more. */
void diff_print(FILE *out, const struct diff *diff, double least_percent);

/* Writes all of it as CSV: kind, name, unit, before, after, change, percent, better. */
int diff_print_csv(const struct diff *diff, const char *path, struct err *err);

#endif
