/* validate: predictions beside measurements, and their errors by kind.
 *
 * Errors are of log(predicted / measured) or of |predicted / measured - 1|; a row that the
 * simulator cannot serve, or whose model or GPU has no preset, is counted, never dropped in
 * silence.
 */
#ifndef SERVESIM_STUDY_VALIDATE_H
#define SERVESIM_STUDY_VALIDATE_H

#include <stdio.h>

#include "study/predict.h"

/* Errors of one metric over some rows, in percent; `bias` is of the median ratio. */
struct validate_errors {
    int64_t n;
    double median;
    double mean;
    double p90;
    double bias;
};

/* By what rows are grouped in the tables. */
enum validate_group {
    VALIDATE_ALL,
    VALIDATE_MODEL,
    VALIDATE_GPU,
    VALIDATE_ENGINE,
    VALIDATE_PRECISION,
    VALIDATE_KIND, /* dense or MoE */
    VALIDATE_SOURCE,
    N_VALIDATE_GROUPS
};

/* What the row is called within the group. */
const char *validate_label(const struct predict_case *of, enum validate_group group);

/* Errors of the rows whose label in `group` is `label`. */
struct validate_errors validate_errors_of(const struct predict_case *cases,
                                          const struct predict_result *results,
                                          int32_t n, enum predict_metric metric,
                                          enum validate_group group, const char *label);

/* Prints all tables, and the `n_worst` worst rows of each metric. */
void validate_print(FILE *out, const struct predict_case *cases,
                    const struct predict_result *results, int32_t n, int32_t n_worst);

/* One table: a name for the results and their errors over all rows, metric by metric. */
void validate_print_rival(FILE *out, const char *name, const struct predict_case *cases,
                          const struct predict_result *results, int32_t n);

/* Writes a row per measurement: what it was, measured, predicted, their ratio. */
void validate_write(FILE *out, const struct predict_case *cases,
                    const struct predict_result *results, int32_t n);

#endif
