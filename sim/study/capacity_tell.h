/* capacity_tell: one fleet's capacity in words. */
#ifndef SERVESIM_STUDY_CAPACITY_TELL_H
#define SERVESIM_STUDY_CAPACITY_TELL_H

#include <stdio.h>

#include "study/capacity_study.h"

/* The answer with what proves it, what it costs and how sure it is. */
void capacity_tell_print(FILE *out, const struct capacity_variant *variant);

/* What is not counted, and what seeds and draws are. */
void capacity_tell_rules(FILE *out, const struct capacity_variant *variant);

/* Where a fleet is not monotone, in one line. */
void capacity_tell_monotone(FILE *out, const struct capacity_variant *variant);

#endif
