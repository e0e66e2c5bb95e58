/* tune_split_print: which replicas should prefill and which decode, for people. */
#ifndef SERVESIM_STUDY_TUNE_SPLIT_PRINT_H
#define SERVESIM_STUDY_TUNE_SPLIT_PRINT_H

#include <stdio.h>

#include "study/tune_split.h"

/* A row per hour, the best split beside the fleet as it is, and the break-even. */
void tune_split_print(FILE *out, const struct tune_split *split);

#endif
