/* tune_point: one setting of all flags: its configuration, and whether a server starts. */
#ifndef SERVESIM_STUDY_TUNE_POINT_H
#define SERVESIM_STUDY_TUNE_POINT_H

#include "study/tune.h"

/* The point of these values, looked up or new; a new one may be refused at once. */
struct tune_point *tune_point_at(struct tune *tune, const int32_t *at);

/* Such a server does not start, or cannot serve the workload. */
void tune_point_refuse(struct tune *tune, struct tune_point *point, const char *reason);

#endif
