/* size_print: the cheapest fleet, and what stands behind it, as people read it. */
#ifndef SERVESIM_STUDY_SIZE_PRINT_H
#define SERVESIM_STUDY_SIZE_PRINT_H

#include <stdio.h>

#include "base/memory.h"
#include "study/size.h"

/* One variant in full; several as a table with a row each. */
void size_print(FILE *out, const struct size *size, struct arena *arena);

#endif
