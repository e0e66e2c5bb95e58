#include "study/worked.h"

#include <stddef.h>

#include "base/check.h"

const struct worked *const worked_all[WORKED_LISTS] = {worked_000, worked_002,
                                                       worked_003};

double worked_value(const struct worked *row)
{
    const struct roofline_convention *by = roofline_convention_find(row->convention);
    CHECK(by != NULL);
    double value = formula_find(row->formula)->of(by, row->in);
    if (row->times != 0) {
        value *= row->times;
    }
    if (row->claim == 0) {
        return value;
    }
    return row->claim == '>' ? value > row->bound : value < row->bound;
}
