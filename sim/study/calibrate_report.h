/* calibrate_report: what a fit is worth, for people.
 *
 * Errors are of the rows that were fitted, and of the same rows when they were held out;
 * only the latter say what to expect of a server that nobody measured.
 */
#ifndef SERVESIM_STUDY_CALIBRATE_REPORT_H
#define SERVESIM_STUDY_CALIBRATE_REPORT_H

#include <stdio.h>

#include "study/calibrate.h"

/* Errors in percent of measured; the rest are standard deviations of
 * log(predicted / measured). */
struct calibrate_errors {
    int64_t n;
    double median;
    double mean;
    double bias;    /* of the median ratio */
    double between; /* of the means of deployments, without what chance adds to them */
    double within;  /* within a deployment */
    double about_one; /* from 0, every deployment counting alike */
};

/* Errors of first tokens or of the tokens after them. */
struct calibrate_errors calibrate_report_errors(const struct calibrate_rows *rows,
                                                const double *logs, bool is_first);

/* The rows used, the constants, what is not known, the errors. */
void calibrate_report_print(FILE *out, const struct calibrate *of);

/* The last two, each line after `mark` ("; " in an INI file). */
void calibrate_report_constants(FILE *out, const struct calibrate *of,
                                const char *mark);
void calibrate_report_print_errors(FILE *out, const struct calibrate *of,
                                   const char *mark);

#endif
