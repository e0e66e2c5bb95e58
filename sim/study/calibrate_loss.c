#include "study/calibrate_loss.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

const double calibrate_loss_least = 0.005;

const char *calibrate_loss_name(enum calibrate_loss_kind kind)
{
    static const char *const names[] = {"huber", "cauchy", "squares"};
    return kind <= CALIBRATE_SQUARES ? names[kind] : NULL;
}

static double bent(enum calibrate_loss_kind kind, double z, double bend)
{
    double size = fabs(z);
    switch (kind) {
    case CALIBRATE_HUBER:
        return size <= bend ? z : copysign(sqrt(2 * bend * size - bend * bend), z);
    case CALIBRATE_CAUCHY:
        return copysign(bend * sqrt(log1p(z * z / (bend * bend))), z);
    case CALIBRATE_SQUARES:
        break;
    }
    return z;
}

/* 95 % efficient for normal errors (Holland and Welsch, 1977). */
static double tuning(enum calibrate_loss_kind kind)
{
    return kind == CALIBRATE_HUBER ? 1.345 : 2.385;
}

void calibrate_loss_scale(struct calibrate_loss *loss,
                          const struct calibrate_rows *rows, const double *logs)
{
    double *sizes = memory_new((size_t)rows->n_rows + 1, sizeof *sizes);
    for (int first = 0; first < 2; first++) {
        size_t n = 0;
        for (int32_t i = 0; i < rows->n_rows; i++) {
            if (rows->rows[i].is_first == (first == 1)) {
                sizes[n++] = fabs(logs[i]);
            }
        }
        gsl_sort(sizes, 1, n);
        double median = n > 0 ? gsl_stats_median_from_sorted_data(sizes, 1, n) : 0;
        double scale = fmax(1.4826 * median, calibrate_loss_least);
        loss->scale = first == 0 ? scale : loss->scale;
        loss->bend[first] = tuning(loss->kind) * scale;
    }
    free(sizes);
}

void calibrate_loss_apply(const struct calibrate_loss *loss,
                          const struct calibrate_rows *rows, const double *logs,
                          double *residuals)
{
    for (int32_t i = 0; i < rows->n_rows; i++) {
        const struct calibrate_row *row = &rows->rows[i];
        double bend = loss->bend[row->is_first ? 1 : 0];
        residuals[i] = row->weight * bent(loss->kind, logs[i], bend);
    }
}
