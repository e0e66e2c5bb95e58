/* diff_better: whether more or less of a metric of summary.csv is better. */
#ifndef SERVESIM_STUDY_DIFF_BETTER_H
#define SERVESIM_STUDY_DIFF_BETTER_H

/* 1: more is better, -1: less, 0: neither, or nobody can say. */
int diff_better(const char *metric);

#endif
