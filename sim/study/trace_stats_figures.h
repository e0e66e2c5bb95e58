/* trace_stats_figures: what is in a trace, for people and for programs. */
#ifndef SERVESIM_STUDY_TRACE_STATS_FIGURES_H
#define SERVESIM_STUDY_TRACE_STATS_FIGURES_H

#include <stdio.h>

#include "study/trace_stats.h"

/* As a table in groups, and as "metric,value,unit".  What is not known is empty. */
void trace_stats_figures_print(struct trace_stats *stats, FILE *out);
void trace_stats_figures_write(struct trace_stats *stats, FILE *out);

#endif
