#include "study/decisions_spread.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

void decisions_spread_add(struct decisions_spread_list *list, double value)
{
    list->values = memory_grow(list->values, (size_t)list->n + 1, sizeof *list->values);
    list->values[list->n++] = value;
}

struct decisions_spread decisions_spread_take(struct decisions_spread_list *list)
{
    struct decisions_spread spread = {list->n, NAN, NAN, NAN};
    size_t n = (size_t)list->n;
    if (n > 0) {
        gsl_sort(list->values, 1, n);
        spread.median = gsl_stats_median_from_sorted_data(list->values, 1, n);
        spread.mean = gsl_stats_mean(list->values, 1, n);
        spread.p90 = gsl_stats_quantile_from_sorted_data(list->values, 1, n, 0.9);
    }
    free(list->values);
    *list = (struct decisions_spread_list){0};
    return spread;
}
