/* tune_print: what tuning found, for people, and as a configuration. */
#ifndef SERVESIM_STUDY_TUNE_PRINT_H
#define SERVESIM_STUDY_TUNE_PRINT_H

#include <stdio.h>

#include "study/tune.h"

/* The goal before and after, each flag with its worth, the flags to paste. */
void tune_print(FILE *out, const struct tune *tune);

/* Writes the tuned configuration to `path`, every key, whole or not at all. */
int tune_print_config(const struct tune *tune, const char *path, struct err *err);

#endif
