/* size_more: what stands below the table of fleets: what the SLO costs, GPUs over time, and
 * whose prices all that is. */
#ifndef SERVESIM_STUDY_SIZE_MORE_H
#define SERVESIM_STUDY_SIZE_MORE_H

#include <stdio.h>

#include "study/size.h"

/* ", $ 43.89 per hour", or nothing where there are no prices. */
void size_more_price(FILE *out, const struct size_variant *variant, int64_t nano);

/* Tighter and looser bounds; the fleet over time, if the workload is longer than an
 * interval, beside what an ideal autoscaler would take. */
void size_more_print(FILE *out, const struct size_variant *variant);

/* Dollars of different vendors are not one scale: whose they are. */
void size_more_vendors(FILE *out, const struct size_variant *variant);

#endif
