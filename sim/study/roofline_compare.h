/* roofline_compare: the same model and engine on two accelerators. */
#ifndef SERVESIM_STUDY_ROOFLINE_COMPARE_H
#define SERVESIM_STUDY_ROOFLINE_COMPARE_H

#include <stdio.h>

#include "study/roofline_files.h"

/* Ridges, step times and tokens per dollar of `other` over those of `one`, and the batch
 * from which on the better bargain is the other one: by the whole step model, and by
 * weights alone at the data sheets' rates. */
void roofline_compare_print(FILE *out, const struct roofline *one,
                            const struct roofline *other,
                            const struct roofline_request *request);

#endif
